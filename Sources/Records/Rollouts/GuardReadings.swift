import Foundation
import PostgresClient
import Rollouts
import Tenancy

extension Records {
    /// Keeps what the guards of canaries say now, where it is news, and what those of rollouts that have ended said last. To be called every
    /// few seconds, in one process: beside the deciding of leads, which waits for none of it.
    public func keepGuardReadings(now: Date) async throws {
        for tenant in try await tenantsToRead() {
            do {
                try await keepGuardReadings(of: tenant, now)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // Those of the others are kept all the same.
                logger.error("a tenant's guard readings could not be kept", metadata: ["tenant": "\(tenant)", "error": "\(error)"])
            }
        }
    }

    /// What the guards of a rollout said on their way, guard by guard; nil when there is no rollout of that id.
    public func guardReadings(ofRollout id: Int64, of tenant: TenantID) async throws -> [(name: String, points: [GuardPoint])]? {
        let rows = try await app.pipeline([
            .tenants([tenant]), "SELECT FROM rollout WHERE tenant_id = \(tenant.rawValue) AND id = \(id)", .readings(of: id, tenant),
        ])
        guard !rows[1].isEmpty else { return nil }
        return try Trail.trails(rows[2]).map { ($0.name, $0.points) }
    }

    /// Row security shows the rows of tenants that are named, so all are.
    private func tenantsToRead() async throws -> [TenantID] {
        try await engine.pipeline([
            .everyTenant,
            """
            SELECT tenant_id FROM rollout WHERE state = 'canary'
            UNION SELECT tenant_id FROM rollout WHERE ended_at IS NOT NULL AND NOT read_out
            ORDER BY 1
            """,
        ])[1].map { TenantID(try $0.get("tenant_id")) }
    }

    private func keepGuardReadings(of tenant: TenantID, _ now: Date) async throws {
        try await write(tenant, on: engine) { transaction in
            // A round that takes long meets the next one in another process.
            guard
                try transaction.query("SELECT pg_try_advisory_xact_lock(7159, hashint8(\(tenant.rawValue))) AS mine").first!.get(
                    "mine", as: Bool.self)
            else { return }
            let mine = "r.state = 'canary' OR (r.ended_at IS NOT NULL AND NOT r.read_out)"
            let rows = try transaction.pipeline(
                Statement.rollouts(of: tenant, where: "(\(mine))", limit: 100) + [
                    """
                    SELECT rollout_id, min(since) AS since FROM rollout_stage
                    WHERE tenant_id = \(tenant.rawValue)
                        AND rollout_id IN (SELECT r.id FROM rollout r WHERE r.tenant_id = \(tenant.rawValue) AND (\(unescaped: mine)))
                    GROUP BY rollout_id
                    """
                ])
            let begun: [Int64: Date] = try rows[2].reduce(into: [:]) { $0[try $1.get("rollout_id")] = try $1.get("since") }
            for record in try RolloutRecord.records(rows[0], rows[1]) {
                let trails = try Trail.trails(transaction.query(.readings(of: record.id, tenant)))
                let reading = RolloutReading(record, since: begun[record.id], trails, tenant: tenant, now: now)
                _ = try transaction.pipeline(reading.statements)
            }
        }
    }
}

/// A guard's kept readings, and the rows they are in.
private struct Trail {
    let name: String
    var ids: [Int64] = []
    var points: [GuardPoint] = []

    static func trails(_ rows: Rows) throws -> [Trail] {
        var trails: [Trail] = []
        for row in rows {
            let name: String = try row.get("guard")
            let place = trails.firstIndex { $0.name == name } ?? trails.endIndex
            if place == trails.endIndex { trails.append(Trail(name: name)) }
            trails[place].ids.append(try row.get("id"))
            trails[place].points.append(try GuardPoint(row))
        }
        return trails
    }
}

/// What is to be kept of one rollout now.
private struct RolloutReading {
    let statements: [Statement]

    init(_ record: RolloutRecord, since: Date?, _ trails: [Trail], tenant: TenantID, now: Date) {
        var new: [(name: String, point: GuardPoint)] = []
        var gone: [Int64] = []
        // In the shadow no guard looked at anything.
        if let since {
            let running = record.running(of: tenant)
            for (reading, before) in zip(running.verdict.readings, running.judge.verdict(of: RolloutEvidence()).readings) {
                var trail = trails.first { $0.name == reading.name } ?? Trail(name: reading.name)
                let known = trail.points.count
                // Every way begins where nothing is known.
                if known == 0 { trail.points.append(GuardPoint(before, at: since, percent: record.stages.first?.percent ?? .none)) }
                // An end may be told of as earlier than what was read of its last moments.
                let end = record.endedAt.map { max($0, (trail.points.last?.at ?? $0).addingTimeInterval(0.001)) }
                let point = GuardPoint(reading, at: end ?? now, percent: record.percent)
                if GuardTrail.isNews(point, after: trail.points.last, isEnd: end != nil) { trail.points.append(point) }
                new += trail.points.dropFirst(known).map { (reading.name, $0) }
                guard trail.points.count > GuardTrail.mostPoints else { continue }
                let kept = Set(GuardTrail.kept(of: trail.points))
                gone += trail.ids.indices.filter { !kept.contains($0) }.map { trail.ids[$0] }
            }
        }
        var statements: [Statement] = []
        if !new.isEmpty { statements.append(.keep(new, of: record.id, tenant)) }
        if !gone.isEmpty {
            statements.append(
                "DELETE FROM guard_reading WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(record.id) AND id = ANY(\(gone))")
        }
        if record.endedAt != nil {
            statements.append("UPDATE rollout SET read_out = true WHERE tenant_id = \(tenant.rawValue) AND id = \(record.id)")
        }
        self.statements = statements
    }
}

extension Statement {
    fileprivate static func readings(of rollout: Int64, _ tenant: TenantID) -> Statement {
        """
        SELECT id, guard, at, log_evidence, threshold, percent, stable_n, canary_n FROM guard_reading
        WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(rollout) ORDER BY id
        """
    }

    fileprivate static func keep(_ readings: [(name: String, point: GuardPoint)], of rollout: Int64, _ tenant: TenantID) -> Statement {
        let points = readings.map(\.point)
        return """
            INSERT INTO guard_reading (tenant_id, rollout_id, guard, at, log_evidence, threshold, percent, stable_n, canary_n)
            SELECT \(tenant.rawValue), \(rollout), n.guard, n.at, n.log_evidence, n.threshold, n.percent, n.stable_n, n.canary_n
            FROM unnest(\(readings.map(\.name)), \(points.map(\.at)), \(points.map(\.logEvidence)), \(points.map(\.threshold)),
                \(points.map { Int32($0.percent.hundredths) }), \(points.map { Int64($0.stable) }), \(points.map { Int64($0.canary) }))
                WITH ORDINALITY AS n(guard, at, log_evidence, threshold, percent, stable_n, canary_n, place)
            ORDER BY n.place
            """
    }
}

extension GuardPoint {
    fileprivate init(_ row: Row) throws {
        self.init(
            at: try row.get("at"), logEvidence: try row.get("log_evidence"), threshold: try row.get("threshold"),
            percent: Percent(hundredths: Int(try row.get("percent", as: Int32.self))) ?? .none,
            stable: Int(try row.get("stable_n", as: Int64.self)), canary: Int(try row.get("canary_n", as: Int64.self)))
    }
}
