import Foundation
import JSONEnvelope

/// Giving a lead to a seller by hand.
struct AssignForm {
    let layout: Layout
    let clerk: Clerk
    let facts: LeadView.Facts
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var isFuseOpen: Bool { facts.fuse["state"]?.string == "open" }
    private var owner: String? { facts.lead["owner"]?.string }
    /// Automatic assignment, or an owner, is set aside only by an operator.
    private var overrides: Bool { !isFuseOpen || owner != nil }
    /// Who gives away what an owner has, or what is about to be assigned, says so; what rests, or waits for a person, is for them to give.
    private var needsSaying: Bool { overrides && (owner != nil || facts.lead["state"]?.string == "awaiting_assignment") }
    private var isAllowed: Bool { layout.may(.operator) || !overrides }

    var whyNot: String? {
        guard isAllowed else { return words["lead_assign_no_role"] }
        return sellers.isEmpty ? words["lead_assign_nobody"] : nil
    }

    /// Who is frozen is given nothing, by hand neither.
    private var sellers: [JSONNode] {
        facts.sellers.all.filter {
            $0["status"]?.string == "active" && $0["external_id"]?.string != owner && $0["freeze"]?.type != .object
        }
    }

    var view: View {
        guard isAllowed, !sellers.isEmpty, let id = facts.lead["id"]?.string else { return .nothing }
        let control = Control("assign", action: Layout.path("leads/\(id)/assign"), once: once, refusal: refusal)
        let options = sellers.map { seller -> (value: String, label: String) in
            (seller["external_id"]?.string ?? "", label(of: seller))
        }
        let consequence =
            facts.sellers.name(owner).map { words["lead_assign_takes", ["owner": $0]] } ?? words["lead_assign_gives"]
        let told = words.passage([consequence, firstTouch].compactMap(\.self))
        return control.view([
            "assignConsequence": .text(told),
            "sellerOptions": .list(Option.list(options, chosen: control.draft("seller"), all: words["lead_assign_choose"])),
            "needsOverride": .flag(needsSaying), "isOverriding": .flag(overrides && !needsSaying),
            "epoch": .text(facts.lead["assignment_epoch"].map { RolloutWords.number($0) }),
        ])
    }

    /// The limit is of automatic assignment: a person may set it aside, and should know that they do.
    private func label(of seller: JSONNode) -> String {
        let isOver = (seller["pending"]?.integer ?? 0) > (seller["capacity"]?.integer ?? .max)
        return words[
            isOver ? "lead_assign_option_over" : "lead_assign_option",
            [
                "name": seller["name"]?.string ?? "", "pending": RolloutWords.number(seller["pending"]),
                "capacity": RolloutWords.number(seller["capacity"]),
            ]]
    }

    /// No clock asks anything of what has no owner; whoever gets it may be late at once.
    private var sinceArrival: String? {
        guard owner == nil, let received = facts.lead["received_at"]?.date else { return nil }
        return words["lead_assign_since_arrival", ["span": clerk.span(max(0, clerk.now.timeIntervalSince(received)))]]
    }

    /// The clock of the first touch goes on whoever has the lead.
    private var firstTouch: String? {
        guard facts.lead["touched_at"]?.string == nil else { return nil }
        // Behind a missed reminder there may be a level that is not.
        let dues = LeadWords.firstTouches(facts.lead)
        let missed = dues.filter { $0 <= clerk.now }.min()
        guard let next = dues.filter({ $0 > clerk.now }).min() else {
            return dues.max().map { words["lead_assign_late", ["at": clerk.full($0)]] } ?? sinceArrival
        }
        let values = ["at": clerk.full(next), "ago": clerk.ago(next)]
        return missed.map { words["lead_assign_late_next", values.merging(["since": clerk.full($0)]) { $1 }] }
            ?? words["lead_assign_due", values]
    }
}
