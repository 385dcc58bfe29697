import Foundation
import Sampling
import Testing

@testable import Identity

@Suite struct MergeLogTests {
    private var log = MergeLog()
    private let noon = Date(timeIntervalSince1970: 1_800_000_000)

    @discardableResult
    private mutating func apply(_ operation: MergeLog.Operation) throws -> Int {
        try log.apply(operation, actor: "ming", reason: "test", at: noon)
    }

    @Test mutating func `a merged customer's number leads to the survivor, and undoing restores exactly what was`() throws {
        try apply(.link(record: 1, customer: CustomerID(1)))
        try apply(.link(record: 2, customer: CustomerID(2)))
        let before = log

        let merge = try apply(.merge(CustomerID(2), into: CustomerID(1)))
        #expect(log.survivor(of: CustomerID(2)) == CustomerID(1))
        #expect(log.records(of: CustomerID(1)) == [1, 2])
        try log.undo(merge)

        #expect(log.customerOf == before.customerOf)
        #expect(log.mergedInto == before.mergedInto)
        #expect(log.entries.count == 3)
        #expect(log.entries[2].isUndone)
    }

    @Test mutating func `what a later operation rests on is not pulled from under it`() throws {
        try apply(.link(record: 1, customer: CustomerID(1)))
        let link = try apply(.link(record: 2, customer: CustomerID(2)))
        let merge = try apply(.merge(CustomerID(2), into: CustomerID(1)))

        #expect(throws: MergeLog.Refusal.buried(by: merge)) { try log.undo(link) }
        try log.undo(merge)
        try log.undo(link)

        #expect(log.customerOf == [1: CustomerID(1)])
    }

    @Test mutating func `nothing is linked to a customer that went into another, and none goes into itself`() throws {
        try apply(.link(record: 1, customer: CustomerID(2)))
        try apply(.merge(CustomerID(2), into: CustomerID(1)))

        #expect(throws: MergeLog.Refusal.merged(CustomerID(2), into: CustomerID(1))) {
            try apply(.link(record: 3, customer: CustomerID(2)))
        }
        #expect(throws: MergeLog.Refusal.itself) { try apply(.merge(CustomerID(1), into: CustomerID(1))) }
        #expect(throws: MergeLog.Refusal.unknownRecord(9)) { try apply(.separate(record: 9, to: CustomerID(1))) }
    }

    /// Whatever was done, taking everything back from the end leads through every state before it.
    @Test(arguments: 0..<50) mutating func `any history can be walked back`(seed: UInt64) throws {
        var random = SeededNumbers(seed: seed)
        var states: [(customerOf: [Int64: CustomerID], mergedInto: [CustomerID: CustomerID])] = []
        for _ in 0..<40 {
            let state = (log.customerOf, log.mergedInto)
            let (a, b) = (CustomerID(Int64.random(in: 1...6, using: &random)), CustomerID(Int64.random(in: 1...6, using: &random)))
            let record = Int64.random(in: 1...8, using: &random)
            let operation: MergeLog.Operation =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: .link(record: record, customer: a)
                case 1: .merge(a, into: b)
                default: .separate(record: record, to: a)
                }
            if (try? apply(operation)) != nil { states.append(state) }
        }
        #expect(states.count > 3)

        for number in log.entries.indices.reversed() {
            try log.undo(number)
            #expect(log.customerOf == states[number].customerOf)
            #expect(log.mergedInto == states[number].mergedInto)
        }
    }

    @Test func `of customers that become one the eldest stays`() {
        #expect(CustomerID.survivor(of: [CustomerID(9), CustomerID(4), CustomerID(12)]) == CustomerID(4))
    }
}
