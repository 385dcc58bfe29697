/// An open opportunity as it was known on a day.
public struct OpenDeal: Sendable, Hashable {
    public var id: Int64
    /// Its owner's place in the caller's list; -1: nobody.
    public var seller: Int32
    /// Its stage's place among the open ones; nil: a stage the rules do not know.
    public var stage: Int?
    /// The day on which it came into the stage.
    public var entered: Day
    /// How long it has been there, and since the last effective action; nil: none is known.
    public var secondsInStage: Int
    public var secondsSinceAction: Int?
    /// As entered, in minor units.
    public var amountMinor: Int64?
    /// The currency's place in the caller's list.
    public var currency: Int
    public var segment: Int
    /// Pieces of verified evidence.
    public var evidence: Int
    /// The amount is what a seller expects, and no document says so.
    public var isSelfEntered: Bool

    public init(
        id: Int64, seller: Int32 = -1, stage: Int?, entered: Day, secondsInStage: Int, secondsSinceAction: Int? = nil, amountMinor: Int64?,
        currency: Int = 0, segment: Int = 0, evidence: Int = 0, isSelfEntered: Bool = false
    ) {
        self.id = id
        self.seller = seller
        self.stage = stage
        self.entered = entered
        self.secondsInStage = secondsInStage
        self.secondsSinceAction = secondsSinceAction
        self.amountMinor = amountMinor
        self.currency = currency
        self.segment = segment
        self.evidence = evidence
        self.isSelfEntered = isSelfEntered
    }
}

/// What the forecast says of one open opportunity.
public struct ForecastLine: Sendable, Hashable {
    public enum Standing: Sendable, Hashable {
        case counted(ForecastClass)
        case excluded(Exclusion)
    }

    public var deal: Int64
    public var seller: Int32
    public var stage: Int?
    public var currency: Int
    public var standing: Standing
    /// As entered; 0 where it is missing.
    public var amountMinor: Int64
    /// Its odds to be won within the period.
    public var odds: Double
    /// What it adds to the forecast's total: all of it when committed, amount × what is usually got of it × odds when weighted, else
    /// nothing. Rounded here, once, so that every sum of it is exact.
    public var contribution: Int64
    public var stall: Stall?

    public init(
        deal: Int64, seller: Int32, stage: Int?, currency: Int, standing: Standing, amountMinor: Int64, odds: Double, contribution: Int64,
        stall: Stall? = nil
    ) {
        self.deal = deal
        self.seller = seller
        self.stage = stage
        self.currency = currency
        self.standing = standing
        self.amountMinor = amountMinor
        self.odds = odds
        self.contribution = contribution
        self.stall = stall
    }

    public var counted: ForecastClass? {
        if case .counted(let standing) = standing { return standing }
        return nil
    }
}
