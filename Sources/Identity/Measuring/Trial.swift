import Sampling

/// A record whose entity is known.
public struct TrialRecord: Sendable, Hashable {
    public let values: [String: [String]]
    public let entity: String

    public init(values: [String: [String]], entity: String) {
        self.values = values
        self.entity = entity
    }

    /// Everything in it as one text, in the order of names, as someone would compare it who knows no fields.
    var text: [Unicode.Scalar] { Folding.folded(values.sorted { $0.key < $1.key }.flatMap(\.value).joined(separator: " ")) }
}

/// Records and what is to be found in them.
public struct TrialData: Sendable {
    public let name: String
    public var records: [TrialRecord]

    public init(name: String, records: [TrialRecord]) {
        self.name = name
        self.records = records
    }

    /// In an order that tells nothing.
    public func shuffled(seed: UInt64) -> TrialData {
        var random = SeededNumbers(seed: seed)
        return TrialData(name: name, records: records.shuffled(using: &random))
    }

    /// By entities: one half to learn from, the other to be judged by.
    public func halves() -> (learn: TrialData, judge: TrialData) {
        let isFirst = records.map { Fingerprint.of($0.entity) & 1 == 0 }
        func part(_ wanted: Bool) -> TrialData { TrialData(name: name, records: zip(records, isFirst).filter { $0.1 == wanted }.map(\.0)) }
        return (part(true), part(false))
    }
}

enum Fingerprint {
    /// FNV-1a and a last mixing, since its lowest bits alone say little.
    static func of(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return ((hash ^ (hash >> 32)) &* 0x9E37_79B9_7F4A_7C15) >> 20
    }
}

extension TrialData {
    /// The way leads go: one record after another is decided on and becomes part of a customer. Who is suspected stays apart.
    public func resolved(by rules: MatchRules) -> QualityTally {
        QualityTally(entities: records.map(\.entity), clusters: clusters(by: rules))
    }

    public func clusters(by rules: MatchRules) -> [Int] {
        var index = CustomerIndex(rules: rules)
        var log = [CustomerID](repeating: CustomerID(0), count: records.count)
        var mergedInto: [CustomerID: CustomerID] = [:]
        for (place, trial) in records.enumerated() {
            let record = MatchRecord(trial.values, rules: rules)
            let decision = index.decision(on: record)
            var customer = CustomerID(Int64(place) + 1)
            if case .known(let known) = decision.verdict { customer = known }
            index.add(record, to: customer)
            for join in decision.joins {
                let (survivor, loser) = (min(customer, join), max(customer, join))
                index.merge(loser, into: survivor)
                mergedInto[loser] = survivor
                customer = survivor
            }
            log[place] = customer
        }
        return log.map { id in
            var id = id
            while let next = mergedInto[id] { id = next }
            return Int(id.rawValue)
        }
    }
}
