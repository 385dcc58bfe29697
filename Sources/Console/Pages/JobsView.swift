import Foundation
import JSONEnvelope

/// The list of jobs.
public enum JobsView {
    /// What the list was asked for.
    public struct Query: Sendable {
        public var state = ""
        public var kind = ""
        public var uniqueKey = ""
        public var lead = ""
        public var errorClass = ""
        /// As the browser writes them, in the tenant's time: `2026-03-18T14:30`.
        public var since = ""
        public var until = ""
        public var cursor: String?
        /// What was typed as a number and is no job's.
        public var unknown: String?

        public init() {}

        fileprivate var isEmpty: Bool { state.isEmpty && kind.isEmpty && unknown == nil && !isNarrow }
        /// Whether it asks for more than everybody does.
        fileprivate var isNarrow: Bool { [uniqueKey, lead, errorClass, since, until].contains { !$0.isEmpty } }

        /// As the API takes them.
        /// - Parameter instant: a time of the tenant's as the API writes it.
        public func parameters(_ instant: (String) -> String?) -> String {
            Console.query(named(since: instant(since), until: instant(until), cursor: cursor))
        }

        func href(cursor: String?) -> String { Layout.path("jobs") + Console.query(named(since: since, until: until, cursor: cursor)) }

        private func named(since: String?, until: String?, cursor: String?) -> [(String, String?)] {
            [
                ("state", state), ("kind", kind), ("unique_key", uniqueKey), ("lead", lead), ("error_class", errorClass), ("since", since),
                ("until", until), ("cursor", cursor),
            ]
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
        // They come by their numbers, which several servers give out beside each other: nearly by time, and on a page exactly.
        let jobs = (page["items"]?.elements ?? []).sorted {
            ($1["created_at"]?.date ?? .distantPast) < ($0["created_at"]?.date ?? .distantPast)
        }
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
                "classOptions": .list(
                    Option.list(
                        DeadLettersView.classes.map { ($0, words["class_\($0)"]) }, chosen: query.errorClass, all: words["class_any"])),
                "uniqueKey": .text(query.uniqueKey), "lead": .text(query.lead), "since": .text(query.since), "until": .text(query.until),
                "isNarrow": .flag(query.isNarrow),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("jobs")),
                "hasJobs": .flag(!jobs.isEmpty), "jobs": .list(jobs.map { row($0, clerk) }),
                "pager": Pager.view(
                    words, shown: jobs.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: next.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[query.isEmpty ? "jobs_none" : "jobs_none_found"]),
                "emptyWhy": .text(
                    query.unknown.map { words["jobs_none_numbered", ["number": $0]] }
                        ?? words[query.isEmpty ? "jobs_none_why" : next == nil ? "jobs_none_found_why" : "jobs_none_here_why"]),
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
