import Foundation
import Jobs
import Ledger
import Telemetry
import Tracing

/// One attempt as a trace shows it: the wait before it, the attempt, and in it what was read, decided or done, and the settle.
///
/// The spans are made when all their times are known, so that the path of a job is not slowed by them.
final class AttemptSpans: AttemptTrace {
    /// What became of the attempt's outcome.
    enum Fate { case settled, refused, lost }

    let parent: TraceParent
    private let traces: Traces
    private let enqueued: ServiceContext
    /// Of a trace that the job began itself.
    private let root: TraceParent?
    private let span: TracedSpan
    private let began: Date?
    private let factsAt: Date?
    private let handled: Date

    /// Nil when the job's trace is not told of. A job that began in no trace, such as a schedule's or one that a publication released, has one of
    /// its own, the same for all its attempts; its first span, the whole job, is told when the job has ended.
    init?(_ traces: Traces, _ attempt: Attempt, began: Date?, factsAt: Date?, handled: Date) {
        let given = attempt.traceContext.flatMap(TraceParent.init)
        let enqueued = given ?? traces.parent(ofWork: attempt.id.rawValue, since: attempt.enqueuedAt)
        guard enqueued.isSampled else { return nil }
        self.traces = traces
        root = given == nil ? enqueued : nil
        self.enqueued = ServiceContext(below: enqueued)
        span = traces.startSpan("attempt", context: self.enqueued, ofKind: .consumer, at: attempt.startedAt.instant)
        parent = span.context.traceParent ?? enqueued
        self.began = began
        self.factsAt = factsAt
        self.handled = handled
    }

    func end(_ settlement: Settlement, _ fate: Fate, settling: Date, settled: Date) {
        let attempt = settlement.attempt
        // A retry's wait is the pause its failure asked for; the first is what the tenant waited.
        if attempt.number == 1, attempt.lost == 0 { add("wait", below: enqueued, attempt.enqueuedAt, attempt.startedAt) }
        if let factsAt, let began {
            add("facts", below: span.context, began, factsAt)
            add("decide", below: span.context, factsAt, handled)
        } else if let began {
            add("handle", below: span.context, began, handled)
        }
        add("settle", below: span.context, settling, settled)
        span.addLink(SpanLink(context: enqueued, attributes: [:]))
        span.updateAttributes { attributes in
            attributes["kiteline.tenant"] = attempt.tenant.description
            attributes["kiteline.job"] = attempt.id.description
            attributes["kiteline.kind"] = attempt.kind
            attributes["kiteline.attempt"] = attempt.number
            attributes["kiteline.outcome"] = settlement.outcome.word
            if let version = settlement.outcome.ruleVersion { attributes["kiteline.rule_version"] = version }
        }
        if let error = settlement.outcome.error(fate) { span.setStatus(SpanStatus(code: .error, message: error)) }
        span.end(at: settled.instant)
        if let root, case .settled = fate, case .end = settlement.disposition {
            let whole = traces.rootSpan("job", as: root, at: attempt.enqueuedAt.instant)
            whole.updateAttributes { attributes in
                attributes["kiteline.tenant"] = attempt.tenant.description
                attributes["kiteline.job"] = attempt.id.description
                attributes["kiteline.kind"] = attempt.kind
            }
            whole.end(at: settled.instant)
        }
    }

    private func add(_ name: String, below context: ServiceContext, _ start: Date, _ end: Date) {
        traces.startSpan(name, context: context, at: start.instant).end(at: end.instant)
    }
}

extension Outcome {
    fileprivate var word: String {
        switch end {
        case .completed(let code), .held(let code): code
        case .failed(let failure): failure.errorClass.rawValue
        }
    }

    /// Only the class: messages are for the tenant, who may read them with the job.
    fileprivate func error(_ fate: AttemptSpans.Fate) -> String? {
        switch (fate, end) {
        case (.lost, _): "lost to another attempt"
        case (.refused, _): "its effects were refused"
        case (.settled, .failed(let failure)): failure.errorClass.rawValue
        case (.settled, _): nil
        }
    }
}

extension Date {
    fileprivate var instant: DefaultTracerClock.Timestamp {
        .init(nanosecondsSinceEpoch: UInt64(max(0, timeIntervalSince1970 * 1e9)))
    }
}
