import Foundation
import JSONEnvelope
import Jobs
import ProcessHealth
import Records
import Tenancy

/// Writes the report on a seller who stayed below the base line for two weeks: the ways of the last ten customers, the worst places marked
/// (SPI-07).
public struct DiagnoseProcessHealth: PerformingHandler {
    public struct Arguments: JobArguments, Decodable {
        var seller: String
        var week: String
        var since: String
        var asOf: String

        enum CodingKeys: String, CodingKey {
            case seller, week, since
            case asOf = "as_of"
        }
    }

    public let kind = DiagnoseProcessHealth.definition
    private let records: HealthReader

    public init(records: HealthReader) { self.records = records }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        NewJob.diagnoseHealthKind,
        arguments: ArgumentSchema([
            .required("seller", .string(maxLength: 20), "the seller's number"),
            .required("week", .string(maxLength: 8), "the week that made it due"),
            .required("since", .string(maxLength: 8), "the first week below the base line"),
            .required("as_of", .string(maxLength: 40), "what was recorded later is not looked at"),
        ]), isPublic: false)

    /// How far back customers' ways are drawn.
    private static let days = 60.0

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        guard let id = Int64(job.arguments.seller), let week = Week(job.arguments.week), let since = Week(job.arguments.since),
            let asOf = RFC3339.date(job.arguments.asOf)
        else { return .failed(.permanent, "the arguments name no seller's weeks") }
        guard let seller = try await records.sellers(of: job.tenant, after: id - 1, limit: 1).first, seller.id == id else {
            return .completed("no_such_seller")
        }
        let facts = try await records.facts(of: [seller], from: asOf - Self.days * 86_400, at: asOf, of: job.tenant)
        let hours = try await records.calendar(of: job.tenant).hours(of: seller, around: asOf)
        let diagnosis = Diagnosis(of: facts[id] ?? ProcessFacts(), at: asOf, counted: hours?.days72 ?? CountedTime())
        let effect = HealthDiagnosisEffect(
            seller: seller, week: week, since: since, asOf: asOf, body: diagnosis.json, message: diagnosis.message(seller, since))
        return .completed("diagnosed", [effect])
    }
}

extension Diagnosis {
    var json: [UInt8] {
        JSONWriter.object(capacity: 4_096) { object in
            object.array("abnormal_nodes") { list in for node in nodes { list.object { node.describe(&$0) } } }
            object.array("timelines") { list in
                for timeline in timelines {
                    list.object { inner in
                        inner.member("customer", timeline.customer)
                        inner.array("steps") { steps in
                            for step in timeline.steps.suffix(100) {
                                steps.object { one in
                                    one.member("at", step.at)
                                    one.member("what", step.what)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    func message(_ seller: HealthSeller, _ since: Week) -> (english: String, chinese: String) {
        let places = nodes.map { ($0.customer, $0.kind.words) }
        let english = places.map { "\($0.0): \($0.1.english)" }.joined(separator: "; ")
        let chinese = places.map { "\($0.0)：\($0.1.chinese)" }.joined(separator: "；")
        return (
            "\(seller.name) has been below the process health base line since \(since). "
                + (nodes.isEmpty ? "No single place stands out." : "Worst: \(english)."),
            "\(seller.name) 自 \(since) 起销售过程健康度低于基线。" + (nodes.isEmpty ? "未发现突出异常节点。" : "异常节点：\(chinese)。")
        )
    }
}

extension Diagnosis.Node {
    fileprivate func describe(_ object: inout JSONWriter) {
        object.member("kind", kind.rawValue)
        object.member("customer", customer)
        object.member("stage", stage)
        object.member("at", at)
        object.member("hours", hours)
        object.member("limit_hours", limitHours)
        object.member("excess", excess)
    }
}

extension Diagnosis.Node.Kind {
    fileprivate var words: (english: String, chinese: String) {
        switch self {
        case .lateFollowUp: ("a follow-up came too late", "跟进间隔超时")
        case .lateVisit: ("the first visit came too late", "首次拜访超时")
        case .missingEvidence: ("a stage was entered without its evidence", "进入阶段时缺少凭证")
        case .longStay: ("too long in one stage", "阶段停留过久")
        }
    }
}
