import Foundation
import JSONEnvelope

/// How good warnings were: the trained model beside simpler ways on weeks it had not seen, and what came of them since.
struct WarningQuality {
    private let quality: JSONNode
    private let clerk: Clerk

    init(_ quality: JSONNode, _ clerk: Clerk) {
        self.quality = quality
        self.clerk = clerk
    }

    var view: View {
        guard let report = quality["report"], report.type == .object else { return .nothing }
        let words = clerk.words
        let confusion = report["confusion"]
        let (hits, alarms, misses) = (
            confusion?["hits"]?.double ?? 0, confusion?["false_alarms"]?.double ?? 0, confusion?["misses"]?.double ?? 0
        )
        let isLive = quality["live_version"]?.integer != nil && quality["live_version"]?.integer == quality["last_version"]?.integer
        var ways = [
            way(
                words["quality_model", ["n": RolloutWords.number(quality["last_version"])]], report["f1"]?["value"]?.double,
                low: report["f1"]?["low"]?.double, high: report["f1"]?["high"]?.double,
                precision: hits + alarms == 0 ? nil : hits / (hits + alarms), recall: hits + misses == 0 ? nil : hits / (hits + misses),
                isOurs: isLive)
        ]
        for name in ["two_conditions", "level", "always"] {
            ways.append(
                way(words["quality_\(name)"], report["\(name)_f1"]?.double, low: nil, high: nil, precision: nil, recall: nil, isOurs: false)
            )
        }
        let outcomes = quality["outcomes"]
        let counts = ["hits", "false_alarms", "misses", "rest", "pending"]
        return [
            "qualityLead": .text(words["quality_lead"]), "ways": .list(ways),
            "soFar": .list(
                counts.map { ["factLabel": .text(words["quality_\($0)"]), "factValue": .text(clerk.number(outcomes?[$0]) ?? "0")] }),
        ]
    }

    private func way(
        _ name: String, _ f1: Double?, low: Double?, high: Double?, precision: Double?, recall: Double?, isOurs: Bool
    ) -> View {
        func decimals(_ value: Double?) -> String { value.map { clerk.number($0, decimals: 3) } ?? "–" }
        let interval = low.flatMap { low in high.map { "[\(decimals(low))–\(decimals($0))]" } }
        return [
            "wayName": .text(name), "isOurs": .flag(isOurs), "f1": .text(decimals(f1)), "f1Interval": .text(interval),
            "f1X": .text(Picture.length(f1 ?? 0)), "wayTone": .text(isOurs ? "one" : "idle"), "precision": .text(decimals(precision)),
            "recall": .text(decimals(recall)), "intervalFrom": .text(high.flatMap { _ in low.map(Picture.length) }),
            "intervalTo": .text(low.flatMap { _ in high.map(Picture.length) }),
        ]
    }
}
