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

        /// Why it cannot be looked for, where that needs no asking.
        public var fault: Refusal? {
            if lead.isEmpty || Int64(lead).map({ $0 > 0 }) == true { return nil }
            return .search("lead", "must be a lead's number, such as 4711")
        }

        /// Why nothing is found of a kind there is none of; nil: there is such a kind. Of one that is no more, jobs may be left.
        public func unknownKind(_ page: JSONNode, among kinds: [String]) -> Refusal? {
            if kind.isEmpty || kinds.contains(kind) || unknown != nil || cursor != nil { return nil }
            let isFound = page["items"]?.elements.isEmpty == false || page["next_cursor"]?.string != nil
            return isFound ? nil : .search("kind", "is no kind of job there is")
        }

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

    /// What the form calls what the API is asked for.
    private static let labels = [
        "state": "word_state", "kind": "word_kind", "unique_key": "jobs_key", "lead": "word_lead", "error_class": "now_class",
        "since": "jobs_since", "until": "jobs_until",
    ]

    public static let states = ["scheduled", "available", "running", "retryable", "parked", "completed", "cancelled", "discarded"]

    /// - Parameters:
    ///   - page: `GET /v1/jobs`.
    ///   - flow: `GET /v1/flow` of the last hour; nil: it is being counted.
    ///   - kinds: that can be asked for.
    ///   - refusal: why nothing was looked for.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, page: JSONNode, flow: JSONNode?, kinds: [String], query: Query, refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        // They come by their numbers, which several servers give out beside each other: nearly by time, and on a page exactly.
        let jobs = (page["items"]?.elements ?? []).sorted {
            ($1["created_at"]?.date ?? .distantPast) < ($0["created_at"]?.date ?? .distantPast)
        }
        let next = page["next_cursor"]?.string
        let lately = lately(flow, query, clerk)
        return layout.page(
            words["jobs_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("jobs")), "liveOn": .text(refusal == nil ? "job" : nil),
                "stateOptions": .list(
                    Option.list(states.map { ($0, words["state_\($0)"]) }, chosen: query.state, all: words["state_any"])),
                "kindOptions": .list(
                    Option.list(kinds.map { ($0, words.known("kind", $0)) }, chosen: query.kind, all: words["kind_any"])),
                "classOptions": .list(
                    Option.list(
                        DeadLettersView.classes.map { ($0, words["class_\($0)"]) }, chosen: query.errorClass, all: words["class_any"])),
                "isCounting": .flag(flow == nil && refusal == nil), "hasLately": .flag(!lately.isEmpty), "lately": .list(lately),
                "uniqueKey": .text(query.uniqueKey),
                "lead": .text(query.lead), "since": .text(query.since), "until": .text(query.until),
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

    /// The kinds that ended lately, the most frequent first, each one click away, lest one of them hides all others; none where there is
    /// nothing to choose.
    private static func lately(_ flow: JSONNode?, _ query: Query, _ clerk: Clerk) -> [View] {
        let lines = (flow?["kinds"]?.elements ?? []).map(NowView.Line.init).filter { $0.ended > 0 }
        guard lines.count > 1 else { return [] }
        func link(to kind: String, _ name: String, _ count: Int?) -> View {
            var chosen = query
            chosen.kind = kind
            return [
                "kindHref": .text(chosen.href(cursor: nil)), "kindName": .text(name), "kindCount": .text(count.map { clerk.number($0) }),
                "isChosen": .flag(kind == query.kind),
            ]
        }
        return [link(to: "", clerk.words["kind_any"], nil)]
            + lines.sorted { ($1.ended, $0.kind) < ($0.ended, $1.kind) }
            .map { link(to: $0.kind, clerk.words.known("kind", $0.kind), $0.ended) }
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
