import Foundation
import JSONEnvelope
import SalesModel
import Testing

@testable import Console

/// A guard's way as a picture.
@Suite struct EvidenceChartTests {
    private static let readings = #"""
        {"guards":[{"name":"technical","threshold":100,"readings":[
        {"at":"2026-03-18T02:00:00Z","e_value":1,"percent":5,"n":0,"stable_n":0},
        {"at":"2026-03-18T03:00:00Z","e_value":0.1,"percent":5,"n":4,"stable_n":0},
        {"at":"2026-03-18T04:00:00Z","e_value":10,"percent":20,"n":60,"stable_n":0},
        {"at":"2026-03-18T06:00:00Z","e_value":1000,"percent":20,"n":90,"stable_n":0}]}]}
        """#
    private static let ended = #"""
        {"id":"7","state":"aborted","percent":20,"history":[{"at":"2026-03-18T02:00:00Z","actor":"a","action":"start","percent":5,"reason":"r"},
        {"at":"2026-03-18T03:30:00Z","actor":"a","action":"percent","percent":20,"reason":"r"},
        {"at":"2026-03-18T06:00:00Z","actor":"guards","action":"abort","percent":20,"reason":"r"}]}
        """#

    private func chart(_ readings: String, _ rollout: String, _ language: Language = .english) throws -> View? {
        EvidenceChart(try node(readings), of: "technical", try node(rollout), frame(language).1)?.view
    }

    @Test func `evidence is drawn in logarithms from the ground to the threshold, over the time it took`() throws {
        let view = try #require(try chart(Self.readings, Self.ended))

        #expect(view["linePoints"] == "0,100 25,100 50,50 100,0")
        #expect(view["lastX"] == "100" && view["lastY"] == "0" && view["isOver"] == .flag(true))
        #expect(view["yLabels"]?.items == ["1\u{A0}%", "10\u{A0}%", "100\u{A0}%"])
        #expect(view["xLabels"]?.items == ["10:00", "14:00"])
    }

    @Test func `a change of the share is marked where it happened, and said`() throws {
        let view = try #require(try chart(Self.readings, Self.ended))

        #expect(view["turns"]?.items.map { $0["x"] } == ["37.5"])
        #expect(view["turns"]?.items.first?["turnWords"] == "2026-03-18 11:30:00: Set to 20\u{A0}%")
        let said = "\(view["chartWords"] ?? .nothing)"
        #expect(said.contains("at first 100\u{A0}%, now 0.1\u{A0}%, 0.1\u{A0}% at the least; the change is taken back at 1\u{A0}%."))
        #expect(said.contains("Set to 20\u{A0}%"))
        let chinese = "\(try #require(try chart(Self.readings, Self.ended, .chinese))["chartWords"] ?? .nothing)"
        #expect(chinese.contains("起初 100%，现为 0.1%，最低 0.1%；降到 1% 即撤回。"))
    }

    @Test func `what runs is drawn until now, and a single reading of what has ended not at all`() throws {
        let one = #"""
            {"guards":[{"name":"technical","threshold":100,"readings":[
            {"at":"2026-03-18T02:32:05Z","e_value":10,"percent":5,"n":3,"stable_n":0}]}]}
            """#
        let running = #"{"id":"7","state":"canary","percent":5,"history":[]}"#

        #expect(try chart(one, running)?["linePoints"] == "0,50 100,50")
        #expect(try chart(one, Self.ended) == nil)
        #expect(try chart(#"{"guards":[]}"#, running) == nil)
    }

    @Test func `the table has the newest first, and of many the ends, the strongest and some between`() throws {
        let view = try #require(try chart(Self.readings, Self.ended))
        #expect(view["readings"]?.items.map { $0["readingEvidence"] } == ["0.1\u{A0}%", "10\u{A0}%", "100\u{A0}%", "100\u{A0}%"])
        #expect(view["leftOut"] == .text(nil))

        let many = (0..<100).map { $0 == 41 ? 9.0 : 1.0 }
        let shown = EvidenceChart.shown(many, most: 12)
        #expect(shown.count <= 12 && shown.first == 0 && shown.last == 99 && shown.contains(41))
        #expect(EvidenceChart.shown([1, 2], most: 12) == [0, 1])
    }
}
