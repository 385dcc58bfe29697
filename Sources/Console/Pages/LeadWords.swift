import Foundation
import JSONEnvelope
import SalesModel

/// What is said of a lead in more than one place.
enum LeadWords {
    static func chip(_ lead: JSONNode, _ words: Words) -> View {
        let state = lead["state"]?.string ?? ""
        let tone: Tone =
            switch state {
            case "assigned": .good
            case "awaiting_assignment": .info
            case "held": .warn
            case "manual_queue": .bad
            default: .idle
            }
        return .chip(tone, words.known("lead_state", state))
    }

    /// Why it is held; nil: it is not.
    static func heldWhy(_ lead: JSONNode, _ words: Words) -> String? {
        guard lead["state"]?.string == "held", let reason = lead["held_reason"]?.string else { return nil }
        return words.known("held", reason.hasPrefix("held_") ? String(reason.dropFirst("held_".count)) : reason)
    }

    /// What people call it, else what its source does.
    static func name(_ lead: JSONNode) -> String {
        lead["name"]?.string ?? lead["external_id"]?.string ?? lead["id"]?.string ?? ""
    }

    /// The rule that decided, by its own name or, where it was none of the tenant's, in words.
    static func rule(_ name: String, _ words: Words) -> String {
        words.all["matched_\(name.replacing(".", with: "_"))"] ?? name
    }

    /// A field by its label, where every tenant has it, or as its tenant names it.
    static func field(_ name: String, _ words: Words) -> String { label(name, words) ?? name }

    /// The same where it begins a line.
    static func heading(_ field: String, _ words: Words) -> String { label(field, words)?.withCapital ?? field }

    /// What every tenant calls a field; nil: it is of one tenant's own.
    static func label(_ field: String, _ words: Words) -> String? {
        FieldCatalogue.standard[field].map { words.language == .chinese ? $0.label.chinese : $0.label.english }
    }

    /// What every tenant's sources may tell of a lead: who it is, what they want, where they come from.
    static let fields = [
        "company", "contact", "contact_role", "decision_roles", "phone", "email", "credit_code", "region", "industry",
        "product_line", "budget", "needed_in_days", "intent_signals", "interactions", "source_channel", "account_manager",
    ]

    /// What a list holds, by its numbers.
    static func byNumber(_ list: JSONNode?) -> [String: JSONNode] {
        Dictionary((list?["items"]?.elements ?? []).map { ($0["id"]?.string ?? "", $0) }) { first, _ in first }
    }

    /// Whether somebody has touched it, or by when somebody should.
    static func touch(_ lead: JSONNode, _ clerk: Clerk) -> View {
        let words = clerk.words
        if let touched = lead["touched_at"]?.date {
            let received = lead["received_at"]?.date ?? touched
            let isLate = (lead["clocks"]?.elements ?? []).contains {
                $0["clock"]?.string == OverdueView.firstTouch && $0["state"]?.string == "missed" && !isHistory($0)
            }
            return .chip(
                isLate ? .warn : .good,
                words[
                    isLate ? "lead_touched_late" : "lead_touched_after", ["span": clerk.span(max(0, touched.timeIntervalSince(received)))]])
        }
        let levels = (lead["clocks"]?.elements ?? []).filter { $0["clock"]?.string == OverdueView.firstTouch }
        // Whoever had it before may have touched it.
        if !levels.isEmpty, levels.allSatisfy({ $0["state"]?.string == "met" }) { return .chip(.good, words["lead_touched_before"]) }
        // Of a lead nobody has, only what is over is told, while its clock runs: whoever gets it has their own time.
        let isLate = levels.contains { $0["pending"]?.bool == true && !isHistory($0) }
        let isOwned = lead["owner"]?.string != nil
        guard let due = firstTouches(lead).min(), isOwned || isLate && due < clerk.now else {
            // Nobody had the chance to be in time.
            return isOwned && levels.contains(where: isHistory) ? .chip(.idle, words["lead_came_late"]) : .nothing
        }
        let left = due.timeIntervalSince(clerk.now)
        return left >= 0
            ? .chip(.info, words["lead_due_in", ["span": clerk.span(left)]])
            : .chip(.bad, words["lead_late_by", ["span": clerk.span(-left)]])
    }

    /// By when it is, or was, to be touched first, by each level of the clock that asks for it; not what was over before it was taken in here.
    static func firstTouches(_ lead: JSONNode) -> [Date] {
        (lead["clocks"]?.elements ?? [])
            .filter { $0["clock"]?.string == OverdueView.firstTouch && ["running", "missed"].contains($0["state"]?.string ?? "running") }
            .filter { !isHistory($0) }
            .compactMap { $0["due_at"]?.date }
    }

    /// Whether a level of a clock was over before the lead was taken in here, as the board has it.
    static func isHistory(_ level: JSONNode) -> Bool { level["history"]?.bool == true }

    /// Whether nothing but a person moves it on.
    static func waitsForPerson(_ lead: JSONNode) -> Bool { ["manual_queue", "held"].contains(lead["state"]?.string ?? "") }

    static func score(_ lead: JSONNode, _ clerk: Clerk) -> String? { lead["score"]?.double.map { clerk.number($0, decimals: 1) } }
}

/// Sellers by their outside ids, as far as they were read.
public struct SellerNames: Sendable {
    /// `GET /v1/sellers`
    let all: [JSONNode]
    private let byID: [String: JSONNode]
    /// What teams are called, by their outside ids.
    private let teams: [String: String]

    /// - Parameters:
    ///   - sellers: a page of them.
    ///   - others: more, to be known by name.
    public init(_ sellers: JSONNode?, and others: [JSONNode] = []) {
        all = (sellers?["items"]?.elements ?? []) + others
        byID = Dictionary(all.compactMap { seller in seller["external_id"]?.string.map { ($0, seller) } }) { first, _ in first }
        teams = Dictionary(
            all.compactMap { seller in seller["team"]?.string.flatMap { id in seller["team_name"]?.string.map { (id, $0) } } }
        ) {
            first, _ in first
        }
    }

    subscript(id: String) -> JSONNode? { byID[id] }

    /// The name, or the id of one who was not read.
    func name(_ id: String?) -> String? { id.map { byID[$0]?["name"]?.string ?? $0 } }

    /// The id of who is meant by an id or, where only one has it, a name; of nobody known what was said.
    public func id(of said: String) -> String {
        guard byID[said] == nil else { return said }
        let called = called(said)
        return called.count == 1 ? called[0]["external_id"]?.string ?? said : said
    }

    /// Who may be meant by a name that several have; nobody where it says who.
    func namesakes(of said: String) -> [JSONNode] {
        guard byID[said] == nil, called(said).count > 1 else { return [] }
        return called(said)
    }

    private func called(_ name: String) -> [JSONNode] { all.filter { $0["name"]?.string == name } }

    /// Who heard of something: a seller, or the holder of an office nobody is named for, `role:tenant_admin`.
    func addressee(_ name: String, _ words: Words) -> String {
        name.hasPrefix("role:") ? words.known("office", String(name.dropFirst(5))) : self.name(name) ?? name
    }

    /// What the seller's team is called.
    func team(_ id: String?) -> String? { teamName(id.flatMap { byID[$0]?["team"]?.string }) }

    /// What a team is called, or its id where none of its sellers was read.
    func teamName(_ id: String?) -> String? { id.map { teams[$0] ?? $0 } }

    /// A team as a sentence names it: by what it is called, else as the team of that id.
    func team(called id: String, _ words: Words) -> String { teams[id] ?? words["audit_of_team", ["id": id]] }

    /// Whether somebody who was read is in it.
    public func hasTeam(_ id: String) -> Bool { all.contains { $0["team"]?.string == id } }

    /// The teams of those who were read, and others that are spoken of, to choose from.
    func teamChoices(and others: [String]) -> [(value: String, label: String)] {
        Set(all.compactMap { $0["team"]?.string } + others).map { ($0, teamName($0) ?? $0) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    }

    /// Whom answers of the API speak of, or the page does, and who was not read, in the order of their ids.
    public func unknown(in nodes: [JSONNode?], and others: [String] = []) -> [String] {
        var found = Set(others)
        for case let node? in nodes { node.gatherSellers(into: &found) }
        return found.filter { byID[$0] == nil }.sorted()
    }
}

extension JSONNode {
    /// Members that hold a seller's outside id.
    private static let sellerMembers: Set = ["owner", "manager", "seller", "seller_id", "with_seller_id", "recipients", "seller_or_pool"]

    fileprivate func gatherSellers(into found: inout Set<String>) {
        for element in elements { element.gatherSellers(into: &found) }
        for (name, value) in members {
            if Self.sellerMembers.contains(name) { found.formUnion(([value] + value.elements).compactMap(\.string)) }
            value.gatherSellers(into: &found)
        }
    }
}
