/// How much less likely an opportunity is won the less there is to show for it: contract, payment, acceptance, start notice.
public struct EvidenceHaircut: Sendable, Hashable {
    public enum Origin: String, Sendable, Hashable, Encodable {
        /// Nobody records evidence here, so that the lack of it says nothing.
        case none
        /// Before there are data.
        case believed
        case fitted
    }

    /// By the number of pieces; the last stands for more.
    public let factors: [Double]
    public let origin: Origin

    public static let none = EvidenceHaircut(factors: [1], origin: .none)
    public static let believed = EvidenceHaircut(factors: [0.5, 0.75, 0.9, 1], origin: .believed)

    /// What happened at each number of pieces, and what was expected without looking at them.
    public struct Record: Sendable, Hashable {
        public var won: Double
        public var expected: Double

        public init(won: Double, expected: Double) {
            self.won = won
            self.expected = expected
        }
    }

    /// From this many wins on, what happened is believed rather than the table.
    static let winsWanted = 30.0

    /// Fits factors that never fall with more evidence: pools neighbours that would (Ayer and others 1955), weighted by what was expected.
    /// Each leans on the table as if ten wins had been expected and had come as it says.
    public static func fitted(_ records: [Record]) -> EvidenceHaircut {
        guard records.dropFirst().contains(where: { $0.expected > 0 }) else { return .none }
        guard records.reduce(0, { $0 + $1.won }) >= winsWanted else { return .believed }
        var pools: [(value: Double, weight: Double, count: Int)] = []
        for (pieces, record) in records.enumerated() {
            let believed = Self.believed.factors[min(pieces, Self.believed.factors.count - 1)]
            pools.append(((record.won + 10 * believed) / (record.expected + 10), record.expected + 10, 1))
            while pools.count > 1, pools[pools.count - 2].value > pools[pools.count - 1].value {
                let (b, a) = (pools.removeLast(), pools.removeLast())
                let weight = a.weight + b.weight
                pools.append(((a.value * a.weight + b.value * b.weight) / weight, weight, a.count + b.count))
            }
        }
        return EvidenceHaircut(factors: pools.flatMap { [Double](repeating: $0.value, count: $0.count) }, origin: .fitted)
    }

    public subscript(pieces: Int) -> Double { factors[max(0, min(pieces, factors.count - 1))] }
}
