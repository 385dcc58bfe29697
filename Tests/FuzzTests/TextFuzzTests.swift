import CrashPoints
import Foundation
import Jobs
import Records
import Rules
import SalesModel
import Sampling
import Schedules
import Tenancy
import Testing

@testable import API
@testable import kiteline

/// Everything else that reads what came from outside.
@Suite struct TextFuzzTests {
    private static let csv = [
        "id,company,budget\r\nL-1,\"a, b\",5\r\nL-2,\"say \"\"x\"\"\",6\r\n", "\u{FEFF}id;received\n1,2026-01-01\n\n2,\"two\nlines\"\n",
        "id,公司,received\n\"1\",北京,2026-02-30 08:00\n2,,2026-01-31T08:00:00Z\n",
    ]
    private static let ndjson = [
        #"{"id":"1","company":"a","received":"2026-01-01T00:00:00Z"}"# + "\n\n" + #"{"id":2,"fields":{"x":[1]}}"# + "\r\n" + #"{"id":null}"#
    ]
    private static let columns = LeadColumns(
        source: "fuzz", externalID: "id", receivedAt: nil, times: TimeReader(zone: TimeZone(identifier: "Asia/Shanghai")!),
        now: Date(timeIntervalSince1970: 1_790_000_000))

    @Test(arguments: Fuzz.seeds)
    func `an import is read alike in one piece and in many`(seed: UInt64) {
        let words = ["\"", "\"\"", "\r\n", "\r", "\n", ",", "\u{FEFF}", "\u{0}", "id", String(repeating: "x", count: 70_000), "\"\n\""]
        Fuzz.run("csv", seed, texts: Self.csv, words: words) { text, chance in
            var bare = CSVReader()
            let rows = bare.read(text) + bare.finish()
            var pieced = CSVReader()
            var again: [CSVReader.Row] = []
            for piece in Self.pieces(of: text, &chance) { again += pieced.read(piece) }
            #expect(again + pieced.finish() == rows, "\(String(reflecting: String(decoding: text, as: UTF8.self))) (seed \(seed))")
            expectSame(CSVLeads(Self.columns, Limits()), text, &chance, seed)
        }
        Fuzz.run("ndjson", seed, texts: Self.ndjson, words: words + ["{}", "[", "\"id\":"]) { text, chance in
            expectSame(NDJSONLeads(Self.columns, Limits()), text, &chance, seed)
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `a trace's or an event's place that is read is written as it came`(seed: UInt64) {
        let texts = [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ]
        Fuzz.run("trace", seed, texts: texts, words: ["-", "00", "ff", "é", "00000000000000000000000000000000"]) { text, _ in
            let text = String(decoding: text, as: UTF8.self)
            guard let parent = TraceParent(text) else { return }
            #expect(TraceParent(parent.description) == parent, "\(text) (seed \(seed))")
            #expect(text.dropFirst(2).hasPrefix(parent.description.dropFirst(2).prefix(51)), "\(text) (seed \(seed))")
        }
        Fuzz.run("cursor", seed, texts: ["734-12", "9223372036854775807-1"], words: ["-", "0", "+1", "99999999999999999999"]) { text, _ in
            let text = String(decoding: text, as: UTF8.self)
            if let cursor = EventCursor(text) { #expect(cursor.description == text, "\(text) (seed \(seed))") }
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `a recurrence that is read comes again, later each time`(seed: UInt64) {
        let crons = ["*/15 8-18 * * mon-fri", "0 9 1,15 jan,jul *", "5-59/7 0 29 2 0", "0 0 31 * 7"]
        let words = ["*", "/0", "-", "59-0", "99999999999999999999", "feb", "sun-sat", "1-31/31", ",,", "L", "?", " "]
        let sentences = ["first friday 10:00", "monday,thursday 10:00", "last day 18:00", "day 15 09:00", "weekday 08:30"]
        let zones = ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"].map { TimeZone(identifier: $0)! }
        Fuzz.run("cron", seed, count: 200, texts: crons + sentences, words: words + ["last", "first", "day", "24:00", "9:5"]) {
            text, chance in
            let text = String(decoding: text, as: UTF8.self)
            for recurrence in [try? Recurrence(cron: text), try? Recurrence(every: text)].compactMap(\.self) {
                let start = Date(timeIntervalSince1970: Double(Int.random(in: 0...4_000_000_000, using: &chance)))
                let times = recurrence.times(after: start, through: start + 3 * 86_400, in: zones.randomElement(using: &chance)!, limit: 50)
                #expect(
                    times == times.sorted() && Set(times).count == times.count && times.allSatisfy { $0 > start }, "\(text) (seed \(seed))")
                #expect(recurrence.next(after: start, in: zones[0]).map { $0 > start } == true, "\(text) never comes (seed \(seed))")
            }
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `a rule set in YAML or JSON is taken or its faults are told, and what is taken decides`(seed: UInt64) {
        let json = [
            #"{"route":{"rules":[{"name":"a","when":{"all":[{"field":"budget","gt":5},{"not":{"field":"title","in":["x"]}}]},"to":{"pool":"p"}}]}}"#
        ]
        let words = [
            "when:", "all:", "any:", "not:", "field: score", "&a [*a]", "*a", "<<: *a", "!!binary ", "1e999", ".nan", "---\n", "? ", "|2\n",
            "{", "[",
            "\t", "\u{0}", "matches: \"(a+)+$\"", "between: [5, 1]", "count: {type: visit, within: 9999w}", "{company", "}}", "{a|}",
            "at: 100%",
            "weight: 100", "otherwise: none", "- {}",
        ]
        let packs = RulePack.all.flatMap { pack in
            pack.sources.sorted { $0.key.rawValue < $1.key.rawValue }
        }
        var chance = SeededNumbers(seed: seed)
        for (kind, source) in packs.shuffled(using: &chance).prefix(2) {
            Fuzz.run("rules", seed, count: 60, texts: [source] + json, words: words) { text, _ in
                let text = String(decoding: text, as: UTF8.self)
                switch RuleSet.parse(kind: kind, name: "fuzz", source: text) {
                case .success(let ruleSet):
                    let fields: [String: OutsideValue] = [
                        "budget": .text("x"), "signals": .list([]), "title": .object([:]), "score": .number(3),
                    ]
                    let lead = Lead(
                        id: LeadID(1), source: "website", receivedAt: Date(timeIntervalSince1970: 1_760_000_000), fields: fields)
                    _ = TenantRules([LiveRuleSet(ruleSet, version: 1)]).judgement(of: lead)
                    RuleUse.everything(in: ruleSet)
                    #expect(
                        (try? RuleSet.parse(kind: kind, name: "fuzz", source: text).get().hash) == ruleSet.hash, "read twice, it is another"
                    )
                case .failure(let faults):
                    #expect(!faults.faults.isEmpty && faults.faults.allSatisfy { !$0.message.isEmpty }, "\(text) (seed \(seed))")
                }
            }
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `queries, keys, settings and crash plans are read or refused`(seed: UInt64) {
        Fuzz.run(
            "query", seed, texts: ["limit=5&cursor=12&kind=a%20b&since=2026-01-01T00:00:00Z&dry_run=true", "q=%E5%8C%97+x&&=&a"],
            words: ["%", "%00", "%ff", "=", "&"]
        ) {
            text, _ in
            var reader = QueryReader(String(decoding: text, as: UTF8.self), page: 100)
            #expect(1...100 ~= reader.limit())
            _ = (reader.cursor(), reader.string("kind"), reader.date("since"), reader.bool("dry_run"), reader.choice("q", of: Role.self))
            _ = reader.finish()
        }
        let key = APIKey(role: .tenant, chance: Array(0..<32)).secret
        Fuzz.run("key", seed, count: 1_000, texts: [key]) { text, _ in
            let text = String(decoding: text, as: UTF8.self)
            if let read = APIKey(text) { #expect(read.secret == text, "(seed \(seed))") }
        }
        Fuzz.run(
            "settings", seed, texts: ["# ours\nKITELINE_PORT = 3\n\nKITELINE_REDIS_URL='unix:///file'\nKITELINE_LOG_LEVEL=info\n"],
            words: ["'", "\"", "=", "\n"]
        ) {
            text, _ in
            if let file = try? SettingsFile(path: "f", text: String(decoding: text, as: UTF8.self)) {
                if let settings = try? Settings(environment: [:], file: file) {
                    _ = (try? settings.count(.port), settings.optional(.redisURL))
                }
            }
        }
        Fuzz.run("plan", seed, texts: ["after-begin:3,on-poison"], words: [":0", ":-1", ",", "in-relay"]) { text, _ in
            _ = CrashPlan(String(decoding: text, as: UTF8.self))
        }
    }

    /// A file that is read on to its end, or to the fault that ends it, piece by piece.
    private func expectSame(_ fresh: some LeadReading, _ text: [UInt8], _ chance: inout SeededNumbers, _ seed: UInt64) {
        func all(_ pieces: [[UInt8]]) -> String {
            var reader = fresh
            var rows: [ImportedRow] = []
            do {
                for piece in pieces { rows += try reader.read(piece) }
                rows += try reader.finish()
                return "\(rows)"
            } catch { return "\(error)" }
        }
        let (once, again) = (all([text]), all(Self.pieces(of: text, &chance)))
        #expect(once == again, "\(String(reflecting: String(decoding: text, as: UTF8.self))) (seed \(seed))")
    }

    private static func pieces(of text: [UInt8], _ chance: inout SeededNumbers) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = text[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...max(1, text.count / 3), using: &chance))
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}
