import Foundation
import Rules
import SalesModel

/// What somebody is told of a missed level.
public struct ClockMessage: Sendable, Hashable {
    public let to: ReportingLine.Addressee
    /// `clock.level`
    public let code: String
    public let urgency: Urgency
    public let channels: [Channel]
    public let english: String
    public let chinese: String
    /// The same for the same level of the same beginning, whoever sends it and however often.
    public let key: String
}

/// Writes what is told of missed levels.
public struct ClockWriter: Sendable {
    private let messages: MessageRules?
    private let timeZone: TimeZone

    /// - Parameter timeZone: the tenant's.
    public init(_ messages: MessageRules?, timeZone: TimeZone) {
        self.messages = messages
        self.timeZone = timeZone
    }

    /// One message for each addressee.
    public func messages(
        of missed: ClockVerdict.Missed, about facts: SubjectFacts, shortfall: Shortfall?, to line: ReportingLine,
        names: [String: String] = [:]
    ) -> [ClockMessage] {
        line.addressees(of: missed.level.recipients).map { addressee in
            func text(_ language: Language) -> String {
                let values = values(missed, facts, shortfall, line, names[addressee.name] ?? addressee.name, language)
                let written = missed.level.message.flatMap { messages?[$0] }
                    .flatMap { try? $0.rendered(on: .inApp, in: language, values, timeZone: timeZone).get().body }
                // A text with a hole in it is not sent; that something is overdue is told all the same.
                return written ?? Self.plain(missed, facts, language)
            }
            return ClockMessage(
                to: addressee, code: "\(missed.clock.id).\(missed.level.id)", urgency: missed.urgency, channels: missed.level.channels,
                english: text(.english), chinese: text(.chinese), key: Self.key(missed, facts))
        }
    }

    /// `clock/lead/7/lead_first_touch/reminder`, and when it began where it may begin again.
    private static func key(_ missed: ClockVerdict.Missed, _ facts: SubjectFacts) -> String {
        let episode = missed.episode.map { "/\(Int(($0.timeIntervalSince1970 * 1_000).rounded()))" } ?? ""
        return "clock/\(facts.subject.rawValue)/\(facts.id)/\(missed.clock.id)/\(missed.level.id)\(episode)"
    }

    private func values(
        _ missed: ClockVerdict.Missed, _ facts: SubjectFacts, _ shortfall: Shortfall?, _ line: ReportingLine, _ recipient: String,
        _ language: Language
    ) -> [String: FieldValue] {
        func said(_ label: Label) -> String { language == .chinese ? label.chinese : label.english }
        var values = facts.values
        values["subject.id"] = .text(facts.id)
        values["recipient"] = .text(recipient)
        if let owner = line.owner { values["owner.name"] = values["owner.name"] ?? .text(owner) }
        values["clock"] = .text(said(missed.clock.label))
        values["level"] = .text(missed.level.id)
        values["due_at"] = .date(missed.dueAt)
        values["late_by"] = .number(Double(missed.lateBy))
        let summary = summary(facts, said)
        if !summary.isEmpty { values["summary"] = .text(summary.joined(separator: language == .chinese ? "；" : "; ")) }
        if let shortfall {
            values["count"] = .number(Double(shortfall.counted))
            let fields = EventCatalogue.standard[shortfall.type]?.fields
            let missing = shortfall.missing.map { name in fields?[name].map { said($0.label) } ?? name }
            if !missing.isEmpty { values["missing"] = .list(missing) }
        }
        return values
    }

    /// What was said last: of the three newest communications the day where the tenant is, the kind, and what was done.
    private func summary(_ facts: SubjectFacts, _ said: (Label) -> String) -> [String] {
        let kinds: Set<String> = ["touch", "call", "message", "follow_up", "visit", "interview", "reply"]
        return facts.events.filter { kinds.contains($0.type) }.suffix(3).map { event in
            let kind = EventCatalogue.standard[event.type].map { said($0.label) } ?? event.type
            let told = ["our_action", "problem_solved", "result", "topic"].lazy.compactMap { name -> String? in
                guard case .text(let text)? = event.data[name], !Placeholder.isPlaceholder(text) else { return nil }
                return text
            }.first
            let day = event.at.ISO8601Format(.iso8601(timeZone: timeZone).year().month().day())
            return told.map { "\(day) \(kind) \($0)" } ?? "\(day) \(kind)"
        }
    }

    private static func plain(_ missed: ClockVerdict.Missed, _ facts: SubjectFacts, _ language: Language) -> String {
        let (clock, subject) = (missed.clock.label, facts.subject.label)
        let minutes = missed.lateBy / 60
        return language == .chinese
            ? "\(subject.chinese) \(facts.id)：\(clock.chinese)已到期\(minutes > 0 ? "，超时 \(minutes) 分钟" : "")。"
            : "\(subject.english) \(facts.id): \(clock.english) is due\(minutes > 0 ? ", late by \(minutes) min" : "")."
    }
}
