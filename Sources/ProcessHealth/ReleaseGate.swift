import Foundation

/// Whether a model may warn, and why not.
public struct GateVerdict: Sendable, Hashable, Codable {
    public let passes: Bool
    /// Empty where it passes.
    public let reasons: [String]

    init(reasons: [String]) {
        self.reasons = reasons
        passes = reasons.isEmpty
    }
}

/// What a model must show on unseen weeks before it warns anybody. A model that fails stays silent.
public struct ReleaseGate: Sendable, Hashable, Codable {
    /// PRED-01: six months, and so many weeks before a fall.
    public var leastWeeks = 26
    public var leastOnsets = 50
    public var mostCalibrationError = 0.05
    public var leastPrecision = 0.4

    public init() {}

    func verdict(
        weeks: Int, onsets: Int, confusion: Confusion, advantage: WarningReport.Figure, calibrationError: Double?
    ) -> GateVerdict {
        let missing = tooLittle(weeks: weeks, onsets: onsets)
        guard missing.isEmpty else { return GateVerdict(reasons: missing) }
        var reasons: [String] = []
        if advantage.low.map({ $0 <= 0 }) ?? true {
            let range = advantage.low.map { String(format: "its 95 %% interval begins at %+.3f", $0) } ?? "it has no interval"
            reasons.append(String(format: "F1 on onsets is %+.3f from the best simple rule's, and ", advantage.value) + range)
        }
        switch calibrationError {
        case nil: reasons.append("too few weeks to judge the probabilities")
        case .some(let error) where error > mostCalibrationError:
            reasons.append(String(format: "the probabilities are off by %.3f, more than %.2f", error, mostCalibrationError))
        default: break
        }
        switch confusion.precision {
        case nil: reasons.append("it never warned: no threshold kept \(percent(leastPrecision)) of its warnings true")
        case .some(let precision) where precision < leastPrecision:
            reasons.append("\(percent(precision)) of its warnings came true, fewer than \(percent(leastPrecision))")
        default: break
        }
        return GateVerdict(reasons: reasons)
    }

    /// Why there is nothing to be judged yet.
    public func tooLittle(weeks: Int, onsets: Int) -> [String] {
        (weeks < leastWeeks ? ["insufficient data: \(weeks) weeks of history, \(leastWeeks) are needed"] : [])
            + (onsets < leastOnsets ? ["insufficient data: \(onsets) weeks before a fall, \(leastOnsets) are needed"] : [])
    }

    private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
