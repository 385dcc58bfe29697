/// One seller's weeks, as predictions see them.
public struct SellerSeries: Sendable, Hashable {
    public struct Identity: Sendable, Hashable {
        public var tenant: Int
        /// Whose manager hears of the warning; unique over all tenants.
        public var team: Int
        /// Unique over all tenants.
        public var seller: Int

        public init(tenant: Int, team: Int, seller: Int) {
            self.tenant = tenant
            self.team = team
            self.seller = seller
        }
    }

    public let identity: Identity
    public let first: Week
    /// As known when each week ended: features rest on these.
    public let published: [WeekCounts]
    /// As known now: whether a warning came true is judged by these.
    public let readings: [HealthReading]
    /// How each week stood when it ended.
    public let publishedReadings: [HealthReading]

    public init(
        _ identity: Identity, first: Week, published: [WeekCounts], known: [WeekCounts]? = nil, targets: HealthTargets = .standard
    ) {
        self.identity = identity
        self.first = first
        self.published = published
        publishedReadings = published.map { HealthReading($0, targets: targets) }
        readings = known.map { $0.map { HealthReading($0, targets: targets) } } ?? publishedReadings
    }

    public func week(_ place: Int) -> Week { first + place }

    /// Whether the seller falls below the base line in one of the two weeks after this one: within 14 days. Nil: neither week has an
    /// index yet, or one has none and the other is not below, so that nobody can say.
    public func falls(after place: Int) -> Bool? {
        let next = (place + 1...place + 2).map { readings.indices.contains($0) ? readings[$0].isBelow : nil }
        if next.contains(true) { return true }
        return next.contains(nil) ? nil : false
    }
}
