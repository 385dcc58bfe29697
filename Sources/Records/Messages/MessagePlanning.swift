import Foundation
import Jobs
import Ledger
import Messages
import PostgresClient
import Rules
import SalesModel
import Tenancy

extension Records {
    /// Messages of a tenant looked at in one round, and requests made in one.
    private static let messagesARound = 600
    private static let requestsARound = 60

    /// Lets what waits to be said go on: makes the requests that are due now, each with its job, in one transaction for each tenant.
    /// Any number of processes may; one at a time plans for a tenant.
    ///
    /// - Returns: whether there may be more at once.
    @discardableResult
    public func planMessages(_ planner: MessagePlanner = MessagePlanner(), now: Date) async throws -> Bool {
        let tenants = try await engine.query(
            """
            SELECT tenant_id FROM message WHERE state IN ('waiting', 'sending') GROUP BY tenant_id LIMIT 1000
            """
        ).map { TenantID(try $0.get("tenant_id")) }
        var isMore = false
        for tenant in tenants.shuffled() { isMore = try await planMessages(of: tenant, planner, now: now) || isMore }
        return isMore
    }

    private func planMessages(of tenant: TenantID, _ planner: MessagePlanner, now: Date) async throws -> Bool {
        let ids = try await ledger.reserve(Self.requestsARound)
        let ledger = ledger
        let (isMore, enqueued, used) = try await engine.transaction { transaction in
            // Whoever comes second finds nothing to do.
            guard
                try transaction.query("SELECT pg_try_advisory_xact_lock(7157, hashint8(\(tenant.rawValue))) AS mine").first!.get(
                    "mine", as: Bool.self)
            else { return (false, Enqueued?.none, 0) }
            let desk = try MessageDesk(of: tenant, in: transaction, limit: Self.messagesARound, now: now)
            let moves = planner.moves(desk.board, at: now)
            let requests = moves.filter(\.isRequest).prefix(Self.requestsARound)
            let others = moves.filter { !$0.isRequest }
            guard !moves.isEmpty else { return (false, Enqueued?.none, 0) }
            let jobs = try desk.make(Array(requests), others, as: ids, in: transaction, now: now)
            guard !jobs.isEmpty else { return (false, Enqueued?.none, requests.count) }
            let (statements, enqueued) = ledger.statements(enqueueing: jobs, as: Array(ids.prefix(jobs.count)), at: now)
            let outbox: Int64 = try transaction.pipeline(statements).last!.first!.get("id")
            return (requests.count == Self.requestsARound, enqueued(outbox), requests.count)
        }
        ledger.giveBack(ids.dropFirst(used))
        if let enqueued { ledger.announce(enqueued) }
        return isMore
    }
}

extension MessageMove {
    fileprivate var isRequest: Bool {
        switch self {
        case .send, .again: true
        case .abandon, .anotherRound, .alarm, .giveUp: false
        }
    }
}

/// A tenant's board, read from its tables, and the writing down of moves.
private struct MessageDesk {
    let tenant: TenantID
    let board: MessageBoard
    private let connectors: [String: ConnectorRecord]

    init(of tenant: TenantID, in transaction: PostgresTransaction, limit: Int, now: Date) throws {
        self.tenant = tenant
        let id = tenant.rawValue
        let results = try transaction.pipeline([
            .tenants([tenant]), .connectors(of: tenant),
            """
            SELECT m.id, m.channel, m.urgency, m.at, m.tried, m.rounds, m.not_before, m.state, m.delivery_id, m.recipient, m.alarmed_at,
                n.text_en, n.text_zh, n.channels AS all_channels, s.channels
            FROM message m JOIN notification n ON n.tenant_id = m.tenant_id AND n.id = m.notification_id
                LEFT JOIN seller s ON s.tenant_id = m.tenant_id AND s.external_id = m.recipient
            WHERE m.tenant_id = \(id) AND m.state IN ('waiting', 'sending')
            ORDER BY m.urgency = 'urgent' DESC, m.urgency = 'normal' DESC, m.id LIMIT \(limit)
            """,
            """
            SELECT id, connector, address, messages, state, not_before, first_planned_at, urgent FROM delivery
            WHERE tenant_id = \(id) AND state IN ('waiting', 'sending') AND event IS NULL ORDER BY id LIMIT \(limit)
            """,
            """
            -- What was given up some time ago will not be sent any more, whatever became of its job.
            SELECT t.connector, d.address, t.planned_at, t.ended_at, t.reserved FROM delivery_try t JOIN delivery d ON d.id = t.delivery_id
            WHERE t.tenant_id = \(id) AND t.planned_at > \(now)::timestamptz - interval '1 day'
                AND (t.ended_at > \(now)::timestamptz - interval '61 s'
                    OR t.ended_at IS NULL AND (d.state = 'sending' OR d.ended_at > \(now)::timestamptz - interval '2 min'))
            """,
            """
            SELECT gate, "until" FROM breaker
            WHERE (tenant_id = \(id) OR tenant_id IS NULL) AND state IN ('open', 'throttled')
            """, .quietHours(of: tenant),
            "SELECT connector, address FROM recipient_gone WHERE tenant_id = \(id) AND until > \(now)",
        ])
        let records = try results[1].map(ConnectorRecord.init).filter { $0.isEnabled && $0.kind != .webhook && !$0.isBroken }
        connectors = Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0) })
        var windows: [String: SendWindow] = [:]
        var personal: [String: [String: SendWindow]] = [:]
        for row in results[4] {
            let send = SendWindow.Send(
                plannedAt: try row.get("planned_at"), endedAt: try row.get("ended_at"), isReserved: try row.get("reserved"))
            let connector: String = try row.get("connector")
            windows[connector, default: SendWindow()].add(send)
            guard connectors[connector]?.kind.personalBudget != nil, let address = try row.get("address", as: String?.self) else {
                continue
            }
            personal[connector, default: [:]][address, default: SendWindow()].add(send)
        }
        let breakers = try results[5].reduce(into: [String: Date]()) {
            $0[try $1.get("gate")] = try $1.get("until", as: Date?.self) ?? now.addingTimeInterval(5)
        }
        let lines = records.map { record in
            let closed = [record.closedUntil, breakers["d:\(record.dependency)"], breakers["\(tenant)/d:\(record.dependency)"]]
            return MessageBoard.Line(
                name: record.name, kind: record.kind, budget: record.kind.budget(record.settings),
                window: windows[record.name] ?? SendWindow(), windows: personal[record.name] ?? [:],
                closedUntil: closed.compactMap(\.self).max())
        }
        let gone: [String: Set<String>] = try results[7].reduce(into: [:]) {
            $0[try $1.get("connector"), default: []].insert(try $1.get("address"))
        }
        var waiting: [MessageBoard.Message] = []
        var underWay: [Int64: MessageBoard.Message] = [:]
        for row in results[2] {
            let message = try MessageBoard.Message(row, records, gone: gone)
            if try row.get("state", as: String.self) == "waiting" { waiting.append(message) } else { underWay[message.id] = message }
        }
        let deliveries = try results[3].map { row in
            let isWaiting = try row.get("state", as: String.self) == "waiting"
            return MessageBoard.Delivery(
                id: try row.get("id"), line: try row.get("connector"), address: try row.get("address"), messages: try row.get("messages"),
                state: isWaiting ? .waiting(until: try row.get("not_before", as: Date?.self) ?? now) : .sending,
                firstPlannedAt: try row.get("first_planned_at"), isUrgent: try row.get("urgent"))
        }
        let quiet = try results[6].first.flatMap(QuietHoursRecord.init)
        board = MessageBoard(
            lines: lines, waiting: waiting, deliveries: deliveries, underWay: underWay,
            quietUntil: quiet.flatMap { $0.hours.end(at: now, in: TimeZone(identifier: $0.timeZone) ?? .gmt) })
    }

    /// Writes the moves down.
    /// - Returns: a job for each request.
    func make(
        _ requests: [MessageMove], _ others: [MessageMove], as ids: [JobID], in transaction: PostgresTransaction, now: Date
    ) throws -> [NewJob] {
        _ = try transaction.pipeline(others.flatMap { statements(for: $0, now: now) })
        let rows = try transaction.pipeline(zip(requests, ids).map { statement(for: $0, job: $1, now: now) })
        return try rows.compactMap { rows in
            try rows.first.map { row in
                .sendNotification(
                    delivery: try row.get("id"), try: Int(try row.get("tries", as: Int32.self)), of: tenant,
                    isUrgent: try row.get("urgent"),
                    dependency: connectors[try row.get("connector")]?.dependency)
            }
        }
    }

    /// A request's delivery and try; answers the delivery's row.
    private func statement(for move: MessageMove, job: JobID, now: Date) -> Statement {
        let id = tenant.rawValue
        switch move {
        case .send(let messages, let line, let address, let isUrgent, let isReserved):
            return """
                WITH d AS (
                        INSERT INTO delivery (tenant_id, connector, address, messages, state, urgent, tries, first_planned_at)
                        VALUES (\(id), \(line), \(address), \(messages), 'sending', \(isUrgent), 1, \(now))
                        RETURNING id, connector, tries, urgent),
                    m AS (UPDATE message SET state = 'sending', delivery_id = d.id FROM d
                        WHERE message.id = ANY(\(messages)) AND message.tenant_id = \(id)),
                    t AS (INSERT INTO delivery_try (delivery_id, number, tenant_id, connector, reserved, job_id, planned_at)
                        SELECT id, tries, \(id), connector, \(isReserved), \(job.rawValue), \(now) FROM d)
                SELECT * FROM d
                """
        case .again(let delivery, let isReserved):
            return """
                WITH d AS (
                        UPDATE delivery SET state = 'sending', tries = tries + 1, not_before = NULL
                        WHERE id = \(delivery) AND tenant_id = \(id) AND state = 'waiting'
                        RETURNING id, connector, tries, urgent),
                    t AS (INSERT INTO delivery_try (delivery_id, number, tenant_id, connector, reserved, job_id, planned_at)
                        SELECT id, tries, \(id), connector, \(isReserved), \(job.rawValue), \(now) FROM d)
                SELECT * FROM d
                """
        case .abandon, .anotherRound, .alarm, .giveUp: preconditionFailure("this move asks nobody anything")
        }
    }

    private func statements(for move: MessageMove, now: Date) -> [Statement] {
        let id = tenant.rawValue
        switch move {
        case .send, .again: return []
        case .abandon(let delivery):
            return [
                """
                WITH d AS (
                    UPDATE delivery SET state = 'abandoned', ended_at = \(now)
                    WHERE id = \(delivery) AND tenant_id = \(id) AND state IN ('sending', 'waiting') RETURNING id, connector, messages)
                UPDATE message m SET state = 'waiting', tried = array_append(m.tried, d.connector) FROM d
                WHERE m.id = ANY(d.messages) AND m.delivery_id = d.id AND m.state = 'sending'
                """
            ]
        case .anotherRound(let message, let notBefore):
            return [
                """
                UPDATE message SET tried = '{}', rounds = rounds + 1, not_before = \(notBefore)
                WHERE id = \(message) AND tenant_id = \(id) AND state = 'waiting'
                """
            ]
        case .alarm(let message):
            return [
                "UPDATE message SET alarmed_at = \(now) WHERE id = \(message) AND tenant_id = \(id) AND alarmed_at IS NULL",
                .tellUndelivered([message], of: tenant),
            ]
        case .giveUp(let message, let reason):
            return [
                """
                UPDATE message SET state = 'failed', reason = \(reason), ended_at = \(now)
                WHERE id = \(message) AND tenant_id = \(id) AND state = 'waiting'
                """, .tellUndelivered([message], of: tenant),
            ]
        }
    }
}

extension MessageBoard.Message {
    /// - Parameter gone: addresses nobody is at any more, by connector.
    fileprivate init(_ row: Row, _ connectors: [ConnectorRecord], gone: [String: Set<String>]) throws {
        let channel = Channel(rawValue: try row.get("channel"))
        let reach = SellerChannels(try row.get("channels", as: JSONBytes?.self))
        var (own, otherwise) = channel?.kinds ?? ([], [])
        // Whoever is told by short message anyway is not told so twice.
        if try row.get("all_channels", as: [String].self).contains(Channel.sms.rawValue) { otherwise = [] }
        let isOut = channel.map { reach.hasOptedOut(of: $0.rawValue) } ?? false
        var isGone = false
        let ways =
            isOut
            ? []
            : [own, otherwise].flatMap { kinds in
                connectors.filter { kinds.contains($0.kind) }.compactMap { connector -> MessageBoard.Way? in
                    guard connector.kind.isPersonal else { return MessageBoard.Way(line: connector.name) }
                    let said = reach.address(on: connector.kind) ?? connector.settings.to.map { $0.joined(separator: ",") }
                    guard let address = said else { return nil }
                    let left = gone[connector.name] ?? []
                    let present = left.contains(address) ? [] : address.split(separator: ",").map(String.init).filter { !left.contains($0) }
                    if present.isEmpty { isGone = true }
                    return present.isEmpty ? nil : MessageBoard.Way(line: connector.name, address: present.joined(separator: ","))
                }
            }
        let (english, chinese): (String, String) = (try row.get("text_en"), try row.get("text_zh"))
        self.init(
            id: try row.get("id"), urgency: Urgency(rawValue: try row.get("urgency")) ?? .normal, since: try row.get("at"),
            bytes: max(Notice.bytes(of: english), Notice.bytes(of: chinese)), ways: ways,
            tried: Set(try row.get("tried", as: [String].self)),
            rounds: Int(try row.get("rounds", as: Int32.self)), notBefore: try row.get("not_before"), isGone: isGone,
            isAlarmed: try row.get("alarmed_at", as: Date?.self) != nil)
    }
}

extension NewJob {
    /// The job that makes one try of a delivery.
    static func sendNotification(delivery: Int64, try number: Int, of tenant: TenantID, isUrgent: Bool, dependency: String?) -> NewJob {
        NewJob(
            tenant: tenant, kind: "send_notification", arguments: Array(#"{"delivery":"\#(delivery)","try":\#(number)}"#.utf8),
            priority: isUrgent ? 9 : 5, maxAttempts: 20, dependency: dependency)
    }
}
