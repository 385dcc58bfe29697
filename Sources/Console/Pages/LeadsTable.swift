import JSONEnvelope

/// The list of leads as a table to be taken elsewhere, in the words of its page.
public struct LeadsTable: Sendable {
    /// So many leads are taken at most; `kiteline lead list --csv` takes all.
    public static let most = 5_000

    private var rows: [[String]] = []
    /// Whether some were left out for those that are in it.
    private var isCut = false
    private let clerk: Clerk

    public init(_ clerk: Clerk) { self.clerk = clerk }

    public var isFull: Bool { rows.count >= Self.most }

    /// - Parameters:
    ///   - page: `GET /v1/leads`.
    ///   - sellers: those it speaks of.
    public mutating func add(_ page: JSONNode, _ sellers: SellerNames) {
        let (leads, left) = (page["items"]?.elements ?? [], Self.most - rows.count)
        rows += leads.prefix(left).map { row($0, sellers) }
        isCut = isCut || leads.count > left
    }

    /// As CSV. Without the mark at its beginning spreadsheets read Chinese as another encoding.
    public var text: String { "\u{FEFF}" + ([heads] + rows).map { $0.map(\.withoutFormula).csv }.joined() }

    /// What the file is called: after its tenant, for nothing within says whose leads they are.
    ///
    /// - Parameter isWhole: whether the pages were all there are; where leads are left out, the name says how many it has.
    public func name(of tenant: String?, isWhole: Bool) -> String {
        let part = isWhole && !isCut ? nil : "first-\(rows.count)"
        return ["leads", tenant, clerk.day(clerk.now), part].compactMap(\.self).joined(separator: "-") + ".csv"
    }

    private var heads: [String] {
        let names = [
            "jobs_number", "word_lead", "leads_source", "member_external_id", "word_state", "leads_owner", "health_team", "leads_rule",
            "leads_score", "leads_received", "leads_touch",
        ]
        return names.map { clerk.words[$0].withCapital }
    }

    private func row(_ lead: JSONNode, _ sellers: SellerNames) -> [String] {
        let words = clerk.words
        let state = [words.known("lead_state", lead["state"]?.string ?? ""), LeadWords.heldWhy(lead, words)]
        let cells: [String?] = [
            lead["id"]?.string, LeadWords.name(lead), lead["source"]?.string, lead["external_id"]?.string,
            state.compactMap(\.self).joined(separator: words["list_separator"]), LeadsView.place(of: lead, sellers, words),
            sellers.team(lead["owner"]?.string), LeadsView.way(lead["assignment"], words), LeadWords.score(lead, clerk),
            lead["received_at"]?.date.map(clerk.full), lead["touched_at"]?.date.map(clerk.full),
        ]
        return cells.map { $0 ?? "" }
    }
}
