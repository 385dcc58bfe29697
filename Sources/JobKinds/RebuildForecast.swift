import Forecasts
import Foundation
import JSONEnvelope
import Jobs
import Records
import Tenancy

/// Rebuilds the forecast of a period, from everything that was told up to one moment (J3).
///
/// The same facts, day and model give the same forecast, which is published once. One of which a rule is broken is not published: the one in
/// force stays, and the job is set aside with what is wrong.
public struct RebuildForecast: PerformingHandler {
    public struct Arguments: JobArguments {
        var period: ForecastPeriod
        var asOf: Date?
        var scope: ForecastScope
        var watermark: Int64?
        var reason: String

        public init(json: [UInt8]) throws {
            guard let root = try? JSONEnvelope(json, levels: 4).root else { throw Failure(.permanent, "the arguments are no JSON object") }
            var reader = FieldReader(root)
            period = Self.period(&reader)
            asOf = reader.date("as_of")
            var scope = ForecastScope()
            if let node = reader.object("scope", members: 2) {
                var inner = FieldReader(node, path: "scope")
                let names = ["team_ids", "seller_ids"].flatMap { name in (node[name]?.elements ?? []).compactMap(\.string) }
                if names.contains(where: { $0.contains(where: \.isNewline) }) {
                    reader.fail("scope", .badFormat, "must name teams and sellers without line breaks")
                }
                scope = ForecastScope(
                    teams: inner.strings("team_ids", count: 0...1_000) ?? [], sellers: inner.strings("seller_ids", count: 0...10_000) ?? [])
                reader.add(inner.finish())
            }
            self.scope = scope
            watermark = reader.integer("watermark", in: 0...Int.max).map(Int64.init)
            reason = reader.choice("reason", of: RebuildForecast.reasons) ?? "manual"
            try reader.finishArguments()
        }

        /// The period asked for; nobody asked for any: the running quarter. What is no period is the reader's fault, and nothing is made of it.
        private static func period(_ reader: inout FieldReader) -> ForecastPeriod {
            let rolling = reader.choice("rolling", of: ForecastPeriod.rolling)
            let otherwise = ForecastPeriod.rolling(rolling ?? usual)
            guard let node = reader.object("period", members: 2) else { return otherwise }
            if rolling != nil { reader.fail("rolling", .notAllowed, "is not for a period that is given: either of them") }
            var inner = FieldReader(node, path: "period")
            let (from, to) = (day("from", &inner), day("to", &inner))
            if let from, let to {
                if from >= to { inner.fail("from", .outOfRange, "must come before “to”") }
                if from.distance(to: to) > 731 { inner.fail("to", .outOfRange, "is more than 24 months after “from”") }
            }
            let faults = inner.finish()
            reader.add(faults)
            guard faults.isEmpty, let from, let to else { return otherwise }
            return .days(from...to)
        }

        private static func day(_ name: String, _ reader: inout FieldReader) -> Day? {
            guard let text = reader.string(name, length: 10...10, required: true) else { return nil }
            if let day = Day(text) { return day }
            reader.fail(name, .badFormat, "must be a day such as 2026-01-01")
            return nil
        }

        /// Of a forecast that is asked for without a period.
        static let usual = "current_quarter"
    }

    /// Days a forecast looks ahead at most.
    private static let horizon = 3_660
    static let reasons = ["scheduled", "event", "manual"]

    public let kind = RebuildForecast.definition
    private let records: ForecastReader
    /// What is wrong with a forecast of these opportunities.
    private let faults: @Sendable (ForecastBook, [OpenDeal]) -> [String]

    public init(records: ForecastReader) { self.init(records: records) { $0.faults(against: $1) } }

    /// - Parameter faults: for tests, which want one to be wrong.
    package init(records: ForecastReader, faults: @Sendable @escaping (ForecastBook, [OpenDeal]) -> [String]) {
        self.records = records
        self.faults = faults
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        NewJob.rebuildForecastKind,
        arguments: ArgumentSchema([
            .optional("period", .any(maxBytes: 200), "{from, to}: days, from before to, at most 24 months; default: the running quarter"),
            .optional("rolling", .choice(ForecastPeriod.rolling), "instead of a period: one that moves on with the day, for schedules"),
            .optional("as_of", .string(maxLength: 40), "the moment it is made as of, RFC 3339; left out: now"),
            .optional("scope", .any(maxBytes: 100_000), "{team_ids, seller_ids}: whose opportunities; left out: everybody's"),
            .optional("watermark", .integer(0...Int64.max), "wait until everything told up to this number is in it"),
            .optional("reason", .choice(reasons), "why it is rebuilt"),
        ]), timeout: .seconds(1_800), module: Module.opportunities.rawValue,
        reading: Arguments.self)

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let (arguments, now) = (job.arguments, Date())
        let period = try await period(arguments, job.tenant, now)
        let question = ForecastQuestion(
            scope: arguments.scope, period: period, asOf: arguments.asOf, watermark: arguments.watermark, reason: arguments.reason)
        if let asOf = arguments.asOf, asOf > now { return .failed(.permanent, "as_of has not come yet") }

        job.tell(JobProgress(0, "reading"))
        let reading = try await records.read(question, of: job.tenant, at: now)
        // Every day between is gone through.
        guard reading.day.distance(to: period.upperBound) <= Self.horizon else {
            return .failed(.permanent, "the period ends more than ten years after the day it is forecast on, \(reading.day)")
        }
        if let wanted = arguments.watermark, reading.watermark < wanted {
            return .failed(.transient, "what was told up to \(wanted) is not there yet: \(reading.watermark)")
        }
        if let published = try await records.published(question, reading, modelVersion: ForecastRun.modelVersion, of: job.tenant) {
            return Outcome(.completed("unchanged"), result: Self.result(published: published))
        }

        job.tell(JobProgress(0.4, "forecasting"))
        // Of the question itself: the same question draws the same paths.
        let run = ForecastRun(
            reading.facts, asOf: reading.day, period: period,
            seed: UInt64(bitPattern: reading.watermark) &* 31 &+ UInt64(bitPattern: Int64(reading.day.number)))
        let movements = Movements(from: reading.linesInForce, to: run.book.lines) { deal in
            reading.ended[deal].map { $0 ? .won : .lost }
        }
        let faults = faults(run.book, reading.facts.open) + movements.faults(from: reading.linesInForce, to: run.book.lines)
        guard faults.isEmpty else {
            return .failed(.permanent, "nothing was published, since \(faults.prefix(3).joined(separator: "; "))")
        }

        job.tell(JobProgress(0.8, "keeping"))
        try await records.keep(run.book.lines, of: job.tenant, job: job.id, run: job.attempt.fence)
        var document = ForecastDocument(reading: reading, question: question, run: run, movements: movements)
        document.names = try await records.names(of: document.stalled.map(\.deal), job.tenant)
        return Outcome(
            .completed("published"),
            effects: [
                ForecastEffect(reading, question, modelVersion: ForecastRun.modelVersion, run: job.attempt.fence, body: document.json)
            ], ruleVersion: reading.ruleVersion, result: Self.result(reading, run))
    }

    private func period(_ arguments: Arguments, _ tenant: TenantID, _ now: Date) async throws -> ClosedRange<Day> {
        switch arguments.period {
        case .days(let days): days
        case .rolling(let name): ForecastPeriod.days(name, around: try await records.today(of: tenant, at: arguments.asOf ?? now))
        }
    }

    private static func result(published: Int64) -> [UInt8] { JSONWriter.object { $0.member("forecast_id", "\(published)") } }

    private static func result(_ reading: ForecastReading, _ run: ForecastRun) -> [UInt8] {
        JSONWriter.object { object in
            object.member("watermark", reading.watermark)
            object.member("open", run.book.lines.count)
            object.array("totals") { list in
                for (place, currency) in reading.currencies.enumerated() {
                    list.object {
                        $0.member("currency", currency)
                        $0.member("forecast_total_minor", run.book.totals.total(place))
                    }
                }
            }
        }
    }
}
