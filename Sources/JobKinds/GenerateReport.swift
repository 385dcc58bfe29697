import Foundation
import JSONEnvelope
import Jobs
import Records
import Routing
import Tenancy

/// Makes a report of a time: by default of the tenant's last calendar month.
///
/// To be scheduled, such as on the first Friday of each month.
public struct GenerateReport: PerformingHandler {
    public struct Arguments: JobArguments {
        var period: Range<Date>?

        public init(json: [UInt8]) throws {
            guard let root = try? JSONEnvelope(json, levels: 1, limits: .stored).root else {
                throw Failure(.permanent, "the arguments are no JSON object")
            }
            var reader = FieldReader(root)
            _ = reader.value("report")
            let (from, to) = (reader.date("from"), reader.date("to"))
            if reader.tells("from") != reader.tells("to") {
                reader.fail(reader.tells("from") ? "to" : "from", .missing, "is needed where the other end is given")
            }
            if let from, let to {
                if from >= to { reader.fail("to", .outOfRange, "must come after “from”") }
                if to.timeIntervalSince(from) > 366 * 86_400 { reader.fail("to", .outOfRange, "is more than 366 days after “from”") }
            }
            try reader.finishArguments()
            if let from, let to { period = from..<to }
        }
    }

    public let kind = GenerateReport.definition
    private let records: RoutingReader

    public init(records: RoutingReader) { self.records = records }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "generate_report",
        arguments: ArgumentSchema([
            .required("report", .choice(ReportKind.allCases.map(\.rawValue)), "which report"),
            .optional("from", .string(maxLength: 40), "where its time begins; with to"),
            .optional("to", .string(maxLength: 40), "where its time ends; the last calendar month where both are left out"),
        ]), timeout: .seconds(900), reading: Arguments.self)

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let now = Date()
        let period: Range<Date>
        if let asked = job.arguments.period {
            period = asked
        } else {
            period = Self.lastMonth(before: now, in: try await records.timeZone(of: job.tenant))
        }
        let length = period.upperBound.timeIntervalSince(period.lowerBound)
        let before = period.lowerBound - length..<period.lowerBound
        let facts = try await records.assignmentFacts(of: job.tenant, in: before.lowerBound..<period.upperBound)
        return Outcome(
            .completed("made"), effects: [AssignmentEffectiveness(facts, period, before: before, at: now).effect])
    }

    static func lastMonth(before now: Date, in zone: TimeZone) -> Range<Date> {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let thisMonth = calendar.dateInterval(of: .month, for: now)!.start  // every instant is in some month
        return calendar.date(byAdding: .month, value: -1, to: thisMonth)!..<thisMonth
    }
}

/// The report on assignment, and what it raises.
struct AssignmentEffectiveness {
    let period: Range<Date>
    let report: AssignmentReport
    let spread: LeadSpread
    let flagged: [String]

    init(_ facts: AssignmentFacts, _ period: Range<Date>, before: Range<Date>, at now: Date) {
        self.period = period
        report = AssignmentReport(facts.cases.filter { period.contains($0.assignedAt) }, at: now)
        let earlier = AssignmentReport(facts.cases.filter { before.contains($0.assignedAt) }, at: now)
        flagged = report.flagged(before: earlier)
        spread = LeadSpread(facts.cases, facts.sellers, in: period, at: now)
    }

    var effect: ReportEffect {
        ReportEffect(
            .assignmentEffectiveness, period, body: body,
            alarms: [
                ReportEffect.Alarm("unfair_spread", isRaised: spread.isUnfair, detail: JSONWriter.object { fairness(&$0) }),
                ReportEffect.Alarm(
                    "strategy_lagging", isRaised: !flagged.isEmpty, detail: JSONWriter.object { $0.member("strategies", flagged) }),
            ])
    }

    private var body: [UInt8] {
        JSONWriter.object(capacity: 4_096) { object in
            object.object("all") { Self.write(report.all, &$0) }
            for (name, lines) in [("sellers", report.sellers), ("strategies", report.strategies)] {
                object.array(name) { list in
                    for line in lines {
                        list.object {
                            $0.member("name", line.name)
                            Self.write(line, &$0)
                        }
                    }
                }
            }
            object.member("flagged_strategies", flagged)
            object.object("fairness") { fairness(&$0) }
        }
    }

    private static func write(_ line: AssignmentReport.Line, _ item: inout JSONWriter) {
        item.member("received", line.received)
        item.member("touched", line.touched)
        item.member("median_first_touch_s", line.medianTouch.map { $0.rounded() })
        item.member("judged", line.judged)
        item.member("followed_up_72h", line.followedUp)
        item.member("follow_up_rate", line.followUpRate.map(rounded))
        // Nothing yet says which deal came of which lead: no figure, rather than an invented one.
        item.member("conversion_30d", json: Array("null".utf8))
    }

    private static func rounded(_ share: Double) -> Double { (share * 1_000).rounded() / 1_000 }

    private func fairness(_ object: inout JSONWriter) {
        object.member("top3_share", spread.topShare.map(Self.rounded))
        object.member("top3_share_limit", Self.rounded(spread.topShareLimit))
        object.member("drought_limit_days", LeadSpread.longestDrought / 86_400)
        object.array("longest_droughts") { list in
            for drought in spread.droughts.prefix(20) {
                list.object {
                    $0.member("seller", drought.seller)
                    $0.member("days", (drought.seconds / 8_640).rounded() / 10)
                }
            }
        }
        object.member("is_unfair", spread.isUnfair)
    }
}
