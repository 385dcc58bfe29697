import Foundation
import JSONEnvelope

/// One guard's evidence of harm over time, against the threshold at which the change is taken back.
///
/// Evidence multiplies, so its way is drawn in logarithms: 1, which says nothing, lies on the ground, the threshold at the top. What it is
/// called beside the picture is the chance that it comes without harm.
struct EvidenceChart {
    struct Point: Hashable {
        let at: Date
        let evidence: Double
        let percent: String
        let judged: Int
    }

    /// So many changes of the share are marked, the last.
    static let mostTurns = 6
    /// So many rows stand in the table below it.
    static let mostRows = 12

    private let points: [Point]
    private let threshold: Double
    private let turns: ArraySlice<(at: Date, words: String)>
    private let clerk: Clerk

    /// Nil where there are fewer than two readings: nothing that has gone a way.
    init?(_ readings: JSONNode?, of name: String, _ rollout: JSONNode, _ clerk: Clerk) {
        let words = clerk.words
        let own = readings?["guards"]?.elements.first { $0["name"]?.string == name }
        var points = (own?["readings"]?.elements ?? []).compactMap { reading -> Point? in
            guard let at = reading["at"]?.date, let evidence = reading["e_value"]?.double else { return nil }
            return Point(
                at: at, evidence: evidence, percent: words.percent(RolloutWords.number(reading["percent"])),
                judged: Int(reading["n"]?.integer ?? 0))
        }
        // What has not changed since is still so.
        if RolloutWords.isRunning(rollout), let last = points.last, clerk.now > last.at {
            points.append(Point(at: clerk.now, evidence: last.evidence, percent: last.percent, judged: last.judged))
        }
        guard points.count > 1, let threshold = own?["threshold"]?.double else { return nil }
        self.points = points
        self.threshold = threshold
        self.clerk = clerk
        let changes = (rollout["history"]?.elements ?? []).compactMap { event -> (at: Date, words: String)? in
            let action = event["action"]?.string ?? ""
            guard let at = event["at"]?.date, ["canary", "percent"].contains(action) else { return nil }
            let share = words.percent(RolloutWords.number(event["percent"]))
            return (at, "\(clerk.full(at)): \(words["rollout_did_\(action)", ["percent": share]])")
        }
        turns = changes.suffix(Self.mostTurns)
    }

    /// How far evidence is on its way to the threshold, 0 to 1 and beyond. Below 1 there is none.
    static func way(of evidence: Double, to threshold: Double) -> Double { threshold > 1 ? log(max(1, evidence)) / log(threshold) : 0 }

    private func x(_ at: Date) -> Double { Self.place(of: at, from: points[0].at, to: points[points.count - 1].at) }

    /// How far a moment is within a time, 0 to 100.
    static func place(of at: Date, from: Date, to: Date) -> Double {
        let whole = to.timeIntervalSince(from)
        return whole > 0 ? min(100, max(0, at.timeIntervalSince(from) / whole * 100)) : 100
    }

    private func y(_ point: Point) -> Double { Picture.height(Self.way(of: point.evidence, to: threshold), of: 1) }

    var view: View {
        let last = points[points.count - 1]
        let (shown, left) = rows
        let marked = turns.filter { $0.at > points[0].at && $0.at < last.at }
        return [
            "chartWords": .text(said),
            "yLabels": .list([threshold, threshold.squareRoot(), 1].map { .text(clerk.chance(of: $0)) }),
            "xLabels": .list(ends.map { .text($0) }),
            "linePoints": .text(points.map { "\(Picture.coordinate(x($0.at))),\(Picture.coordinate(y($0)))" }.joined(separator: " ")),
            "lastX": .text(Picture.coordinate(x(last.at))), "lastY": .text(Picture.coordinate(y(last))),
            "isOver": .flag(last.evidence >= threshold),
            "hasTurns": .flag(!marked.isEmpty),
            "turns": .list(marked.map { ["x": .text(Picture.coordinate(x($0.at))), "turnWords": .text($0.words)] }),
            "readings": .list(
                shown.map {
                    [
                        "at": clerk.when($0.at), "readingPercent": .text($0.percent), "readingJudged": .text(clerk.number($0.judged)),
                        "readingEvidence": .text(clerk.chance(of: $0.evidence)),
                    ]
                }),
            "leftOut": .text(left > 0 ? clerk.words["rollout_readings_left", ["n": clerk.number(left)]] : nil),
        ]
    }

    /// Within a day the hours are enough.
    private var ends: [String] {
        let (from, to) = (points[0].at, points[points.count - 1].at)
        return clerk.day(from) == clerk.day(to) ? [clerk.minute(from), clerk.minute(to)] : [clerk.day(from), clerk.day(to)]
    }

    /// In words what the line shows: where it began, where it is, and how high it went.
    private var said: String {
        let most = points.map(\.evidence).max() ?? 0
        let way = clerk.words[
            "rollout_way_words",
            [
                "from": clerk.full(points[0].at), "to": clerk.full(points[points.count - 1].at),
                "first": clerk.chance(of: points[0].evidence), "last": clerk.chance(of: points[points.count - 1].evidence),
                "least": clerk.chance(of: most), "threshold": clerk.chance(of: threshold),
            ]]
        return clerk.words.passage([way] + turns.map(\.words))
    }

    /// The newest first; of many the first, the last, the strongest, and some between, evenly.
    private var rows: (shown: [Point], left: Int) {
        let places = Self.shown(points.map(\.evidence), most: Self.mostRows)
        return (places.reversed().map { points[$0] }, points.count - places.count)
    }

    static func shown(_ evidence: [Double], most: Int) -> [Int] {
        guard evidence.count > most else { return Array(evidence.indices) }
        let strongest = evidence.indices.reduce(0) { evidence[$1] > evidence[$0] ? $1 : $0 }
        let even = (0..<(most - 1)).map { $0 * (evidence.count - 1) / (most - 2) }
        return Set(even + [strongest]).sorted()
    }
}
