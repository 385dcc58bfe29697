import Clocks
import Foundation
import JSONEnvelope
import Jobs
import Records
import Rules
import SalesModel
import Tenancy

/// Looks at the clocks of a subject, or of all that are due: writes down every level that was missed, tells of the highest, and does what
/// its rule asks for.
///
/// What it finds holds only if nothing happens to the subject before it is committed: a touch that comes first wins, and the job looks again.
public struct EscalateOverdue: DecidingHandler {
    public struct Arguments: JobArguments {
        var asOf: Date
        var clock: String?
        var subject: ClockKey?
        var limit: Int
        var after: ClockKey?
        var fence: Int?
        var until: ClockKey?

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            guard let asOf = try reader.string("as_of").flatMap(RFC3339.date) else {
                throw ArgumentFaults([.init("as_of", "must be a time such as 2026-10-17T08:30:00Z")])
            }
            self.asOf = asOf
            let clock = try reader.string("clock")
            self.clock = clock == "all" ? nil : clock
            let type = try reader.string("subject_type").flatMap(SubjectType.init) ?? .lead
            if let id = try reader.string("subject_id") {
                guard let number = Int64(id) else { throw ArgumentFaults([.init("subject_id", "must be a number")]) }
                subject = ClockKey(type, number)
            }
            limit = min(5_000, max(1, try reader.integer("limit") ?? 500))
            after = try reader.string("cursor").flatMap(ClockKey.init)
            fence = try reader.integer("fence")
            until = try reader.string("until").flatMap(ClockKey.init)
        }

        /// Whether the job was made as the timer of whatever it looks at.
        var isTimer: Bool { fence != nil || until != nil }

        func page(of job: JobID) -> ClockFacts.Page? {
            guard subject == nil else { return nil }
            return ClockFacts.Page(asOf: asOf, after: after, limit: limit, timer: until.map { .init(job: job, until: $0) })
        }
    }

    public let kind = EscalateOverdue.definition
    private let records: ClockReader

    public init(records: ClockReader) { self.records = records }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "escalate_overdue",
        arguments: ArgumentSchema([
            .required("as_of", .string(maxLength: 40), "what is due by then; never later than now"),
            .optional("clock", .string(maxLength: 64), "one clock; default: all"),
            .optional("subject_type", .choice(["lead", "opportunity", "customer", "incident"]), "of the subject; default: lead"),
            .optional("subject_id", .string(maxLength: 20), "one subject; default: all that are due"),
            .optional("limit", .integer(1...5_000), "subjects looked at in one job; default 500"),
            .optional("cursor", .string(maxLength: 40), "where to go on"),
            .optional("fence", .integer(0...Int64.max), "of the subject; set by its own timer"),
            .optional("until", .string(maxLength: 40), "where to end; set by the timer of many"),
        ]), reading: Arguments.self)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> ClockFacts {
        try await records.facts(
            for: jobs.compactMap(\.arguments.subject), pages: jobs.compactMap { $0.arguments.page(of: $0.id) }, of: tenant)
    }

    public func outcome(of job: Job<Arguments>, given facts: inout ClockFacts, at now: Date) -> Outcome {
        let arguments = job.arguments
        // A timer was granted when it was due by the ledger's clock, which this process' may be behind.
        guard arguments.isTimer || arguments.asOf <= now.addingTimeInterval(1) else {
            return .failed(.permanent, "as_of is later than now")
        }
        if let subject = arguments.subject, facts.subjects[subject] == nil {
            return arguments.fence == nil ? .failed(.permanent, "there are no clocks of \(subject)") : .completed("gone")
        }
        let page = arguments.page(of: job.id).flatMap { facts.pages[$0] }
        let effects = (page ?? arguments.subject.map { [$0] } ?? []).compactMap { subject in
            facts.look(at: subject, clock: arguments.clock, timer: arguments.isTimer ? job.id.rawValue : nil, now: now)
        }
        // Another job is its timer now: something has happened since this one was made.
        guard !effects.isEmpty else { return .completed(page?.isEmpty ?? false ? "nothing_due" : "superseded") }
        let report = EscalationReport(effects, cursor: arguments.until == nil && page?.count == arguments.limit ? page?.last : nil)
        var outcome = Outcome(.completed(report.outcome), effects: effects, result: report.json)
        outcome.followUps = effects.compactMap { $0.recycling(of: job.tenant) }
        if let cursor = report.cursor {
            outcome.followUps.append(
                .escalateOverdue(asOf: arguments.asOf, clock: arguments.clock, limit: arguments.limit, after: cursor, of: job.tenant))
        }
        return outcome
    }
}

/// What a job that looked at clocks found, for whoever asked.
struct EscalationReport {
    /// Of a page of many.
    private static let firedShown = 200

    let effects: [EscalationEffect]
    let cursor: ClockKey?

    init(_ effects: [EscalationEffect], cursor: ClockKey?) {
        self.effects = effects
        self.cursor = cursor
    }

    private var fired: Int { effects.reduce(0) { $0 + $1.verdict.missed.count + $1.verdict.released.count } }

    var outcome: String {
        fired > 0 ? "escalated" : effects.contains { !$0.verdict.unknown.isEmpty || $0.isUnreadable } ? "unreadable" : "nothing_due"
    }

    var json: [UInt8] {
        let readings = effects.flatMap(\.verdict.readings)
        return JSONWriter.object(capacity: 512) { body in
            body.member("scanned", effects.count)
            body.member("met", readings.filter { if case .met = $0.state { true } else { false } }.count)
            body.member("void", readings.filter { $0.state == .void }.count)
            body.member("fired_count", fired)
            body.array("fired") { list in
                var left = Self.firedShown
                for effect in effects {
                    for missed in effect.verdict.missed + effect.verdict.released where left > 0 {
                        left -= 1
                        list.object { write(missed, of: effect, to: &$0) }
                    }
                }
            }
            body.array("errors") { list in
                for effect in effects.prefix(Self.firedShown) {
                    for (clock, tests) in effect.verdict.unknown {
                        list.object { item in
                            item.member("subject_id", String(effect.key.id))
                            item.member("code", "field_unmapped")
                            item.member("clock", clock)
                            item.member("fields", tests.map(\.test.field))
                        }
                    }
                }
            }
            body.member("next_due_at", effects.compactMap(\.verdict.nextAt).min())
            body.member("cursor", cursor?.description)
        }
    }

    private func write(_ missed: ClockVerdict.Missed, of effect: EscalationEffect, to item: inout JSONWriter) {
        let code = "\(missed.clock.id).\(missed.level.id)"
        item.member("subject_type", effect.key.type.rawValue)
        item.member("subject_id", String(effect.key.id))
        item.member("clock", missed.clock.id)
        item.member("level", missed.level.id)
        item.member("due_at", missed.dueAt)
        item.member("late_by_s", missed.lateBy)
        item.member("recipients", missed.told == .told ? effect.messages.filter { $0.code == code }.map(\.to.name) : [])
        item.member("channels", missed.level.channels.map(\.rawValue))
        item.member("action", missed.level.action.rawValue)
    }
}
