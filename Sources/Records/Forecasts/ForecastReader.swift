import Forecasts
import Foundation
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// Reads what forecasts are made of.
public struct ForecastReader: Sendable {
    let postgres: PostgresPool
    let gates = GateShelf()
    /// Opportunities read at once.
    let pageSize: Int

    public init(postgres: PostgresPool, pageSize: Int = 50_000) {
        self.postgres = postgres
        self.pageSize = pageSize
    }

    /// A day of the tenant's calendar, now.
    public func today(of tenant: TenantID, at now: Date) async throws -> Day {
        let row = try await postgres.pipeline([
            .tenants([tenant]),
            "SELECT (\(now)::timestamptz AT TIME ZONE time_zone)::date - date '1970-01-01' AS day FROM tenant WHERE id = \(tenant.rawValue)",
        ])[1].first!
        return Day(Int(try row.get("day", as: Int32.self)))
    }

    /// What who told of them calls these opportunities, by our numbers.
    public func names(of deals: [Int64], _ tenant: TenantID) async throws -> [Int64: String] {
        try await postgres.pipeline([
            .tenants([tenant]), "SELECT id, external_id FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(deals))",
        ])[1].reduce(into: [:]) { $0[try $1.get("id")] = try $1.get("external_id", as: String.self) }
    }

    /// All of it as of one moment: one snapshot of the database, however long it takes to read.
    public func read(_ question: ForecastQuestion, of tenant: TenantID, at now: Date) async throws -> ForecastReading {
        let (gates, pageSize) = (gates, pageSize)
        return try await postgres.transaction { transaction in
            _ = try transaction.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            _ = try transaction.query(.tenants([tenant]))
            return try ForecastGathering(question, tenant, question.asOf ?? now, gates.live(of: tenant, in: transaction), transaction)
                .reading(
                    pageSize: pageSize)
        }
    }
}

/// The stages forecasts look at.
private struct ForecastStages {
    /// The open ones first, in their order, then those that end an opportunity.
    let names: [String]
    let open: Int
    let ruleVersion: String?

    /// Of gates; without them, of what was told: in the order in which opportunities come into them.
    init(_ gates: GateShelf.Gates?, _ tenant: TenantID, _ transaction: PostgresTransaction) throws {
        if let gates {
            let stages = gates.compiled.rules.stages
            names = stages.filter { !$0.isFinal }.map(\.id) + stages.filter(\.isFinal).map(\.id)
            open = stages.count { !$0.isFinal }
            ruleVersion = gates.version
            return
        }
        let told: [String] = try transaction.query(
            """
            SELECT to_stage FROM (
                SELECT to_stage, row_number() OVER (PARTITION BY opportunity_id ORDER BY at, id) AS place
                FROM stage_transition WHERE tenant_id = \(tenant.rawValue)) moves
            GROUP BY to_stage ORDER BY avg(place), to_stage LIMIT 50
            """
        ).map { try $0.get("to_stage") }
        let open = told.filter { !GateRules.usualEnds.contains($0) }
        names = (open.isEmpty ? ["open"] : open) + GateRules.usualEnds.sorted()
        self.open = max(1, open.count)
        ruleVersion = nil
    }
}

/// One reading, page by page.
private struct ForecastGathering {
    private let question: ForecastQuestion
    private let tenant: Int64
    private let asOf: Date
    private let transaction: PostgresTransaction
    private let stages: ForecastStages
    private let zone: String
    private let limits: StallLimits
    private let watermark: Int64
    private let recordsEvidence: Bool
    /// Nil: everybody's.
    private let owners: Set<String>?
    private let isOff: @Sendable (Day) -> Bool

    private var visits: [ForecastFacts.Visit] = []
    private var wins: [ForecastFacts.Win] = []
    private var begun: [(day: Day, stage: Int)] = []
    private var won: [Day] = []
    private var open: [OpenDeal] = []
    private var ended: [Int64: Bool] = [:]
    private var sellers = Places()
    private var currencies = Places()
    /// 0 stands for all others.
    private var segments = Places(most: 20, first: [""])

    init(
        _ question: ForecastQuestion, _ tenant: TenantID, _ asOf: Date, _ gates: GateShelf.Gates?, _ transaction: PostgresTransaction
    ) throws {
        self.question = question
        self.tenant = tenant.rawValue
        self.asOf = asOf
        self.transaction = transaction
        stages = try ForecastStages(gates, tenant, transaction)
        limits = try StallLimits.live(of: tenant, in: transaction)
        let rows = try transaction.pipeline([
            """
            SELECT time_zone, COALESCE((SELECT seq FROM opportunity_clock WHERE tenant_id = \(tenant.rawValue)), 0) AS seq,
                EXISTS (SELECT FROM activity WHERE tenant_id = \(tenant.rawValue) AND subject_type = 'opportunity' AND type = 'evidence') AS evidence
            FROM tenant WHERE id = \(tenant.rawValue)
            """,
            "SELECT external_id FROM seller WHERE tenant_id = \(tenant.rawValue) AND team = ANY(\(question.scope.teams))",
        ])
        zone = try rows[0].first!.get("time_zone")
        watermark = try rows[0].first!.get("seq")
        recordsEvidence = try rows[0].first!.get("evidence")
        isOff = try ForecastDays(of: tenant, zone: zone, in: transaction).isOff
        owners = question.scope.isWhole ? nil : Set(question.scope.sellers).union(try rows[1].map { try $0.get("external_id") })
    }

    mutating func gather(pageSize: Int) throws {
        var after: Int64 = 0
        while true {
            let rows = try transaction.query(opportunities(after: after, limit: pageSize))
            guard let last = rows.last else { return }
            let until: Int64 = try last.get(0)
            let more = try transaction.pipeline([moves(after, until), actions(after, until)])
            try take(rows, Moves(more[0]), Actions(more[1]))
            after = until
        }
    }

    func reading(pageSize: Int) throws -> ForecastReading {
        var gathering = self
        try gathering.gather(pageSize: pageSize)
        return try gathering.finished()
    }

    private func day(_ column: String) -> String { "(\(column) AT TIME ZONE z.zone)::date - date '1970-01-01'" }

    /// From then to the moment the forecast is made as of.
    private func seconds(_ column: String) -> String { "extract(epoch FROM z.as_of - \(column))::bigint" }

    /// What was told of each, as it was then where a moment is asked for: as told last of that moment; of one before the first telling, as
    /// told first.
    private func opportunities(after: Int64, limit: Int) -> Statement {
        """
        SELECT o.id, k.owner, \(unescaped: day("o.opened_at")), o.won, \(unescaped: day("o.closed_at")), k.amount_minor, k.currency, k.self_entered,
            k.fields->>'product_line',
            CASE WHEN o.won THEN (SELECT f.amount_minor FROM opportunity_fact f
                WHERE f.tenant_id = o.tenant_id AND f.opportunity_id = o.id AND f.amount_minor > 0 AND f.currency = k.currency ORDER BY f.seq LIMIT 1) END,
            o.closed_at <= \(asOf), o.opened_at <= \(asOf), extract(epoch FROM \(asOf)::timestamptz - o.opened_at)::bigint
        FROM opportunity o CROSS JOIN (SELECT \(zone)::text AS zone) z
            LEFT JOIN LATERAL (
                SELECT f.owner, f.amount_minor, f.currency, f.self_entered, f.fields FROM opportunity_fact f
                WHERE \(question.asOf != nil) AND f.tenant_id = o.tenant_id AND f.opportunity_id = o.id
                ORDER BY f.at <= \(asOf) DESC, CASE WHEN f.at <= \(asOf) THEN f.at END DESC NULLS LAST,
                    CASE WHEN f.at <= \(asOf) THEN -f.seq ELSE f.seq END
                LIMIT 1) p ON true
            CROSS JOIN LATERAL (
                SELECT p.* WHERE p.fields IS NOT NULL
                UNION ALL
                SELECT o.owner, o.amount_minor, o.currency, o.self_entered, o.fields WHERE p.fields IS NULL) k
        WHERE o.tenant_id = \(tenant) AND o.id > \(after)
        ORDER BY o.id LIMIT \(limit)
        """
    }

    private func moves(_ after: Int64, _ until: Int64) -> Statement {
        """
        SELECT t.opportunity_id, array_position(z.stages, t.to_stage), \(unescaped: day("t.at")), \(unescaped: seconds("t.at"))
        FROM stage_transition t CROSS JOIN (SELECT \(zone)::text AS zone, \(stages.names)::text[] AS stages, \(asOf)::timestamptz AS as_of) z
        WHERE t.tenant_id = \(tenant) AND t.opportunity_id > \(after) AND t.opportunity_id <= \(until) AND t.at <= \(asOf)
        ORDER BY t.opportunity_id, t.at, t.id
        """
    }

    /// The last effective action, and how many kinds of evidence were verified. What only says that somebody was in touch is no action
    /// (EVID-07, FC-32).
    private func actions(_ after: Int64, _ until: Int64) -> Statement {
        """
        SELECT o.id, \(unescaped: seconds("max(a.at) FILTER (WHERE a.type <> 'evidence' OR a.data->>'verified' = 'true')")),
            count(DISTINCT a.data->>'kind') FILTER (WHERE a.type = 'evidence' AND a.data->>'verified' = 'true'
                AND a.data->>'kind' IN ('contract_signed', 'first_payment', 'acceptance', 'service_start'))
        FROM opportunity o JOIN activity a ON a.tenant_id = o.tenant_id AND a.subject_type = 'opportunity' AND a.subject = o.external_id
            CROSS JOIN (SELECT \(asOf)::timestamptz AS as_of) z
        WHERE o.tenant_id = \(tenant) AND o.id > \(after) AND o.id <= \(until) AND (o.won IS NULL OR o.closed_at > \(asOf)) AND a.at <= \(asOf)
            AND (a.type IN ('visit', 'interview', 'demo', 'quotation', 'review', 'upload', 'checklist_item', 'evidence', 'stage_update', 'reply')
                OR a.type = 'action' AND jsonb_typeof(a.data->'credibility') = 'number' AND (a.data->>'credibility')::numeric >= 60
                    AND a.data->>'evidence_valid' = 'true'
                OR a.type = 'follow_up' AND \(unescaped: says("pain")) AND \(unescaped: says("our_action")))
        GROUP BY o.id, z.as_of ORDER BY o.id
        """
    }

    /// More than a placeholder: what is left of it without marks and blanks is something, and none of the words that say nothing.
    private func says(_ field: String) -> String {
        let bare = "regexp_replace(lower(COALESCE(a.data->>'\(field)', '')), '[[:space:][:punct:]—…。，、！？]', '', 'g')"
        let words = (Placeholder.words.sorted() + [""]).map { "'\($0.replacing("/", with: ""))'" }.joined(separator: ", ")
        return "\(bare) NOT IN (\(words))"
    }

    private mutating func take(_ rows: Rows, _ moves: Moves, _ actions: Actions) throws {
        var (moves, actions) = (moves, actions)
        for row in rows {
            let id: Int64 = try row.get(0)
            let history = try moves.of(id)
            let action = try actions.of(id)
            guard try row.get(11, as: Bool.self) else { continue }
            let owner: String? = try row.get(1)
            // Whether it had ended by then.
            let hasEnded: Bool? = try row.get(10)
            let won: Bool? = hasEnded == true ? try row.get(3) : nil
            let closed = won == nil ? nil : try row.get(4, as: Int32?.self).map { Day(Int($0)) }
            let currency = currencies.place(of: try row.get(6, as: String?.self) ?? "")
            let segment = segments.place(of: try row.get(8, as: String?.self) ?? "")
            let isInScope = owners.map { owner.map($0.contains) ?? false } ?? true
            let visited = visits(history, segment, won: won, closed: closed).map { ForecastFacts.Visit($0, isInScope: isInScope) }
            if isInScope, let first = visited.first { begun.append((Day(Int(try row.get(2, as: Int32.self))), first.stay.stage)) }
            visits += visited
            if let won {
                ended[id] = won
                guard won, let closed else { continue }
                if isInScope { self.won.append(closed) }
                guard let amount = try row.get(5, as: Int64?.self) else { continue }
                let entered = try row.get(9, as: Int64?.self) ?? amount
                wins.append(
                    .init(
                        day: closed, entered: Double(entered), realised: Double(amount), segment: segment, currency: currency,
                        isInScope: isInScope))
            } else if isInScope {
                let last = history.last
                let opened = Day(Int(try row.get(2, as: Int32.self)))
                open.append(
                    OpenDeal(
                        id: id, seller: owner.map { Int32(sellers.place(of: $0)) } ?? -1,
                        stage: last?.stage.flatMap { $0 < stages.open ? $0 : nil },
                        entered: last?.day ?? opened, secondsInStage: try last?.seconds ?? row.get(12),
                        secondsSinceAction: action?.seconds,
                        amountMinor: try row.get(5), currency: currency, segment: segment, evidence: action?.evidence ?? 0,
                        isSelfEntered: try row.get(7)))
            }
        }
    }

    /// A visit ends with the next move, or with the opportunity. One to a stage that nobody knows is none.
    private func visits(_ history: [Move], _ segment: Int, won: Bool?, closed: Day?) -> [Stay] {
        history.enumerated().compactMap { place, move in
            guard let stage = move.stage, stage < stages.open else { return nil }
            guard place + 1 < history.count else {
                return Stay(stage: stage, entered: move.day, left: closed, exit: won.map { $0 ? .won : .lost }, segment: segment)
            }
            let next = history[place + 1]
            // Into a stage nobody knows: how it left this one is not known either.
            guard let to = next.stage, let exit = exit(into: to, isEnd: hasEnded(history[(place + 1)...]), won) else { return nil }
            return Stay(stage: stage, entered: move.day, left: next.day, exit: exit, segment: segment)
        }
    }

    /// Whether no open stage follows.
    private func hasEnded(_ rest: ArraySlice<Move>) -> Bool { rest.allSatisfy { $0.stage.map { $0 >= stages.open } ?? false } }

    /// Lost is lost, though it may have been taken up again; a win counts once, and only where it lasted.
    private func exit(into stage: Int, isEnd: Bool, _ won: Bool?) -> Exit? {
        if stage < stages.open { return .moved(to: stage) }
        if isEnd { return won.map { $0 ? .won : .lost } }
        return GateRules.isLoss(stages.names[stage]) ? .lost : nil
    }

    private func finished() throws -> ForecastReading {
        var currencies = currencies
        let inForce = try inForce()
        let kept = try inForce.map { try lines(of: $0, &currencies) } ?? []
        let asOfDay: Int32 = try transaction.query(
            "SELECT (\(asOf)::timestamptz AT TIME ZONE \(zone)::text)::date - date '1970-01-01' AS day"
        ).first!.get("day")
        return ForecastReading(
            facts: ForecastFacts(
                policy: ForecastPolicy(stages: Array(stages.names.prefix(stages.open)), limits: limits), segments: segments.names.count,
                currencies: max(1, currencies.names.count), visits: visits, wins: wins, begun: begun, won: self.won,
                open: open, recordsEvidence: recordsEvidence, isOff: isOff),
            asOf: asOf, day: Day(Int(asOfDay)), watermark: watermark, sellers: sellers.names, currencies: currencies.names,
            ruleVersion: stages.ruleVersion, inForce: inForce, linesInForce: kept, ended: ended)
    }

    // MARK: What is in force

    private func inForce() throws -> ForecastInForce? {
        try transaction.query(
            """
            SELECT f.id, f.as_of, f.watermark, f.model_version, f.job_id, f.run,
                ARRAY(SELECT jsonb_array_elements_text(f.body->'currencies')) AS currencies
            FROM forecast_head h JOIN forecast f ON f.tenant_id = h.tenant_id AND f.id = h.forecast_id
            WHERE h.tenant_id = \(tenant) AND h.scope = \(question.scope.key) AND h.period_from = \(question.period.lowerBound.description)::text::date
                AND h.period_to = \(question.period.upperBound.description)::text::date
            """
        ).first.map {
            ForecastInForce(
                id: try $0.get("id"), asOf: try $0.get("as_of"), watermark: try $0.get("watermark"),
                modelVersion: try $0.get("model_version"),
                job: try $0.get("job_id"), run: try $0.get("run"), currencies: try $0.get("currencies"))
        }
    }

    private func lines(of forecast: ForecastInForce, _ currencies: inout Places) throws -> [ForecastLine] {
        let places = forecast.currencies.map { currencies.place(of: $0) }
        var lines: [ForecastLine] = []
        var place: Int32 = -1
        while let row = try transaction.query(
            """
            SELECT \(unescaped: ForecastChunk.columns) FROM forecast_line
            WHERE tenant_id = \(tenant) AND job_id = \(forecast.job) AND run = \(forecast.run) AND place > \(place) ORDER BY place LIMIT 1
            """
        ).first {
            let chunk = try ForecastChunk(row)
            place = Int32(chunk.place)
            lines += chunk.lines.map { line in
                var line = line
                line.currency = places[line.currency]
                return line
            }
        }
        return lines
    }
}

/// Names in the order in which they came.
private struct Places {
    private(set) var names: [String] = []
    private var places: [String: Int] = [:]
    /// Whoever comes later is the first.
    private let most: Int

    init(most: Int = .max, first: [String] = []) {
        self.most = most
        for name in first { _ = place(of: name) }
    }

    mutating func place(of name: String) -> Int {
        if let place = places[name] { return place }
        guard names.count < most else { return 0 }
        places[name] = names.count
        names.append(name)
        return names.count - 1
    }
}

private struct Move {
    /// Among the names; nil: none of them.
    let stage: Int?
    let day: Day
    /// From then to the moment the forecast is made as of.
    let seconds: Int
}

/// Rows in the order of opportunities, taken as these come.
private struct Moves {
    private let rows: Rows
    private var place = 0

    init(_ rows: Rows) { self.rows = rows }

    mutating func of(_ id: Int64) throws -> [Move] {
        var moves: [Move] = []
        while place < rows.count {
            let row = rows[place]
            guard try row.get(0, as: Int64.self) == id else { break }
            moves.append(
                Move(
                    stage: try row.get(1, as: Int32?.self).map { Int($0) - 1 }, day: Day(Int(try row.get(2, as: Int32.self))),
                    seconds: Int(try row.get(3, as: Int64.self))))
            place += 1
        }
        return moves
    }
}

private struct Actions {
    private let rows: Rows
    private var place = 0

    init(_ rows: Rows) { self.rows = rows }

    mutating func of(_ id: Int64) throws -> (seconds: Int?, evidence: Int)? {
        guard place < rows.count, try rows[place].get(0, as: Int64.self) == id else { return nil }
        let row = rows[place]
        place += 1
        return (try row.get(1, as: Int64?.self).map(Int.init), Int(try row.get(2, as: Int64.self)))
    }
}
