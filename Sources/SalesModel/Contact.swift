/// What counts as having been in touch with somebody: a contact of ours that was made, whatever it was told as (SLA-12).
///
/// The one definition for everything that waits for a first touch: a seller's load, leads that are taken from who does not touch them, and the
/// event `contact` that clocks begin with, stop at and count.
public enum Contact {
    /// The event of that name is each of these, and one that was told as `contact` itself.
    public static let name = "contact"

    /// Whether this was one.
    ///
    /// - `touch`, `message`: unless the other side began it.
    /// - `call`: the same, and somebody answered.
    /// - `visit`: unless it was found invalid; `interview`: always.
    /// - `follow_up`: where it says something of what was done or heard; a form without words tells of no contact.
    ///
    /// - Parameter data: what was told of it, by name.
    public static func isMade(by type: String, _ data: [String: FieldValue]) -> Bool {
        switch type {
        case name, "interview": true
        case "touch", "message": !isTheirs(data)
        case "call": !isTheirs(data) && !isUnanswered(data)
        case "visit": data["valid"] != .boolean(false)
        case "follow_up": words.contains { field in text(field, data).map { !Placeholder.isPlaceholder($0) } ?? false }
        default: false
        }
    }

    private static let words = ["pain", "our_action", "problem_solved", "customer_next_step", "obstacle"]
    private static let inbound: Set<String> = ["inbound", "in", "incoming", "呼入", "来电", "客户来访"]
    private static let unanswered: Set<String> = ["not_answered", "no_answer", "busy", "未接听", "无人接听", "忙线中", "忙线"]

    private static func isTheirs(_ data: [String: FieldValue]) -> Bool {
        text("direction", data).map { inbound.contains($0.lowercased()) } ?? false
    }

    private static func isUnanswered(_ data: [String: FieldValue]) -> Bool {
        text("result", data).map { unanswered.contains($0.lowercased()) } ?? false
    }

    private static func text(_ name: String, _ data: [String: FieldValue]) -> String? {
        if case .text(let text)? = data[name] { text } else { nil }
    }
}
