/// What a week is held against, and from how many cases on.
public struct HealthTargets: Sendable, Hashable, Codable {
    /// Leads that were visited in time: 0.65.
    public var conversion: Double
    /// Follow-ups that came in time: 0.80.
    public var rhythm: Double
    /// Entries into gated stages with their evidence: 1.
    public var keyActions: Double
    /// Days from capture within which the first visit is to be (I-35).
    public var visitDays: Double
    /// Hours within which a customer hears of us again (SPI-03).
    public var followUpHours: Double
    /// Hours after which a customer who has not replied counts as silent (PRED-02).
    public var replyHours: Double
    /// A rate of fewer cases is not judged. Key actions are judged from one on: their target is all of them, so one missed is a miss.
    public var leastCases: Int

    public init(
        conversion: Double = 0.65, rhythm: Double = 0.8, keyActions: Double = 1, visitDays: Double = 14, followUpHours: Double = 72,
        replyHours: Double = 72, leastCases: Int = 5
    ) {
        self.conversion = conversion
        self.rhythm = rhythm
        self.keyActions = keyActions
        self.visitDays = visitDays
        self.followUpHours = followUpHours
        self.replyHours = replyHours
        self.leastCases = leastCases
    }

    public static let standard = HealthTargets()
}
