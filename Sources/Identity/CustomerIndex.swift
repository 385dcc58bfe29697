/// Customers by what they are found by: a working copy in which each decision is seen by the next.
///
/// It may hold all customers, or only those that a batch of records could be.
public struct CustomerIndex: Sendable {
    public let rules: MatchRules
    /// How many customers there are, also those not held here.
    public private(set) var population: Int
    private var customers: [CustomerID: MatchRecord] = [:]
    private var byKey: [BlockingKey: [CustomerID]] = [:]
    /// Carriers of a key beyond those held here.
    private var others: [BlockingKey: Int] = [:]

    public init(rules: MatchRules, population: Int = 0) {
        self.rules = rules
        self.population = population
    }

    /// Of the customers held here.
    public var ids: [CustomerID] { Array(customers.keys) }

    public subscript(customer: CustomerID) -> MatchRecord? { customers[customer] }

    /// - Parameter others: of keys the carriers that are not held here.
    public mutating func expect(others: [BlockingKey: Int]) { self.others.merge(others) { max($0, $1) } }

    /// Holds a customer that was there before.
    public mutating func hold(_ record: MatchRecord, as customer: CustomerID) {
        customers[customer] = record
        for key in rules.keys(of: record) { byKey[key, default: []].append(customer) }
    }

    public func carriers(of key: BlockingKey) -> Int { (byKey[key]?.count ?? 0) + (others[key] ?? 0) }

    /// Who shares a key with a record, the eldest first.
    public func candidates(for record: MatchRecord) -> [(id: CustomerID, record: MatchRecord)] {
        var found: Set<CustomerID> = []
        for key in rules.keys(of: record) { found.formUnion(byKey[key]?.prefix(BlockingKey.carrierLimit) ?? []) }
        return found.sorted().map { ($0, customers[$0]!) }
    }

    public func decision(on record: MatchRecord) -> MatchDecision {
        rules.decision(on: record, among: candidates(for: record), population: population) { carriers(of: $0) }
    }

    /// A record becomes part of a customer, an old one or a new one.
    ///
    /// - Returns: the keys it brought to the customer.
    @discardableResult
    public mutating func add(_ record: MatchRecord, to customer: CustomerID) -> [BlockingKey] {
        guard var known = customers[customer] else {
            population += 1
            hold(record, as: customer)
            return rules.keys(of: record)
        }
        let before = Set(rules.keys(of: known))
        known.add(record)
        customers[customer] = known
        let brought = rules.keys(of: known).filter { !before.contains($0) }
        for key in brought { byKey[key, default: []].append(customer) }
        return brought
    }

    /// A customer's records go over to another.
    public mutating func merge(_ loser: CustomerID, into survivor: CustomerID) {
        guard let record = customers.removeValue(forKey: loser) else { return }
        for key in rules.keys(of: record) { byKey[key]?.removeAll { $0 == loser } }
        population -= 1
        add(record, to: survivor)
    }
}
