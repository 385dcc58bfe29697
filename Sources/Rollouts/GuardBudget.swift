/// How the chance to take back a harmless change is split over everything that may do so.
///
/// The shares add up (Boole's inequality), whatever the guards have to do with each other. The rest of the hundredth stays unused.
public struct GuardBudget: Sendable, Hashable {
    /// At most one harmless change in a hundred is taken back.
    public static let most = 0.01

    /// That stable's rate is above its bound, see `TechnicalGuard`.
    public let estimation: Double
    /// Of all technical guards together.
    public let technical: Double
    /// Of all comparisons together.
    public let comparison: Double
    public let sampleRatio: Double

    public static let standard = GuardBudget(unchecked: 0.002, 0.003, 0.004, SampleRatio.alpha)

    /// Nil where a share is not above 0 or all of them are more than `most`.
    public init?(estimation: Double, technical: Double, comparison: Double, sampleRatio: Double = SampleRatio.alpha) {
        let shares = [estimation, technical, comparison, sampleRatio]
        guard shares.allSatisfy({ $0 > 0 }), shares.reduce(0, +) <= Self.most else { return nil }
        self.init(unchecked: estimation, technical, comparison, sampleRatio)
    }

    private init(unchecked estimation: Double, _ technical: Double, _ comparison: Double, _ sampleRatio: Double) {
        self.estimation = estimation
        self.technical = technical
        self.comparison = comparison
        self.sampleRatio = sampleRatio
    }

    public var total: Double { estimation + technical + comparison + sampleRatio }
}
