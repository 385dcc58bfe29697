import Foundation

/// How far a zone's clocks are ahead of UTC, from change to change.
struct ZoneOffsets {
    struct Segment {
        /// Seconds since 1970, in UTC.
        let span: Range<Int>
        let offset: Int
    }

    let segments: [Segment]

    /// Looks once a day and searches for the second of each change: no zone changes twice within a day.
    init(_ zone: TimeZone, _ span: Range<Int>) {
        func offset(at moment: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment))) }
        var segments: [Segment] = []
        var (start, known) = (span.lowerBound, offset(at: span.lowerBound))
        for moment in stride(from: span.lowerBound, to: span.upperBound, by: 86_400) {
            let end = min(moment + 86_400, span.upperBound)
            guard offset(at: end) != known else { continue }
            var (low, high) = (moment, end)
            while high - low > 1 {
                let middle = (low + high) / 2
                if offset(at: middle) == known { low = middle } else { high = middle }
            }
            segments.append(Segment(span: start..<high, offset: known))
            (start, known) = (high, offset(at: high))
        }
        if start < span.upperBound { segments.append(Segment(span: start..<span.upperBound, offset: known)) }
        self.segments = segments
    }
}
