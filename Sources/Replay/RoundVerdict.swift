import SalesModel

/// Whether a round was passed: nothing speaks against it.
///
/// A round is passed when the past was whole, at least one decision was made again, every one of them came out as it was logged,
/// and the candidate gave no lead to anybody inactive or over capacity, left no more without an owner, and read missing
/// fields of no more than the live rules did.
public struct RoundVerdict: Sendable, Hashable {
    /// Something that speaks against the candidate, or against the replay itself.
    public struct Finding: Sendable, Hashable {
        public enum Code: String, Sendable, CaseIterable {
            case incompletePast = "incomplete_past"
            case nothingReplayed = "nothing_replayed"
            case notReproduced = "not_reproduced"
            case toInactive = "leads_to_inactive_sellers"
            case overCapacity = "over_capacity"
            case moreUnmatched = "more_unmatched"
            case moreUnknown = "more_unknown"
        }

        public let code: Code
        public let message: String
    }

    public let findings: [Finding]
    public var isPassed: Bool { findings.isEmpty }

    /// - Parameter missing: what of the window's past was not kept, in words; nil: it is whole.
    public init(of summary: ReplaySummary, missing: String? = nil) {
        let (live, candidate) = (summary.live, summary.candidate)
        var findings: [Finding] = []
        func find(_ code: Finding.Code, _ message: String) { findings.append(Finding(code: code, message: message)) }
        if let missing { find(.incompletePast, missing) }
        if summary.notReplayable > 0 {
            find(.incompletePast, "Of \(summary.notReplayable) decisions something they rested on was not kept.")
        }
        if live.decided == 0 { find(.nothingReplayed, "No decision was made in this time.") }
        if summary.notReproduced > 0 {
            find(
                .notReproduced,
                "\(summary.notReproduced) of \(summary.reproduced + summary.notReproduced) decisions did not come out as they were made: the replay is not to be relied on."
            )
        }
        if candidate.toInactive > 0 {
            find(.toInactive, "\(candidate.toInactive) decisions would have given a lead to sellers who are not active.")
        }
        if candidate.overCapacity > 0 {
            find(.overCapacity, "\(candidate.overCapacity) decisions would have given a lead to sellers over their capacity.")
        }
        // Counts, not shares: whom the candidate gave an owner before the live rules did is not decided by it again.
        if candidate.unmatched > live.unmatched {
            find(
                .moreUnmatched,
                "\(candidate.unmatched) of \(candidate.decided) decisions would have left a lead without an owner, against \(live.unmatched) of \(live.decided)."
            )
        }
        if candidate.unknownPath > live.unknownPath {
            find(
                .moreUnknown,
                "\(candidate.unknownPath) of \(candidate.decided) decisions would have held a lead for a field that is missing or not comparable, against \(live.unknownPath) of \(live.decided)."
            )
        }
        self.findings = findings
    }
}
