import Calendars
import Clocks
import Foundation
import Jobs
import Rules
import SalesModel
import Tenancy

/// A subject with all that its clocks are judged by, as it was read.
public struct WatchedSubject: Sendable {
    public let key: ClockKey
    /// It moves on with everything that happens to the subject.
    let fence: Int64
    /// The job that is its timer.
    let job: Int64?
    public let facts: SubjectFacts
    public let recorded: [RecordedLevel]
    let hours: ClockHours
    let line: ReportingLine
    /// Of the people in the line, by external id.
    let names: [String: String]
    let team: String?
    /// What a lead's transfer goes by; nil: it is no lead.
    let lead: LeadHolding?
    /// Rollouts whose candidates it is judged by; empty: by what is live.
    let canaries: [Int64]
}

/// How a lead stands with whoever has it.
public struct LeadHolding: Sendable, Hashable {
    let epoch: Int
    let owner: Int64?
    let isTouched: Bool
    /// Whether its fields or its rules have to be mended, which an alert of its own said when it was held: be it that it is held still, or that
    /// somebody was given it as it was.
    let isMisread: Bool
    /// The first of the owner's superiors who is an active seller.
    let manager: Manager?

    struct Manager: Sendable, Hashable {
        let id: Int64
        let externalID: String
    }
}

/// What a batch of jobs that look at clocks is decided on.
public struct ClockFacts: Sendable {
    public let subjects: [ClockKey: WatchedSubject]
    /// What is due, of jobs that name no subject; and after which to go on.
    public let pages: [Page: [ClockKey]]
    /// By the canaries that serve a subject.
    let rules: [[Int64]: ClockRulesRead]
    /// Those a job of this batch has looked at already.
    var looked: Set<ClockKey> = []

    /// Which subjects a job without one looks at.
    public struct Page: Sendable, Hashable {
        public let asOf: Date
        public let after: ClockKey?
        public let limit: Int
        /// Not all that are due, but those that this job is the timer of.
        public let timer: Timer?

        /// A job that is the timer of many.
        public struct Timer: Sendable, Hashable {
            let job: JobID
            /// The last of them.
            let until: ClockKey

            public init(job: JobID, until: ClockKey) {
                self.job = job
                self.until = until
            }
        }

        public init(asOf: Date, after: ClockKey?, limit: Int, timer: Timer? = nil) {
            self.asOf = asOf
            self.after = after
            self.limit = limit
            self.timer = timer
        }
    }
}

/// The rules that clocks go by.
struct ClockRulesRead: Sendable {
    let rules: TenantRules
    let book: ClockBook
    let writer: ClockWriter
    /// Of which the operators hear.
    let unreadable: [UnreadableRuleSet]

    init(_ list: [LiveRule], of library: RuleLibrary, timeZone: TimeZone) {
        let all = library.rules(list, timeZone: timeZone)
        unreadable = all.unreadable
        let lost = Set(unreadable.map(\.reference)).filter { $0.kind == RuleKind.message.rawValue }
        rules = lost.isEmpty ? all : library.rules(list.filter { !lost.contains($0.reference) }, timeZone: timeZone)
        book = ClockBook(rules.clocks.map(CompiledClock.init))
        writer = ClockWriter(rules.messages, timeZone: timeZone)
    }

    fileprivate func shortfall(of missed: ClockVerdict.Missed, _ facts: SubjectFacts, now: Date) -> Shortfall? {
        book.clocks.first { $0.clock.id == missed.clock.id }?.shortfall(of: facts, start: missed.start, now: now)
    }

    /// Without the words something is told all the same; without the others nobody knows what is due.
    var isReadable: Bool { rules.unreadable.isEmpty }
}

extension ClockFacts {
    /// A subject whose rules cannot be read is looked at again after so many seconds.
    private static let patience: TimeInterval = 60

    /// What a look at a subject comes to; nil: another job is its timer, or has just looked.
    ///
    /// - Parameters:
    ///   - clock: only this one is acted upon; nil: all.
    ///   - timer: the job that looks, if it was made as the subject's timer.
    public mutating func look(at key: ClockKey, clock: String? = nil, timer: Int64? = nil, now: Date) -> EscalationEffect? {
        guard let subject = subjects[key], timer == nil || subject.job == timer, let rules = rules[subject.canaries],
            looked.insert(key).inserted
        else { return nil }
        guard rules.isReadable else {
            let verdict = ClockVerdict(nextAt: now.addingTimeInterval(Self.patience))
            return EscalationEffect(subject, verdict, [], unreadable: rules.unreadable, isPartial: true)
        }
        let all = rules.book.clocks
        let book = clock.map { name in ClockBook(all.filter { $0.clock.id == name }) } ?? rules.book
        var verdict = book.verdict(on: subject.facts, recorded: subject.recorded, hours: subject.hours, now: now)
        // A look at one clock leaves the others' deadlines to the next look, which is to come at once.
        if clock != nil { verdict.nextAt = now }
        let messages = verdict.toTell.flatMap { missed in
            rules.writer.messages(
                of: missed, about: subject.facts, shortfall: rules.shortfall(of: missed, subject.facts, now: now), to: subject.line,
                names: subject.names)
        }
        return EscalationEffect(subject, verdict, messages, unreadable: rules.unreadable, isPartial: clock != nil)
    }
}
