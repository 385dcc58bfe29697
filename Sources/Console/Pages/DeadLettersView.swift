import Foundation
import JSONEnvelope

/// Jobs that failed for good, and their way back.
public enum DeadLettersView {
    public struct Query: Sendable {
        public var kind = ""
        public var errorClass = ""
        /// As the browser writes it, in the tenant's time: `2026-03-18T14:30`.
        public var since = ""
        public var cursor: String?
        public var isPreview = false

        public init() {}

        fileprivate var isEmpty: Bool { kind.isEmpty && errorClass.isEmpty && since.isEmpty }

        fileprivate func href(cursor: String? = nil) -> String {
            Layout.path("dead-letters")
                + Console.query([("kind", kind), ("error_class", errorClass), ("since", since), ("cursor", cursor)])
        }
    }

    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/dlq`
        public var letters: JSONNode
        /// Why none was looked for; nil: they were.
        public var fault: Refusal?
        /// `GET /v1/dlq:groups`
        public var groups: JSONNode
        /// `GET /v1/redrives`
        public var redrives: JSONNode
        /// `POST /v1/dlq:redrive` as a dry run; nil: not asked for.
        public var plan: JSONNode?

        public init(letters: JSONNode, fault: Refusal? = nil, groups: JSONNode, redrives: JSONNode, plan: JSONNode?) {
            self.letters = letters
            self.fault = fault
            self.groups = groups
            self.redrives = redrives
            self.plan = plan
        }

        /// Why none is found of a kind there is none of; nil: there is such a kind. Of one that is no more, letters may be left.
        public func unknownKind(_ query: Query, among kinds: [String]) -> Refusal? {
            let left = (groups["items"]?.elements ?? []).compactMap { $0["kind"]?.string }
            if query.kind.isEmpty || (kinds + left).contains(query.kind) { return nil }
            return .search("kind", "is no kind of job there is")
        }
    }

    /// What the form calls what the API is asked for.
    private static let labels = ["kind": "word_kind", "error_class": "now_class", "since": "dead_since"]

    static let classes = ["transient", "rate_limited", "dependency", "permanent", "poison", "cancelled"]

    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, kinds: [String], query: Query, once: String, refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let letters = facts.letters["items"]?.elements ?? []
        let groups = facts.groups["items"]?.elements ?? []
        let redrives = facts.redrives["items"]?.elements ?? []
        let next = facts.letters["next_cursor"]?.string
        let most = Double(groups.compactMap { $0["count"]?.integer }.max() ?? 0)
        return layout.page(
            words["dead_title"],
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) } ?? facts.fault.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("dead-letters")),
                "kindOptions": .list(Option.list(kinds.map { ($0, words.known("kind", $0)) }, chosen: query.kind, all: words["kind_any"])),
                "classOptions": .list(
                    Option.list(classes.map { ($0, words["class_\($0)"]) }, chosen: query.errorClass, all: words["class_any"])),
                "since": .text(query.since),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("dead-letters")), "hasRedrives": .flag(!redrives.isEmpty),
                "redrives": .list(redrives.map { redrive($0, clerk) }), "hasGroups": .flag(!groups.isEmpty && query.isEmpty),
                "groups": .list(groups.map { group($0, most: most, clerk) }),
                "preview": facts.plan.map { preview(layout, clerk, $0, query, once: once, refusal) } ?? .nothing,
                "hasLetters": .flag(!letters.isEmpty), "letters": .list(letters.map { row($0, clerk) }),
                "pager": Pager.view(
                    words, shown: letters.count, first: query.cursor == nil ? nil : query.href(), next: next.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[query.isEmpty ? "dead_none" : "dead_none_found"]),
                "emptyWhy": .text(words[query.isEmpty ? "dead_none_why" : "dead_none_found_why"]), "emptyLink": .flag(!query.isEmpty),
                "emptyHref": .text(Layout.path("dead-letters")), "emptyLabel": .text(words["word_clear"]),
            ])
    }

    private static func row(_ letter: JSONNode, _ clerk: Clerk) -> View {
        let id = letter["id"]?.string ?? ""
        return [
            "jobHref": .text(Layout.path("jobs/\(id)")), "number": .text(id),
            "kindName": .text(clerk.words.known("kind", letter["kind"]?.string ?? "")),
            "errorClass": .chip(.bad, clerk.words.known("class", letter["error"]?["class"]?.string ?? "")),
            "errorMessage": .text(letter["error"]?["message"]?.string.map { Sentences.relayed($0, clerk.words) }),
            "attempts": .text(clerk.number(letter["attempts"])),
            "lost": .text(clerk.number(letter["lost"])), "aside": clerk.when(letter["last_at"]),
        ]
    }

    private static func group(_ group: JSONNode, most: Double, _ clerk: Clerk) -> View {
        let (kind, cause) = (group["kind"]?.string ?? "", group["error_class"]?.string ?? "")
        let count = Int(group["count"]?.integer ?? 0)
        var query = Query()
        (query.kind, query.errorClass) = (kind, cause)
        return [
            "groupHref": .text(query.href()), "kindName": .text(clerk.words.known("kind", kind)),
            "className": .text(clerk.words.known("class", cause)),
            "classMeaning": .text(clerk.words.all["class_\(cause)_aside"] ?? clerk.words.all["class_\(cause)_meaning"]),
            "count": .text(clerk.number(count)), "countX": .text(Picture.length(most == 0 ? 0 : Double(count) / most)),
            "newest": clerk.when(group["newest_at"]),
        ]
    }

    private static func redrive(_ redrive: JSONNode, _ clerk: Clerk) -> View {
        let (count, done) = (Int(redrive["count"]?.integer ?? 0), Int(redrive["done"]?.integer ?? 0))
        let values = ["n": clerk.number(count), "pace": RolloutWords.number(redrive["per_second"])]
        return [
            "redriveWords": .text(clerk.words["dead_redrive", values]),
            "redriveDone": .text(clerk.words["dead_redrive_done", ["done": clerk.number(done), "n": clerk.number(count)]]),
            "doneX": .text(Picture.length(count == 0 ? 0 : Double(done) / Double(count))),
        ]
    }

    private static func preview(
        _ layout: Layout, _ clerk: Clerk, _ plan: JSONNode, _ query: Query, once: String, _ refusal: Refusal?
    ) -> View {
        let words = layout.words
        let count = Int(plan["count"]?.integer ?? 0)
        let first = plan["first"]?.elements ?? []
        let control = Control("redrive", action: Layout.path("dead-letters/redrive"), once: once, refusal: refusal)
        let pace = control.draft("per_second", "50")
        let hidden = [("kind", query.kind), ("error_class", query.errorClass), ("since", query.since)].filter { !$0.1.isEmpty }
        let span = clerk.span(max(1, Double(count) / max(1, Double(pace) ?? 50)))
        let form = control.view([
            "hiddenFields": .list(hidden.map { ["name": .text($0.0), "value": .text($0.1)] }), "perSecond": .text(pace),
            "redriveLabel": .text(words["dead_redrive_do", ["n": clerk.number(count)]]), "cancelHref": .text(query.href()),
        ])
        return [
            "previewTitle": .text(words["dead_preview_title", ["n": clerk.number(count)]]),
            "previewWords": .text(words["dead_preview_words", ["pace": pace, "span": span]]), "hasFirst": .flag(!first.isEmpty),
            "first": .list(
                first.map { letter in
                    let id = letter["id"]?.string ?? ""
                    return [
                        "firstHref": .text(Layout.path("jobs/\(id)")), "firstNumber": .text(id),
                        "firstWords": .text(letter["error"]?["message"]?.string.map { Sentences.relayed($0, words) }),
                    ]
                }), "redrive": count == 0 ? .nothing : form,
        ]
    }
}
