import Clocks
import Foundation
import JSONEnvelope
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

extension EscalationEffect {
    private typealias Looked = (settled: SettledEffect, effect: EscalationEffect)

    /// Everything that looks found, table by table.
    static func statements(for effects: [SettledEffect]) -> [Statement] {
        let looked = effects.compactMap { settled in (settled.effect as? EscalationEffect).map { (settled: settled, effect: $0) } }
            .sorted { ($0.settled.tenant, $0.effect.key) < ($1.settled.tenant, $1.effect.key) }
        guard !looked.isEmpty else { return [] }
        var statements = LeadMoving.statements(for: looked)
        if let missed = missed(looked) { statements.append(missed) }
        if let changed = changed(looked) { statements.append(changed) }
        if let met = met(looked) { statements.append(met) }
        statements.append(timers(looked))
        for (settled, effect) in looked {
            statements += effect.messages.map { message in
                .notify(
                    message.to.name, message.code, effect.key.description, of: settled.tenant, english: message.english,
                    chinese: message.chinese, urgency: message.urgency, channels: message.channels, key: message.key)
            }
        }
        if let events = events(looked) { statements.append(events) }
        return statements + alerts(looked)
    }

    // MARK: Escalations

    private struct Line {
        let tenant: Int64
        let job: Int64
        let at: Date
        let effect: EscalationEffect
        let missed: ClockVerdict.Missed

        /// Whether something was done about it: a lead that its manager has already goes to nobody.
        var acted: Bool {
            guard missed.acts else { return false }
            return switch missed.level.action {
            case .transferToManager: effect.transfer != nil
            case .recycle: effect.recycling(of: TenantID(tenant)) != nil
            default: true
            }
        }
        var heldUntil: Date? { if case .held(let until) = missed.told { until } else { nil } }
        var told: String {
            switch missed.told {
            case .told: "told"
            case .held: "held"
            case .untold: "untold"
            }
        }
        /// Those told by it, as an array in text: arrays of arrays do not travel.
        var recipients: String {
            let code = "\(missed.clock.id).\(missed.level.id)"
            return JSONArray.text(missed.told == .told ? effect.messages.filter { $0.code == code }.map(\.to.name) : [])
        }
    }

    private static func lines(_ looked: [Looked], _ of: (ClockVerdict) -> [ClockVerdict.Missed]) -> [Line] {
        looked.flatMap { settled, effect in
            of(effect.verdict).map {
                Line(tenant: settled.tenant.rawValue, job: settled.job.rawValue, at: settled.at, effect: effect, missed: $0)
            }
        }
    }

    /// Written once: whoever comes second finds it written.
    private static func missed(_ looked: [Looked]) -> Statement? {
        let lines = lines(looked) { $0.missed }
        guard !lines.isEmpty else { return nil }
        let items = lines.map(\.missed)
        return """
            INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action, acted, history,
                told, held_until, told_at, urgency, recipients, channels, owner, team, job_id)
            SELECT n.tenant, n.type, n.id, n.clock, n.level, COALESCE(n.episode, '-infinity'), n.started, n.due, n.at, n.late, n.action, n.acted, n.history,
                n.told, n.held, CASE WHEN n.told = 'told' THEN n.at END, n.urgency,
                ARRAY(SELECT jsonb_array_elements_text(n.recipients)), ARRAY(SELECT jsonb_array_elements_text(n.channels)), n.owner, n.team, n.job
            FROM unnest(\(lines.map(\.tenant)), \(lines.map(\.effect.key.type.rawValue)), \(lines.map(\.effect.key.id)), \(items.map(\.clock.id)),
                    \(items.map(\.level.id)), \(items.map(\.episode)), \(items.map(\.start)), \(items.map(\.dueAt)), \(lines.map(\.at)),
                    \(items.map { Int32(clamping: $0.lateBy) }), \(items.map(\.level.action.rawValue)), \(lines.map(\.acted)), \(items.map(\.isHistory)), \(lines.map(\.told)),
                    \(lines.map(\.heldUntil)), \(items.map(\.urgency.rawValue)), \(lines.map { JSONBytes(Array($0.recipients.utf8)) }),
                    \(items.map { JSONBytes(Array(JSONArray.text($0.level.channels.map(\.rawValue)).utf8)) }), \(lines.map(\.effect.owner)),
                    \(lines.map(\.effect.team)), \(lines.map(\.job)))
                AS n(tenant, type, id, clock, level, episode, started, due, at, late, action, acted, history, told, held, urgency, recipients, channels, owner, team,
                    job)
            ON CONFLICT DO NOTHING
            """
    }

    /// What was written down before and changes: told now that it may be, no longer to be told, or disproved.
    private static func changed(_ looked: [Looked]) -> Statement? {
        struct Change {
            let tenant: Int64
            let key: ClockKey
            let clock: String
            let level: String
            let episode: Date?
            let word: String
            var at: Date
            var recipients = "[]"
        }
        let released = lines(looked) { $0.released }.map {
            Change(
                tenant: $0.tenant, key: $0.effect.key, clock: $0.missed.clock.id, level: $0.missed.level.id, episode: $0.missed.episode,
                word: "told", at: $0.at, recipients: $0.recipients)
        }
        let others = looked.flatMap { settled, effect in
            [("untold", effect.verdict.lapsed), ("withdrawn", effect.verdict.withdrawn)].flatMap { word, levels in
                levels.map {
                    Change(
                        tenant: settled.tenant.rawValue, key: effect.key, clock: $0.clock, level: $0.level, episode: $0.episode, word: word,
                        at: settled.at)
                }
            }
        }
        let changes = released + others
        guard !changes.isEmpty else { return nil }
        return """
            UPDATE escalation e
            SET told = CASE WHEN n.word = 'told' THEN 'told' WHEN e.told = 'held' THEN 'untold' ELSE e.told END,
                told_at = CASE WHEN n.word = 'told' THEN n.at ELSE e.told_at END,
                recipients = CASE WHEN n.word = 'told' THEN ARRAY(SELECT jsonb_array_elements_text(n.recipients)) ELSE e.recipients END,
                withdrawn_at = CASE WHEN n.word = 'withdrawn' THEN COALESCE(e.withdrawn_at, n.at) ELSE e.withdrawn_at END
            FROM unnest(\(changes.map(\.tenant)), \(changes.map(\.key.type.rawValue)), \(changes.map(\.key.id)), \(changes.map(\.clock)),
                    \(changes.map(\.level)), \(changes.map(\.episode)), \(changes.map(\.word)), \(changes.map(\.at)),
                    \(changes.map { JSONBytes(Array($0.recipients.utf8)) })) AS n(tenant, type, id, clock, level, episode, word, at, recipients)
            WHERE e.tenant_id = n.tenant AND e.subject_type = n.type AND e.subject_id = n.id AND e.clock = n.clock AND e.level = n.level
                AND e.episode = COALESCE(n.episode, '-infinity')
            """
    }

    /// When what was missed was made good; what belongs to an earlier beginning of a clock is made good by the next.
    private static func met(_ looked: [Looked]) -> Statement? {
        struct Met {
            let settled: SettledEffect
            let key: ClockKey
            let clock: String
            let at: Date
            /// Of every beginning; else of earlier ones only.
            let isOver: Bool
        }
        let met = looked.flatMap { settled, effect in
            effect.verdict.readings.compactMap { reading -> Met? in
                switch reading.state {
                case .met(let at): Met(settled: settled, key: effect.key, clock: reading.clock, at: at, isOver: true)
                case .void: Met(settled: settled, key: effect.key, clock: reading.clock, at: settled.at, isOver: true)
                case .running: reading.start.map { Met(settled: settled, key: effect.key, clock: reading.clock, at: $0, isOver: false) }
                case .notStarted, .unknown: nil
                }
            }
        }
        guard !met.isEmpty else { return nil }
        return """
            UPDATE escalation e SET met_at = n.at
            FROM unnest(\(met.map(\.settled.tenant.rawValue)), \(met.map(\.key.type.rawValue)), \(met.map(\.key.id)), \(met.map(\.clock)), \(met.map(\.at)),
                    \(met.map(\.isOver))) AS n(tenant, type, id, clock, at, ended)
            WHERE e.tenant_id = n.tenant AND e.subject_type = n.type AND e.subject_id = n.id AND e.clock = n.clock AND e.met_at IS NULL
                AND (n.ended OR (e.episode > '-infinity' AND e.episode < n.at))
            """
    }

    // MARK: The timer

    /// The subject's next look. Whoever decided on the same facts finds the fence moved on.
    private static func timers(_ looked: [Looked]) -> Statement {
        let effects = looked.map(\.effect)
        return """
            WITH done AS (
                UPDATE clock_subject c
                SET fence = c.fence + 1, next_at = n.next, job_id = NULL, provisional = n.provisional, looked_at = n.at,
                    clocks = CASE WHEN n.partial THEN c.clocks ELSE n.clocks END
                FROM unnest(\(looked.map(\.settled.tenant.rawValue)), \(effects.map(\.key.type.rawValue)), \(effects.map(\.key.id)),
                        \(effects.map(\.verdict.nextAt)), \(effects.map(\.verdict.isProvisional)), \(looked.map(\.settled.at)),
                        \(effects.map { ClockDocument.json($0.verdict) }), \(effects.map(\.isPartial)))
                    AS n(tenant, type, id, next, provisional, at, clocks, partial)
                WHERE c.tenant_id = n.tenant AND c.subject_type = n.type AND c.subject_id = n.id
                RETURNING 1)
            SELECT expect_rows(count(*), \(looked.count)) FROM done
            """
    }

    // MARK: Who hears of it

    private static func events(_ looked: [Looked]) -> Statement? {
        let told = lines(looked) { $0.missed }
        guard !told.isEmpty else { return nil }
        return """
            INSERT INTO event (tenant_id, type, body)
            SELECT tenant_id, 'escalation', jsonb_build_object('subject_type', type, 'subject_id', id::text, 'clock', clock, 'level', level,
                'due_at', due, 'late_by', late, 'action', action, 'told', told, 'owner', owner)
            FROM unnest(\(told.map(\.tenant)), \(told.map(\.effect.key.type.rawValue)), \(told.map(\.effect.key.id)), \(told.map(\.missed.clock.id)),
                    \(told.map(\.missed.level.id)), \(told.map { RFC3339.text($0.missed.dueAt) }), \(told.map { Int32(clamping: $0.missed.lateBy) }),
                    \(told.map(\.missed.level.action.rawValue)), \(told.map(\.told)), \(told.map(\.effect.owner))) WITH ORDINALITY
                AS d(tenant_id, type, id, clock, level, due, late, action, told, owner, place)
            WHERE \(unescaped: isListenedTo)
            ORDER BY place
            """
    }

    /// A clock that reads what nobody mapped is a failure somebody hears about (P10), once for each clock and field. Of a lead whose own
    /// fields are at fault they have heard already, when it was held.
    private static func alerts(_ looked: [Looked]) -> [Statement] {
        struct Subject: Hashable, Comparable {
            let tenant: TenantID
            let name: String

            static func < (a: Subject, b: Subject) -> Bool { (a.tenant, a.name) < (b.tenant, b.name) }
        }
        var raised: [Subject: (detail: JSONBytes, at: Date)] = [:]
        var unreadable: [Subject: (detail: JSONBytes, at: Date)] = [:]
        for (settled, effect) in looked {
            for rules in effect.unreadable {
                let detail = JSONBytes.encoding(["message": rules.message, "subject": effect.key.description])
                unreadable[Subject(tenant: settled.tenant, name: rules.reference.description)] = (detail, settled.at)
            }
            for (clock, tests) in effect.verdict.unknown where effect.lead?.isMisread != true {
                for field in Set(tests.map(\.test.field)) {
                    let detail = JSONWriter.object { body in
                        body.member("clock", clock)
                        body.member("field", field)
                        body.member("subject", effect.key.description)
                    }
                    raised[Subject(tenant: settled.tenant, name: "\(clock)/\(field)")] = (JSONBytes(detail), settled.at)
                }
            }
        }
        return [(unreadableCode, raised), (RulesUnreadable.alert, unreadable)].flatMap { code, raised in
            raised.sorted { $0.key < $1.key }.map {
                Statement.raise(code, $0.key.name, detail: $0.value.detail, of: $0.key.tenant, at: $0.value.at)
            }
        }
    }

    static let unreadableCode = "clock_unreadable"
}

/// Texts as a JSON array.
enum JSONArray {
    static func text(_ items: [String]) -> String {
        String(decoding: JSONWriter.array { list in for item in items { list.element(item) } }, as: UTF8.self)
    }
}
