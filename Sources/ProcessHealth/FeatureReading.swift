import Foundation

/// Reads a seller's features at the end of a week, from the weeks up to it and no other.
public struct FeatureReading: Sendable {
    private let series: SellerSeries
    /// Of the published weeks: nil where there was no index.
    private let headrooms: [Double?]

    public init(_ series: SellerSeries) {
        self.series = series
        headrooms = series.publishedReadings.map(\.headroom)
    }

    /// The values in the order of `Feature.allCases`; nil where nothing is known, which a model takes for the usual.
    ///
    /// - Parameter teamBelow: the share of the seller's team that was below the base line that week.
    public func values(at place: Int, teamBelow: Double?) -> [Double?] {
        Feature.allCases.map { value($0, place, teamBelow) }
    }

    private func value(_ feature: Feature, _ place: Int, _ teamBelow: Double?) -> Double? {
        let week = series.published[place]
        switch feature {
        case .headroom: return headrooms[place]
        case .headroomSlope2: return slope(headrooms, place, 2)
        case .headroomSlope4: return slope(headrooms, place, 4)
        case .headroomSlope8: return slope(headrooms, place, 8)
        case .headroomDeviation: return deviation(place)
        case .silenceDeviation:
            let before = share(place - 1, place, \.silences)
            return before.flatMap { usual in share(place, 1, \.silences).map { $0 - usual } }
        case .revisionDeviation:
            guard place >= 4 else { return nil }
            let usual = (0..<place).reduce(0.0) { $0 + Double(series.published[$1].revisions) } / Double(place)
            return log((Double(week.revisions) + 0.5) / (usual + 0.5))
        case .conversion: return smoothed(place, \.conversion, prior: 0.75)
        case .rhythm: return smoothed(place, \.rhythm, prior: 0.85)
        case .keyActions: return smoothed(place, \.keyActions, prior: 0.97)
        case .silence: return share(place, 2, \.silences)
        case .silenceSlope: return slope(series.published.map(MechanicalFollowUp.silenceRate), place, 4)
        case .revisions: return change(place, \.revisions)
        case .communications: return change(place, \.communications)
        case .lateTouches:
            let touches = sum(place, 4, \.touches)
            return touches.cases == 0 ? nil : 1 - Double(touches.hits) / Double(touches.cases)
        case .waiting: return log(1 + Double(week.waiting))
        case .offHours: return share(place, 4, \.offHours)
        case .emptyRecords: return share(place, 4, \.emptyRecords)
        case .belowLately: return Double(span(place, 8).count { series.publishedReadings[$0].isBelow == true })
        case .healthyFor:
            let last = (0...place).last { series.publishedReadings[$0].isBelow == true }
            return log(1 + Double(place - (last ?? -1)))
        case .team: return teamBelow
        case .tenure: return log(1 + Double(place - (series.published.firstIndex { !$0.isEmpty } ?? place)))
        case .leaveAhead: return Double(week.leaveAhead)
        case .workdaysAhead: return Double(week.workdaysAhead)
        }
    }

    private func span(_ place: Int, _ weeks: Int) -> ClosedRange<Int> { max(0, place - weeks + 1)...place }

    /// By least squares over the weeks that have a value; nil with fewer than two.
    private func slope(_ values: [Double?], _ place: Int, _ weeks: Int) -> Double? {
        let points = span(place, weeks).compactMap { week in values[week].map { (Double(week), $0) } }
        guard points.count >= 2 else { return nil }
        let (meanX, meanY) = (points.mean { $0.0 }, points.mean { $0.1 })
        return points.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / points.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    }

    /// The exponentially weighted mean (half-life about two weeks) beside the plain mean of everything before.
    private func deviation(_ place: Int) -> Double? {
        let values = (0...place).compactMap { headrooms[$0] }
        guard values.count >= 3 else { return nil }
        let recent = values.dropFirst().reduce(values[0]) { 0.7 * $0 + 0.3 * $1 }
        return recent - values.mean { $0 }
    }

    private func sum(_ place: Int, _ weeks: Int, _ tally: (WeekCounts) -> Tally) -> Tally {
        span(place, weeks).reduce(Tally()) { $0 + tally(series.published[$1]) }
    }

    /// The rate of four weeks, drawn towards what is usual as if ten more cases had been so.
    private func smoothed(_ place: Int, _ tally: (WeekCounts) -> Tally, prior: Double) -> Double? {
        let sum = sum(place, 4, tally)
        return (Double(sum.hits) + 10 * prior) / (Double(sum.cases) + 10)
    }

    private func share(_ place: Int, _ weeks: Int, _ count: (WeekCounts) -> Int) -> Double? {
        guard place >= 0 else { return nil }
        let (hits, all) = span(place, weeks).reduce((0, 0)) {
            ($0.0 + count(series.published[$1]), $0.1 + series.published[$1].communications)
        }
        return all == 0 ? nil : Double(hits) / Double(all)
    }

    /// The logarithm of the last two weeks' weekly mean over that of the four before; half a count more keeps nought finite.
    private func change(_ place: Int, _ count: (WeekCounts) -> Int) -> Double? {
        guard place >= 5 else { return nil }
        let recent = Double((place - 1...place).reduce(0) { $0 + count(series.published[$1]) }) / 2
        let before = Double((place - 5...place - 2).reduce(0) { $0 + count(series.published[$1]) }) / 4
        return log((recent + 0.5) / (before + 0.5))
    }
}

extension Array {
    func mean(_ value: (Element) -> Double) -> Double { isEmpty ? 0 : reduce(0) { $0 + value($1) } / Double(count) }
}
