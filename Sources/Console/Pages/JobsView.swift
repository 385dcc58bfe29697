import Foundation
import JSONEnvelope

/// The list of jobs.
public enum JobsView {
    /// What the list was asked for.
    public struct Query: Sendable {
        public var state = ""
        public var kind = ""
        public var cursor: String?

        public init() {}

        fileprivate var isEmpty: Bool { state.isEmpty && kind.isEmpty }

        /// As the API takes them, too.
        public var parameters: String { Console.query([("state", state), ("kind", kind), ("cursor", cursor)]) }

        func href(cursor: String?) -> String {
            Layout.path("jobs") + Console.query([("state", state), ("kind", kind), ("cursor", cursor)])
        }
    }

    public static let states = ["scheduled", "available", "running", "retryable", "parked", "completed", "cancelled", "discarded"]

    /// - Parameters:
    ///   - page: `GET /v1/jobs`.
    ///   - kinds: that can be asked for.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, page: JSONNode, kinds: [String], query: Query
    ) -> View {
        let words = layout.words
        let jobs = page["items"]?.elements ?? []
        let next = page["next_cursor"]?.string
        return layout.page(
            words["jobs_title"],
            [
                "asOf": clerk.when(clerk.now),
                "searchAction": .text(Layout.path("jobs")),
                "stateOptions": .list(
                    Option.list(states.map { ($0, words["state_\($0)"]) }, chosen: query.state, all: words["state_any"])),
                "kindOptions": .list(
                    Option.list(kinds.map { ($0, words.known("kind", $0)) }, chosen: query.kind, all: words["kind_any"])),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("jobs")),
                "hasJobs": .flag(!jobs.isEmpty), "jobs": .list(jobs.map { row($0, clerk) }),
                "pager": Pager.view(
                    words, shown: jobs.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: next.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[query.isEmpty ? "jobs_none" : "jobs_none_found"]),
                "emptyWhy": .text(words[query.isEmpty ? "jobs_none_why" : next == nil ? "jobs_none_found_why" : "jobs_none_here_why"]),
                "emptyLink": .flag(!query.isEmpty),
                "emptyHref": .text(next.map { query.href(cursor: $0) } ?? Layout.path("jobs")),
                "emptyLabel": .text(words[next == nil ? "word_clear" : "pager_next"]),
            ])
    }

    private static func row(_ job: JSONNode, _ clerk: Clerk) -> View {
        let id = job["id"]?.string ?? ""
        return [
            "jobHref": .text(Layout.path("jobs/\(id)")), "number": .text(id),
            "kindName": .text(clerk.words.known("kind", job["kind"]?.string ?? "")),
            "state": JobWords.chip(job, clerk.words), "what": .text(JobWords.outcome(job, clerk)),
            "attempts": .text(JobWords.attempts(job, clerk)), "queued": .text(clerk.span(milliseconds: job["queue_ms"]?.double) ?? "–"),
            "ran": .text(clerk.span(milliseconds: job["run_ms"]?.double) ?? "–"), "created": clerk.when(job["created_at"]),
        ]
    }
}
