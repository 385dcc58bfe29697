/// One seller at the end of one week: what was known, and what came of it.
public struct OnsetRow: Sendable, Hashable {
    public let identity: SellerSeries.Identity
    public let week: Week
    /// In the order of `Feature.allCases`.
    public let values: [Double?]
    /// Already below the base line: nothing to be warned of.
    public let isBelow: Bool
    public let headroom: Double
    /// What the rule of two conditions says.
    public let isMechanical: Bool
    /// Below the base line in one of the two weeks that follow; nil: not to be said, or not yet.
    public var falls: Bool?

    /// Another's row with something changed.
    public init(_ row: OnsetRow, identity: SellerSeries.Identity? = nil, values: [Double?]? = nil, isBelow: Bool? = nil) {
        self.init(
            identity: identity ?? row.identity, week: row.week, values: values ?? row.values, isBelow: isBelow ?? row.isBelow,
            headroom: row.headroom, isMechanical: row.isMechanical, falls: row.falls)
    }

    init(
        identity: SellerSeries.Identity, week: Week, values: [Double?], isBelow: Bool, headroom: Double, isMechanical: Bool, falls: Bool?
    ) {
        self.identity = identity
        self.week = week
        self.values = values
        self.isBelow = isBelow
        self.headroom = headroom
        self.isMechanical = isMechanical
        self.falls = falls
    }

    /// The rows of all sellers, week by week; weeks without an index have none.
    public static func rows(of all: [SellerSeries]) -> [OnsetRow] {
        let teams = TeamHealth(all)
        return all.flatMap { series in
            let reading = FeatureReading(series)
            return series.published.indices.compactMap { place -> OnsetRow? in
                let now = series.publishedReadings[place]
                guard let isBelow = now.isBelow, let headroom = now.headroom else { return nil }
                return OnsetRow(
                    identity: series.identity, week: series.week(place),
                    values: reading.values(at: place, teamBelow: teams.below(series.identity.team, series.week(place))), isBelow: isBelow,
                    headroom: headroom, isMechanical: MechanicalFollowUp.holds(series.published, at: place),
                    falls: series.falls(after: place))
            }
        }.sorted { ($0.week, $0.identity.seller) < ($1.week, $1.identity.seller) }
    }
}

/// How many of each team were below the base line, week by week.
private struct TeamHealth {
    private struct Key: Hashable {
        let team: Int
        let week: Week
    }

    private var tallies: [Key: Tally] = [:]

    init(_ all: [SellerSeries]) {
        for series in all {
            for (place, reading) in series.publishedReadings.enumerated() {
                guard let below = reading.isBelow else { continue }
                tallies[Key(team: series.identity.team, week: series.week(place)), default: Tally()].add(below)
            }
        }
    }

    func below(_ team: Int, _ week: Week) -> Double? { tallies[Key(team: team, week: week)]?.rate }
}
