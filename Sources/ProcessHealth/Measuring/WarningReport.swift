/// How well warnings did on weeks that nobody had seen when they were given, beside simpler ways to warn.
public struct WarningReport: Sendable, Hashable, Encodable {
    public struct Figure: Sendable, Hashable, Encodable {
        public let value: Double
        public let low: Double?
        public let high: Double?

        init(_ value: Double, _ interval: ClosedRange<Double>?) {
            self.value = value
            low = interval?.lowerBound
            high = interval?.upperBound
        }
    }

    public let name: String
    public let weeks: Int
    public let sellers: Int
    /// Falls in all of the data, and their share of the weeks of healthy sellers.
    public let onsets: Int
    public let prevalence: Double
    /// When the model was trained anew.
    public let origins: [String]
    /// Weeks of healthy sellers that were judged.
    public let judged: Int
    public let judgedOnsets: Int
    public let confusion: Confusion
    public let f1: Figure
    public let alwaysF1: Double
    public let levelF1: Double
    public let twoConditionsF1: Double
    /// The model's F1 less the best of the three; an interval by drawing sellers anew.
    public let advantage: Figure
    /// Over all weeks, those of sellers below the base line included: these are expected to stay below.
    public let allWeeksF1: Double
    public let persistenceF1: Double
    public let averagePrecision: Double?
    /// One less the Brier score over that of the prevalence known then.
    public let brierSkill: Double?
    public let calibrationError: Double?
    /// From the first warning of the 14 days to the end of the week of the fall.
    public let medianLeadDays: Double?
    public let alertsPerManagerWeek: Double
    /// F1 with labels that were dealt out anew, without limits on precision and attention, and that of warning always, on the same labels.
    public let shuffledF1: Double?
    public let shuffledAlwaysF1: Double?
    public let verdict: GateVerdict
}
