/// Why something was not done, in the API's words and in the visitor's, with what they had typed.
public struct Refusal: Sendable, Hashable {
    public struct Fault: Sendable, Hashable {
        public var field: String
        public var message: String

        public init(field: String, message: String) {
            self.field = field
            self.message = message
        }
    }

    public var status: Int
    public var code: String
    public var title: String
    public var detail: String?
    public var faults: [Fault]
    /// Of the form it belongs to; empty: of none.
    public var formID: String
    /// What had been typed.
    public var draft: Form
    /// Whether a page was asked for that changes nothing.
    public var isOfReading = false

    public init(
        status: Int, code: String, title: String, detail: String? = nil, faults: [Fault] = [], formID: String = "", draft: Form = Form()
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.faults = faults
        self.formID = formID
        self.draft = draft
    }

    /// Why something cannot be looked for, where that needs no asking.
    public static func search(_ field: String, _ message: String) -> Refusal {
        Refusal(status: 422, code: "invalid", title: "A field is wrong", faults: [Fault(field: field, message: message)])
    }

    /// For the template `problem`. The code's own words where there are some, else the API's. What the API says in particular is left out
    /// where there are no words for it in the visitor's language and the code's own advice says as much.
    ///
    /// - Parameters:
    ///   - labels: what the form of a search, which changes nothing anyway, calls its fields; nil: it was no search.
    ///   - instead: the name of the words for what such a page shows in place of what was asked for.
    func view(_ words: Words, ofSearch labels: [String: String]? = nil, instead: String = "advice_search") -> View {
        let own = words.all["advice_\(code)"].map { _ in words["advice_\(code)", ["box": words["lead_override"]]] }
        // What was only read needs no care about being done twice.
        let help =
            isOfReading && code == "unavailable" ? words["advice_read_again"] : labels == nil ? own ?? words[advice] : words[instead]
        // What the API says of a tick is of its own field, which the page calls otherwise; so it does of a key that forms send by themselves.
        let said =
            Self.ticks.contains(code) || code == "unavailable"
            ? nil : detail.flatMap { Sentences.known($0, words) ?? (own == nil ? $0 : nil) }
        return [
            "problemCode": .text(code), "isWhole": .flag(isWhole), "problemTitle": .text(words.all["problem_\(code)"] ?? title),
            // The API's own words may be the very ones of the advice.
            "problemDetail": .text(said == help ? nil : said),
            "hasFieldErrors": .flag(!faults.isEmpty),
            "fieldErrors": .list(
                faults.map { fault in
                    let (message, line) = RuleFaultsView.split(fault.message)
                    let place = line.map { " · " + words["rule_line", ["n": $0]] } ?? ""
                    return [
                        "fieldName": .text(fault.field), "fieldTitle": .text(Self.label(of: fault.field, labels, words)),
                        "fieldMessage": .text(Self.said(message, of: fault.field, ofSearch: labels != nil, words) + place),
                    ]
                }),
            "problemAdvice": .text(help), "problemHref": .nothing,
        ]
    }

    /// The same on a list: what has no such page leads to its first. The address asks for it, and the form has no field to correct it in.
    func view(on layout: Layout, ofSearch labels: [String: String], instead: String = "advice_search") -> View {
        let words = layout.words
        let said = view(words, ofSearch: labels, instead: instead)
        guard isOfPage else { return said }
        return said.merging([
            "problemTitle": .text(words["search_no_page"]), "hasFieldErrors": false, "fieldErrors": [],
            "problemAdvice": .text(words["search_no_page_why"]), "problemHref": .text(layout.firstPage),
        ])
    }

    /// Whether nothing is wrong but which page of a list is asked for.
    var isOfPage: Bool { faults.map(\.field) == ["cursor"] }

    /// Whether the page is another for it: it was made of what has changed since, or asks for something its form had no field for.
    private var isWhole: Bool {
        code == "lead_reassigned" || Self.ticks.contains(code) || faults.contains { $0.field == "confirmation" }
    }

    /// What a lead is given away by all the same, once a box is ticked.
    private static let ticks: Set = ["automatic_assignment", "lead_owned"]

    /// What is wrong with a field. A form to search by has names for its choices and times, the API codes; who types a share knows nothing of
    /// the types of JSON.
    private static func said(_ message: String, of field: String, ofSearch isSearch: Bool, _ words: Words) -> String {
        let name = Sentences.name(of: message)
        let own = isSearch ? name.flatMap { words.all["search_\($0.dropFirst("says_".count))"] } : nil
        if field == "percent", let name, untyped.contains(name) { return words["form_percent"] }
        return own ?? Sentences.said(message, words)
    }

    /// What the API says of a number that is none, or is not there.
    private static let untyped: Set = ["says_not_number", "says_required_value"]

    /// What the forms call a field of the API's; nil: it is in none of them.
    private static func label(of field: String, _ searched: [String: String]?, _ words: Words) -> String? {
        if let searched { return (searched[field] ?? (field == "cursor" ? "search_place" : nil)).flatMap { words.all[$0] } }
        if TenantPanel.fields.contains(field) { return words.all["tenant_\(field)"] }
        return labels[field.hasPrefix("guards.") ? String(field.dropFirst("guards.".count)) : field].flatMap { words.all[$0] }
    }

    private static let labels = [
        "reason": "form_reason", "first_touch_minutes": "rollouts_touch_minutes", "least_leads": "rollouts_least_leads",
        "promotion": "rollouts_promotion", "percent": "rollouts_percent", "version": "rollouts_draft", "seller": "word_seller",
        "name": "key_name", "role": "key_role", "slug": "tenants_slug", "from": "rule_replay_from",
        "to": "rule_replay_to", "user": "permissions_user", "city": "permissions_city", "per_second": "dead_pace",
        "until": "seller_until", "worker": "worker_number", "confirmation": "permissions_typed",
    ]

    /// What may help, by the kind of refusal.
    private var advice: String {
        switch status {
        case 401: "advice_signed_out"
        case 403: "advice_forbidden"
        case 404: "advice_not_found"
        case 409: "advice_conflict"
        case 429: "advice_wait"
        case 500...: "advice_unavailable"
        default: "advice_correct"
        }
    }
}

/// What a form that asks for a reason is given: its name, where it goes, and what was typed before it was refused.
public struct Control: Sendable {
    public let id: String
    public let action: String
    /// Of the page; with the form's name it lets the form be sent twice and be done once.
    public let once: String
    public let refusal: Refusal?

    /// - Parameter refusal: of this page; only one of this very form keeps its draft.
    public init(_ id: String, action: String, once: String, refusal: Refusal? = nil) {
        self.id = id
        self.action = action
        self.once = once
        self.refusal = refusal?.formID == id ? refusal : nil
    }

    /// What had been typed into a field, or what stands there to begin with.
    func draft(_ name: String, _ standard: String = "") -> String { refusal.map { $0.draft[name] } ?? standard }

    func view(_ more: [String: View] = [:]) -> View {
        View.object([
            "formId": .text(id), "action": .text(action), "idempotencyKey": .text("\(once)-\(id)"), "reason": .text(draft("reason")),
            "isUnreasoned": .flag(refusal?.faults.contains { $0.field == "reason" } ?? false),
        ]).merging(more)
    }
}
