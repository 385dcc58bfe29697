import Foundation

/// Which records are which customer, as the outcome of operations that can each be taken back. Nothing is ever deleted: a merged
/// customer keeps its number and points to the one it went into (CID-03, CID-04).
public struct MergeLog: Sendable, Hashable {
    public enum Operation: Sendable, Hashable {
        /// A record becomes part of a customer.
        case link(record: Int64, customer: CustomerID)
        /// One customer's records go to another; its number leads there from now on.
        case merge(CustomerID, into: CustomerID)
        /// A record leaves its customer for one of its own.
        case separate(record: Int64, to: CustomerID)
    }

    /// An operation and what it changed, so that it can be taken back exactly.
    public struct Entry: Sendable, Hashable {
        public let number: Int
        public let operation: Operation
        public let actor: String
        public let reason: String
        public let at: Date
        /// Where the records it moved were before; nil where they were nowhere.
        public let before: [Int64: CustomerID?]
        public fileprivate(set) var isUndone = false
    }

    public enum Refusal: Error, Sendable, Hashable {
        case unknownEntry(Int)
        case alreadyUndone(Int)
        /// What it changed was changed again: that entry has to be taken back first.
        case buried(by: Int)
        case unknownRecord(Int64)
        /// It is no customer of its own any more, and this one is.
        case merged(CustomerID, into: CustomerID)
        case itself
    }

    /// The customer of each record.
    public private(set) var customerOf: [Int64: CustomerID] = [:]
    /// Where the numbers of merged customers lead.
    public private(set) var mergedInto: [CustomerID: CustomerID] = [:]
    public private(set) var entries: [Entry] = []

    public init() {}

    /// The customer that a number leads to.
    public func survivor(of customer: CustomerID) -> CustomerID {
        var customer = customer
        while let next = mergedInto[customer] { customer = next }
        return customer
    }

    public func records(of customer: CustomerID) -> [Int64] {
        customerOf.filter { $0.value == customer }.keys.sorted()
    }

    /// - Returns: the entry's number.
    @discardableResult
    public mutating func apply(_ operation: Operation, actor: String, reason: String, at: Date) throws(Refusal) -> Int {
        var before: [Int64: CustomerID?] = [:]
        switch operation {
        case .link(let record, let customer):
            try own(customer)
            before[record] = .some(customerOf[record])
            customerOf[record] = customer
        case .merge(let loser, let survivor):
            guard loser != survivor else { throw .itself }
            try own(loser)
            try own(survivor)
            for record in records(of: loser) {
                before[record] = .some(loser)
                customerOf[record] = survivor
            }
            mergedInto[loser] = survivor
        case .separate(let record, let customer):
            guard let now = customerOf[record] else { throw .unknownRecord(record) }
            try own(customer)
            guard now != customer else { throw .itself }
            before[record] = .some(now)
            customerOf[record] = customer
        }
        entries.append(Entry(number: entries.count, operation: operation, actor: actor, reason: reason, at: at, before: before))
        return entries.count - 1
    }

    /// Restores exactly what an operation found.
    public mutating func undo(_ number: Int) throws(Refusal) {
        guard entries.indices.contains(number) else { throw .unknownEntry(number) }
        let entry = entries[number]
        guard !entry.isUndone else { throw .alreadyUndone(number) }
        if let later = entries[(number + 1)...].first(where: { !$0.isUndone && $0.rests(on: entry) }) { throw .buried(by: later.number) }
        for (record, customer) in entry.before { customerOf[record] = customer }
        if case .merge(let loser, _) = entry.operation { mergedInto[loser] = nil }
        entries[number].isUndone = true
    }

    private func own(_ customer: CustomerID) throws(Refusal) {
        if mergedInto[customer] != nil { throw .merged(customer, into: survivor(of: customer)) }
    }
}

extension MergeLog.Entry {
    /// Whether taking back the earlier one would pull the ground from under this one.
    fileprivate func rests(on earlier: MergeLog.Entry) -> Bool {
        if before.keys.contains(where: { earlier.before.keys.contains($0) }) { return true }
        return switch (earlier.operation, operation) {
        case (.merge(_, let survivor), .merge(let loser, _)): survivor == loser
        default: false
        }
    }
}

extension CustomerID {
    /// Of customers that become one the eldest stays: others know it the longest, and experiments keep its arm.
    public static func survivor(of customers: some Collection<CustomerID>) -> CustomerID? { customers.min() }
}
