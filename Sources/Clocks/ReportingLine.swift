import Rules

/// Who hears of a subject: its owner, the superiors above, and who holds which office. Only people who are there are in it.
public struct ReportingLine: Sendable, Hashable {
    /// Somebody who hears of it, and in whose place.
    public struct Addressee: Sendable, Hashable {
        /// A seller's external id, or `role:…` where nobody is named for it.
        public let name: String
        /// Whom the rule named.
        public let meant: Recipient
        /// Whether they stand in for somebody who is missing.
        public let standsIn: Bool
    }

    public let owner: String?
    /// The owner's manager first, then whoever is above.
    public let managers: [String]
    public let offices: [Recipient: [String]]

    public init(owner: String?, managers: [String] = [], offices: [Recipient: [String]] = [:]) {
        self.owner = owner
        // Who leads the team is not their own superior.
        self.managers = managers.filter { $0 != owner }
        self.offices = offices
    }

    /// Each once. One who is missing is stood in for by the next superior, and at last by the tenant's administrator.
    public func addressees(of recipients: [Recipient]) -> [Addressee] {
        var seen: Set<String> = []
        return recipients.flatMap { addressees(of: $0) }.filter { seen.insert($0.name).inserted }
    }

    private func addressees(of recipient: Recipient) -> [Addressee] {
        let named: [String] =
            switch recipient {
            case .owner: owner.map { [$0] } ?? []
            case .manager: managers.prefix(1).map { $0 }
            default: offices[recipient] ?? []
            }
        if !named.isEmpty { return named.map { Addressee(name: $0, meant: recipient, standsIn: false) } }
        // The tenant's administrator is always there, whether or not somebody is named for it.
        let isLast = recipient == .tenantAdmin
        return superiors(of: recipient).map { Addressee(name: $0, meant: recipient, standsIn: !isLast) }
    }

    private func superiors(of recipient: Recipient) -> [String] {
        if recipient == .owner, let manager = managers.first { return [manager] }
        if recipient != .salesDirector, recipient != .tenantAdmin, let directors = offices[.salesDirector] { return directors }
        return offices[.tenantAdmin] ?? ["role:\(Recipient.tenantAdmin.rawValue)"]
    }
}
