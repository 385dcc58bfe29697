/// How long before a fall the first warning of its 14 days came.
enum LeadTime {
    struct Moment: Hashable {
        let seller: Int
        let week: Week

        init(seller: Int, week: Week) {
            self.seller = seller
            self.week = week
        }

        init(_ row: OnsetRow) { self.init(seller: row.identity.seller, week: row.week) }
    }

    /// The median over the falls that were warned of, in days from the end of the week of the warning to the end of the week of the fall:
    /// 7 or 14. A fall before which no week was judged does not count.
    static func median(of all: [SellerSeries], warned: Set<Moment>, judged: Set<Moment>) -> Double? {
        let days = all.flatMap { series in
            falls(series).compactMap { week -> Double? in
                let before = [week - 2, week - 1].map { Moment(seller: series.identity.seller, week: $0) }
                return before.first { judged.contains($0) && warned.contains($0) }.map { Double(7 * (week - $0.week)) }
            }
        }.sorted()
        guard !days.isEmpty else { return nil }
        return (days[(days.count - 1) / 2] + days[days.count / 2]) / 2
    }

    /// The weeks in which a seller who was healthy came below the base line.
    private static func falls(_ series: SellerSeries) -> [Week] {
        var wasHealthy = false
        return series.readings.indices.compactMap { place in
            guard let isBelow = series.readings[place].isBelow else { return nil }
            defer { wasHealthy = !isBelow }
            return isBelow && wasHealthy ? series.week(place) : nil
        }
    }
}
