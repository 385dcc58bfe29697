import Forecasts
import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// A forecast is published: it is kept, and takes the head of its scope and period unless a newer one has it.
public struct ForecastEffect: JudgedEffect {
    let question: (scope: String, from: String, to: String)
    let asOf: Date
    let watermark: Int64
    let modelVersion: String
    let reason: String
    let run: Int64
    /// What was in force when it was made: if that is another by now, this is made again.
    let previous: Int64?
    let isNewest: Bool
    let body: JSONBytes

    public init(
        _ reading: ForecastReading, _ question: ForecastQuestion, modelVersion: String, run: Int64, body: [UInt8]
    ) {
        self.question = (question.scope.key, question.period.lowerBound.description, question.period.upperBound.description)
        asOf = reading.asOf
        watermark = reading.watermark
        self.modelVersion = modelVersion
        reason = question.reason
        self.run = run
        previous = reading.inForce?.id
        isNewest = reading.inForce.map { $0.watermark <= reading.watermark && $0.asOf <= reading.asOf } ?? true
        self.body = JSONBytes(body)
    }

    /// Those whose head has moved since they were made. Locks the heads in one order.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let made = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? ForecastEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }.sorted {
            ($0.attempt.tenant, $0.effect.question.scope, $0.effect.question.from, $0.effect.question.to)
                < ($1.attempt.tenant, $1.effect.question.scope, $1.effect.question.from, $1.effect.question.to)
        }
        var stale: Set<JobID> = []
        var taken: Set<String> = []
        for (attempt, effect) in made {
            let (tenant, question) = (attempt.tenant.rawValue, effect.question)
            // Of two for one head in one transaction the second looks again.
            guard taken.insert("\(tenant) \(question)").inserted else {
                stale.insert(attempt.id)
                continue
            }
            let head = try transaction.pipeline([
                """
                INSERT INTO forecast_head (tenant_id, scope, period_from, period_to)
                VALUES (\(tenant), \(question.scope), \(question.from)::text::date, \(question.to)::text::date) ON CONFLICT DO NOTHING
                """,
                """
                SELECT forecast_id FROM forecast_head
                WHERE tenant_id = \(tenant) AND scope = \(question.scope) AND period_from = \(question.from)::text::date
                    AND period_to = \(question.to)::text::date
                FOR UPDATE
                """,
            ])[1].first!
            if try head.get("forecast_id", as: Int64?.self) != effect.previous { stale.insert(attempt.id) }
        }
        return stale
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? ForecastEffect).map { (settled, $0) } }.sorted {
            ($0.0.tenant, $0.1.question.scope, $0.1.question.from, $0.1.question.to)
                < ($1.0.tenant, $1.1.question.scope, $1.1.question.from, $1.1.question.to)
        }.flatMap { settled, effect in effect.statements(tenant: settled.tenant.rawValue, job: settled.job.rawValue) }
    }

    private func statements(tenant: Int64, job: Int64) -> [Statement] {
        let publish: Statement = """
            WITH made AS (
                INSERT INTO forecast (tenant_id, scope, period_from, period_to, as_of, watermark, model_version, reason, job_id, run, previous, body)
                VALUES (\(tenant), \(question.scope), \(question.from)::text::date, \(question.to)::text::date, \(asOf), \(watermark), \(modelVersion),
                    \(reason), \(job), \(run), \(previous), \(body))
                ON CONFLICT DO NOTHING RETURNING id)
            UPDATE forecast_head h SET forecast_id = made.id, moved_at = now() FROM made
            WHERE h.tenant_id = \(tenant) AND h.scope = \(question.scope) AND h.period_from = \(question.from)::text::date
                AND h.period_to = \(question.to)::text::date AND \(isNewest)
            """
        return [
            publish,
            // Of runs that were interrupted, of one whose like was published by another job meanwhile, and of what was in force before the last.
            """
            DELETE FROM forecast_line l WHERE l.tenant_id = \(tenant) AND l.job_id = \(job)
                AND (l.run <> \(run) OR NOT EXISTS (SELECT FROM forecast f WHERE f.tenant_id = \(tenant) AND f.job_id = \(job) AND f.run = \(run)))
            """,
            """
            DELETE FROM forecast_line l USING forecast f
            WHERE l.tenant_id = \(tenant) AND f.tenant_id = l.tenant_id AND f.job_id = l.job_id AND f.run = l.run AND f.scope = \(question.scope)
                AND f.period_from = \(question.from)::text::date AND f.period_to = \(question.to)::text::date
                AND f.id < COALESCE(\(previous)::bigint, 0) AND \(isNewest)
            """,
        ]
    }

    /// What a job that is set aside has written is nobody's.
    static func statements(for discarded: [DiscardedJob]) -> [Statement] {
        let jobs = discarded.filter { $0.kind == NewJob.rebuildForecastKind }
        guard !jobs.isEmpty else { return [] }
        return [
            """
            DELETE FROM forecast_line l USING unnest(\(jobs.map(\.tenant.rawValue)), \(jobs.map(\.id.rawValue))) AS n(tenant, job)
            WHERE l.tenant_id = n.tenant AND l.job_id = n.job
            """
        ]
    }
}

extension NewJob {
    /// The kind of the jobs that rebuild forecasts.
    public static let rebuildForecastKind = "rebuild_forecast"
}

extension ForecastReader {
    /// Keeps lines while a job runs, under the number of its run. They are a forecast's once that is published: an effect that carried
    /// all of them would hold the settle of others up for seconds.
    public func keep(_ lines: [ForecastLine], of tenant: TenantID, job: JobID, run: Int64) async throws {
        for (place, start) in stride(from: 0, to: lines.count, by: ForecastChunk.size).enumerated() {
            try Task.checkCancellation()
            let chunk = ForecastChunk(place: place, lines: Array(lines[start..<min(start + ForecastChunk.size, lines.count)]))
            _ = try await postgres.pipeline([.tenants([tenant]), chunk.statement(tenant: tenant.rawValue, job: job.rawValue, run: run)])
        }
    }

    /// What was published of the very same facts, by the same model; nil: nothing yet.
    public func published(
        _ question: ForecastQuestion, _ reading: ForecastReading, modelVersion: String, of tenant: TenantID
    ) async throws -> Int64? {
        let statement: Statement = """
            SELECT id FROM forecast
            WHERE tenant_id = \(tenant.rawValue) AND scope = \(question.scope.key) AND period_from = \(question.period.lowerBound.description)::text::date
                AND period_to = \(question.period.upperBound.description)::text::date AND watermark = \(reading.watermark)
                AND model_version = \(modelVersion) AND CASE WHEN \(question.asOf)::timestamptz IS NOT NULL THEN as_of = \(question.asOf)
                    -- Without a moment asked for, the same day is the same question.
                    ELSE (as_of AT TIME ZONE (SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)))::date
                        = \(reading.day.description)::text::date END
            ORDER BY id DESC LIMIT 1
            """
        return try await postgres.pipeline([.tenants([tenant]), statement])[1].first?.get("id")
    }
}
