import Foundation
import JSONEnvelope

/// Giving a lead to a seller by hand.
struct AssignForm {
    let layout: Layout
    let facts: LeadView.Facts
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var isFuseOpen: Bool { facts.fuse["state"]?.string == "open" }
    private var owner: String? { facts.lead["owner"]?.string }
    /// Automatic assignment, or an owner, is set aside only by an operator who says so.
    private var needsOverride: Bool { !isFuseOpen || owner != nil }
    private var isAllowed: Bool { layout.may(.operator) || !needsOverride }

    var whyNot: String? { isAllowed ? nil : words["lead_assign_no_role"] }

    var view: View {
        let sellers = facts.sellers.all.filter { $0["status"]?.string == "active" && $0["external_id"]?.string != owner }
        guard isAllowed, !sellers.isEmpty, let id = facts.lead["id"]?.string else { return .nothing }
        let control = Control("assign", action: Layout.path("leads/\(id)/assign"), once: once, refusal: refusal)
        let options = sellers.map { seller -> (value: String, label: String) in
            let name = seller["name"]?.string ?? ""
            return (
                seller["external_id"]?.string ?? "",
                words["lead_assign_option", ["name": name, "pending": RolloutWords.number(seller["pending"])]]
            )
        }
        let consequence =
            facts.sellers.name(owner).map { words["lead_assign_takes", ["owner": $0]] } ?? words["lead_assign_gives"]
        return control.view([
            "assignConsequence": .text(consequence),
            "sellerOptions": .list(Option.list(options, chosen: control.draft("seller"), all: words["lead_assign_choose"])),
            "needsOverride": .flag(needsOverride), "epoch": .text(facts.lead["assignment_epoch"].map { RolloutWords.number($0) }),
        ])
    }
}
