import Foundation
import JSONEnvelope

/// Who changed what, when and why.
public enum AuditView {
    /// What the list was asked for.
    public struct Query: Sendable {
        public var action = ""
        public var subject = ""
        public var actor = ""
        /// As the browser writes them, in the tenant's time: `2026-03-18T14:30`.
        public var since = ""
        public var until = ""
        public var cursor: String?

        public init() {}

        fileprivate var isEmpty: Bool { action.isEmpty && subject.isEmpty && !isNarrow }
        /// Whether it asks for more than everybody does.
        fileprivate var isNarrow: Bool { [actor, since, until].contains { !$0.isEmpty } }

        /// Why nothing is found of an action there is none of; nil: there is such an action. Of one that is no more, lines may be left.
        public func unknownAction(_ page: JSONNode) -> Refusal? {
            if action.isEmpty || AuditView.actions.contains(action) || cursor != nil { return nil }
            let isFound = page["items"]?.elements.isEmpty == false
            return isFound ? nil : .search("action", "is nothing that is written down")
        }

        /// As the API takes them.
        /// - Parameter instant: a time of the tenant's as the API writes it.
        public func parameters(_ instant: (String) -> String?) -> String {
            Console.query(named(since: instant(since), until: instant(until), cursor: cursor))
        }

        fileprivate func href(cursor: String?) -> String {
            Layout.path("audit") + Console.query(named(since: since, until: until, cursor: cursor))
        }

        private func named(since: String?, until: String?, cursor: String?) -> [(String, String?)] {
            [("action", action), ("subject", subject), ("actor", actor), ("since", since), ("until", until), ("cursor", cursor)]
        }
    }

    /// What the form calls what the API is asked for.
    private static let labels = [
        "action": "audit_what", "subject": "audit_subject", "actor": "audit_who", "since": "audit_since", "until": "audit_until",
    ]

    /// What is written down.
    public static let actions = [
        "access.change", "access.restore", "alert.resolve", "breaker.close", "breaker.open", "calendar.delete", "calendar.put",
        "connector.delete", "connector.put", "console.sign_in", "console.sign_out", "customer.link", "customer.merge", "customer.new",
        "customer.separate", "customer.undo", "customer_review.apart", "customer_review.link", "database.restore", "dependency.limit",
        "dependency.pause", "dependency.resume", "dlq.redrive", "escalation.explain", "fuse.close", "fuse.open", "job.cancel", "job.retry",
        "key.create", "key.revoke", "lead.assign", "national_calendar.put", "office.put", "queue.limit", "queue.pause", "queue.resume",
        "quiet_hours.delete", "quiet_hours.put", "refused", "rollout.abort", "rollout.canary", "rollout.percent", "rollout.promote",
        "rollout.start", "ruleset.publish", "ruleset.replay", "ruleset.save", "schedule.delete", "schedule.put", "seller.freeze",
        "seller.put", "seller.thaw", "team.put", "tenant.create", "tenant.pause", "tenant.resume", "tenant.update", "worker.drain",
    ]

    /// What people call those the log speaks of by their ids.
    public struct Names: Sendable {
        let sellers: SellerNames
        /// By their numbers.
        let leads: [String: JSONNode]
        let escalations: [String: JSONNode]

        /// - Parameters:
        ///   - leads: `GET /v1/leads`, of those that are spoken of.
        ///   - escalations: `GET /v1/escalations`, with those that are.
        public init(sellers: SellerNames = SellerNames(nil), leads: JSONNode? = nil, escalations: JSONNode? = nil) {
            self.sellers = sellers
            self.leads = LeadWords.byNumber(leads)
            self.escalations = LeadWords.byNumber(escalations)
        }
    }

    /// Those that something was done to, on a page of the log.
    public struct Spoken: Sendable {
        /// Their outside ids.
        public let sellers: [String]
        public let leads: [String]
        public let escalations: [Int64]
        public let keys: Set<Int64>

        /// - Parameter page: `GET /v1/audit`
        public init(in page: JSONNode) {
            let entries = page["items"]?.elements ?? []
            func subjects(of thing: String) -> [String] {
                entries.filter { $0["action"]?.string?.hasPrefix("\(thing).") == true }.compactMap { $0["subject"]?.string }
            }
            (sellers, leads) = (subjects(of: "seller"), subjects(of: "lead"))
            escalations = subjects(of: "escalation").compactMap { Int64($0) }
            keys = Set((subjects(of: "key") + subjects(of: "console")).compactMap { Int64($0) })
        }
    }

    /// - Parameters:
    ///   - page: `GET /v1/audit`.
    ///   - names: of those it speaks of, as far as they were asked for.
    ///   - refusal: why nothing was looked for.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, page: JSONNode, query: Query, names: Names = Names(), refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let entries = page["items"]?.elements ?? []
        let (none, why) =
            query.cursor != nil
            ? ("audit_end", query.isEmpty ? "audit_end_why" : "audit_end_found_why")
            : ("audit_none", query.isEmpty ? "audit_none_why" : "audit_none_found_why")
        let options = actions.map { ($0, word(for: $0, words)) }.sorted { $0.1 < $1.1 }
        return layout.page(
            words["audit_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("audit")),
                "actionOptions": .list(Option.list(options, chosen: query.action, all: words["audit_any"])),
                "subject": .text(query.subject), "actor": .text(query.actor), "since": .text(query.since), "until": .text(query.until),
                "isNarrow": .flag(query.isNarrow),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("audit")),
                "ofAll": .flag(layout.tenant == nil), "hasEntries": .flag(!entries.isEmpty),
                "entries": .list(entries.map { row($0, isOfAll: layout.tenant == nil, names, clerk) }),
                "pager": Pager.view(
                    words, shown: entries.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: page["next_cursor"]?.string.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[none]), "emptyWhy": .text(words[why]),
                "emptyLink": .flag(!query.isEmpty || query.cursor != nil),
                "emptyHref": .text(query.cursor == nil ? Layout.path("audit") : query.href(cursor: nil)),
                "emptyLabel": .text(words[query.cursor == nil ? "word_clear" : "pager_first"]),
            ])
    }

    /// Under what name an action is spoken of; its code where it has none.
    static func word(for action: String, _ words: Words) -> String {
        words.all["audited_\(action.replacing(".", with: "_"))"] ?? action
    }

    private static func row(_ entry: JSONNode, isOfAll: Bool, _ names: Names, _ clerk: Clerk) -> View {
        let (action, code) = (entry["action"]?.string ?? "", entry["subject"]?.string ?? "")
        let subject = AuditSubject(code, of: action, names, clerk)
        // Which text was saved is said by its version.
        let changes = AuditChange.all(from: entry["before"], to: entry["after"]).filter { !$0.isHash || !action.hasPrefix("ruleset.") }
        let more = changes.count - AuditChange.most
        // What is new, or gone, was or is nothing as a whole.
        let isWhole = [entry["before"], entry["after"]].contains { $0?.type != .object }
        return [
            "at": clerk.when(entry["at"]), "tenantLabel": .text(entry["tenant"]?.string ?? "–"),
            "what": .text(word(for: action, clerk.words)), "code": .text(action), "entrySubject": .text(subject.name),
            // Among all tenants no page is chosen to lead to.
            "entryHref": .text(isOfAll ? nil : subject.path),
            "changes": .list(changes.prefix(AuditChange.most).map { $0.view(of: action, clerk, names.sellers, isWhole: isWhole) }),
            "more": more > 0 ? .text(clerk.words["audit_more", ["n": clerk.number(more)]]) : .nothing,
            "why": .text(entry["reason"]?.string.map { Sentences.relayed($0, clerk.words) } ?? ""),
            "who": .text(clerk.actor(entry["actor"]?.string)),
        ]
    }
}

/// A member that an action changed.
struct AuditChange: Hashable {
    /// Empty where the whole is no object.
    let member: String
    let before: String?
    let after: String?

    /// So many are shown; the API tells all.
    static let most = 8
    /// Longer values are cut.
    static let length = 120

    /// What differs, in the order in which it was written; members that are the same before and after are left out.
    static func all(from before: JSONNode?, to after: JSONNode?) -> [AuditChange] {
        let (old, new) = (known(before), known(after))
        guard [old, new].allSatisfy({ $0 == nil || $0?.type == .object }) else {
            return [AuditChange(member: "", before: text(old), after: text(new))]
        }
        let members = (new?.members ?? []).map { $0.key } + (old?.members ?? []).map { $0.key }.filter { new?[$0] == nil }
        return members.compactMap { name in
            let change = AuditChange(member: name, before: text(old?[name]), after: text(new?[name]))
            return change.before == change.after ? nil : change
        }
    }

    /// With the words for what it is about and for its values, where there are such, and times as the reader has them.
    ///
    /// - Parameters:
    ///   - action: the same state has another name for each of the things that have one.
    ///   - sellers: as far as they were asked for.
    ///   - isWhole: whether the whole is new or gone; else what a member was not before, or is no more, is said to be nothing.
    func view(of action: String, _ clerk: Clerk, _ sellers: SellerNames = SellerNames(nil), isWhole: Bool = false) -> View {
        let words = clerk.words
        let isGround = action == "refused" && member == "code"
        let name = words.all["member_\(isGround ? "refusal" : member)"] ?? words.all["tenant_\(member)"]
        func word(_ value: String) -> String? {
            switch member {
            case "state":
                switch action.prefix(while: { $0 != "." }) {
                case "breaker": words.all["breaker_\(value)"]
                case "fuse": words.all["fuse_\(value)"]
                case "job": words.all["state_\(value)"]
                case "rollout": words.all["rollout_state_\(value)"]
                case "ruleset": words.all["rule_state_\(value)"]
                case "customer_review": words.all["value_review_\(value)"]
                case "alert": words.all["value_alert_\(value)"]
                default: words.all["value_\(value)"]
                }
            // What ends in `_one` is the singular of another word.
            case "missed": words.all["value_missed_\(value == "one" ? "single" : value)"]
            case "status": words.all["seller_\(value)"]
            case "until" where value == "thawed": words.all["value_thawed"]
            case "kind": words.all["kind_\(value)"]
            case "every": words.every(value)
            case "owner", "manager": sellers.name(value)
            case "reason" where action == "escalation.explain": words.all["late_\(value)"]
            case "team", "superior": sellers.teamName(value)
            case "role", "needed": words.all["role_\(value)"]
            case "code" where isGround: words.all["value_refused_\(value)"]
            default: ["true", "false"].contains(value) ? words.all["value_\(value)"] : nil
            }
        }
        // The beginning of a hash tells it from another; the API has all of it.
        func said(_ value: String?) -> View {
            guard let value else { return isWhole ? .nothing : .text(words["value_nothing"]) }
            return .text(word(value) ?? (isHash ? "\(value.prefix(12))…" : clerk.local(value)))
        }
        return ["memberName": .text(name), "member": .text(name == nil ? member : nil), "was": said(before), "became": said(after)]
    }

    fileprivate var isHash: Bool { ["hash", "sha256"].contains(member) }

    private static func known(_ node: JSONNode?) -> JSONNode? { node?.type == .null ? nil : node }

    private static func text(_ node: JSONNode?) -> String? {
        guard let node = known(node) else { return nil }
        let isList = node.type == .array && node.elements.allSatisfy { $0.string != nil }
        let text =
            isList ? node.elements.compactMap(\.string).joined(separator: ", ") : node.string ?? String(decoding: node.bytes, as: UTF8.self)
        // Nothing in a list is nothing.
        guard !(isList && text.isEmpty) else { return nil }
        return text.count > length ? "\(text.prefix(length))…" : text
    }
}
