/// A history in full, of which a back-test shows the model only what was known on a day.
public struct PastDeals: Sendable {
    /// One opportunity, from its beginning in the first stage to its end.
    public struct Deal: Sendable, Hashable {
        public var stays: [Stay]
        /// In minor units, as expected while it was open and as it came; nil: not recorded.
        public var expected: Double?
        public var realised: Double?

        public init(stays: [Stay], expected: Double? = nil, realised: Double? = nil) {
            self.stays = stays
            self.expected = expected
            self.realised = realised
        }

        public var began: Day { stays[0].entered }
        public var segment: Int { stays[0].segment }

        /// When it was won; nil: not at all.
        public var won: Day? { stays.last.flatMap { $0.exit == .won ? $0.left : nil } }

        public var ended: Day? { stays.last.flatMap { $0.exit == .won || $0.exit == .lost ? $0.left : nil } }
    }

    public var name: String
    public var deals: [Deal]
    public var stages: Int
    public var segments: Int
    /// The last day of which beginnings, and of which endings, were recorded.
    public var lastBeginning: Day
    public var lastEnding: Day

    public init(name: String, deals: [Deal], stages: Int = 1, segments: Int = 1, lastBeginning: Day, lastEnding: Day) {
        self.name = name
        self.deals = deals
        self.stages = stages
        self.segments = segments
        self.lastBeginning = lastBeginning
        self.lastEnding = lastEnding
    }

    /// The first day on which an ending was recorded: before it, that none was says nothing.
    public var firstEnding: Day? { deals.lazy.compactMap(\.ended).min() }

    public var hasAmounts: Bool { deals.contains { $0.expected != nil } }
}
