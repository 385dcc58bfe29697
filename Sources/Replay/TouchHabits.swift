import Foundation

/// How soon each seller touched the leads they really had; the measure for leads they would have had.
///
/// A seller answers in the other world as they did in this one: with the delays they really had, in their order, over and over,
/// those leads included that they never touched. Nothing is drawn by lot, so a replay gives the same twice. Who had fewer than
/// five leads answers like all sellers together.
public struct TouchHabits: Sendable {
    /// Fewer say nothing about a person.
    static let least = 5

    private let delays: [String: [TimeInterval?]]
    private let everybody: [TimeInterval?]
    private var taken: [String: Int] = [:]

    /// - Parameter delays: by seller's external id, from assignment to first touch in seconds; nil: never touched.
    public init(_ delays: [String: [TimeInterval?]] = [:]) {
        self.delays = delays.filter { $1.count >= Self.least }
        everybody = delays.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    /// Whether anybody touched anything: if not, nothing about touches is known.
    public var isKnown: Bool { everybody.contains { $0 != nil } }

    /// How long a seller takes for the next lead they would have had; nil: they never touch it.
    mutating func next(of seller: String) -> TimeInterval? {
        let own = delays[seller] ?? everybody
        guard !own.isEmpty else { return nil }
        let turn = taken[seller, default: 0]
        taken[seller] = turn + 1
        return own[turn % own.count]
    }
}
