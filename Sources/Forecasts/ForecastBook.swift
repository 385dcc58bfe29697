import SalesModel

/// How open opportunities are told apart.
public struct ForecastPolicy: Sendable, Hashable {
    /// The open stages in their order.
    public var stages: [String]
    /// From this place on a moving opportunity is committed.
    public var committedFrom: Int
    public var limits: StallLimits

    public init(stages: [String], committedFrom: Int? = nil, limits: StallLimits = .standard) {
        self.stages = stages
        self.committedFrom = committedFrom ?? stages.firstIndex(of: "about_to_sign") ?? max(0, stages.count - 1)
        self.limits = limits
    }
}

/// All lines of a forecast, and what they come to.
public struct ForecastBook: Sendable {
    public let policy: ForecastPolicy
    /// In the order of the opportunities' ids.
    public let lines: [ForecastLine]
    public let totals: ForecastTotals
    public let byStage: [StageFigures]
    /// By seller's place, -1 for nobody, then by currency's.
    public let bySeller: [SellerFigures]

    /// - Parameters:
    ///   - deals: in the order of their ids.
    ///   - odds: of an opportunity in a known stage to be won within the period, 0 to 1.
    ///   - ratio: what is usually got of an amount.
    public init(
        _ deals: some Collection<OpenDeal>, policy: ForecastPolicy, odds: (OpenDeal) -> Double,
        ratio: (OpenDeal) -> Double = { _ in 1 }
    ) {
        var lines: [ForecastLine] = []
        lines.reserveCapacity(deals.count)
        let limits = policy.stages.map(policy.limits.seconds)
        for deal in deals { lines.append(Self.line(deal, policy, limits, odds, ratio)) }
        self.init(lines, policy: policy)
    }

    init(_ lines: [ForecastLine], policy: ForecastPolicy) {
        self.policy = policy
        self.lines = lines
        totals = ForecastTotals(lines)
        byStage = StageFigures.all(lines, stages: policy.stages.count)
        bySeller = SellerFigures.all(lines)
    }

    private static func line(
        _ deal: OpenDeal, _ policy: ForecastPolicy, _ limits: [Int], _ odds: (OpenDeal) -> Double,
        _ ratio: (OpenDeal) -> Double
    ) -> ForecastLine {
        var line = ForecastLine(
            deal: deal.id, seller: deal.seller, stage: deal.stage, currency: deal.currency, standing: .excluded(.unknownStage),
            amountMinor: deal.amountMinor ?? 0, odds: 0, contribution: 0)
        guard let stage = deal.stage else { return line }
        line.odds = odds(deal)
        line.stall = deal.stall(limit: limits[stage])
        guard let amount = deal.amountMinor else {
            line.standing = .excluded(.amountMissing)
            return line
        }
        if deal.isSelfEntered {
            line.standing = .counted(.selfEntered)
        } else if line.stall != nil {
            line.standing = .counted(.atRisk)
        } else if stage >= policy.committedFrom {
            line.standing = .counted(.committed)
            line.contribution = amount
        } else {
            line.standing = .counted(.weighted)
            line.contribution = Int64(nearest: Double(amount) * ratio(deal) * line.odds)
        }
        return line
    }
}
