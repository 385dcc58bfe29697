/// What a model believes before it has seen anything, and how quickly it lets itself be convinced.
public struct HazardSettings: Sendable, Hashable {
    /// Days after which what happened counts half.
    public var halfLife = 90.0
    /// What is believed beforehand weighs as many days of one opportunity.
    public var shrinkageDays = 200.0
    /// A month of the quarter, a segment and the last 28 days are taken for ordinary as far as this many events would outweigh them.
    public var effectEvents = 20.0
    /// How much of the last 28 days' deviation goes on, as an exponent.
    public var persistence = 0.5
    /// Believed of a tenant of whom nothing is known: one opportunity in five is won, it takes about 60 days, and a stage a third of it.
    public var prior = Rates(won: 0.2 / 60, lost: 0.8 / 60, moved: 1.0 / 20)
    /// With fewer exits from a stage in 180 days its odds are flagged as mostly believed.
    public var exitsWanted = 30

    public init() {}

    /// By day.
    public struct Rates: Sendable, Hashable {
        public var won: Double
        public var lost: Double
        public var moved: Double

        public init(won: Double, lost: Double, moved: Double) {
            self.won = won
            self.lost = lost
            self.moved = moved
        }

        subscript(cause: HazardCounts.Cause) -> Double {
            switch cause {
            case .won: won
            case .lost: lost
            case .moved: moved
            }
        }
    }
}
