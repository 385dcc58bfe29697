import Foundation
import JobKinds
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Records
import Rollouts
import Tenancy
import Testing

/// A model that warns goes the way of every change: draft, shadow, canary by team, live, or back.
@Suite struct HealthRolloutStories {
    /// A tenant with a model that passed its gate, and the moment at which it did.
    private static func trained(
        _ body: (_ house: SalesHouse, _ tenant: TenantID, _ series: [SellerSeries], _ asOf: Date) async throws -> Void
    ) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let series = try await house.generated(of: tenant)
            for number in 0..<6 {
                _ = try await house.records.putTeam(
                    "team \(number)", TeamProfile(name: "t\(number)", manager: "m\(number)"), of: tenant, by: "test")
            }
            try await house.keep(series, weeks: 0..<40, of: tenant)
            let asOf = series[0].week(40).start(in: SalesHouse.zone) + 3_600
            try #require(try await house.run("train", asOf: asOf, of: tenant).outcome == "passed")
            try await body(house, tenant, series, asOf)
        }
    }

    private static func week(_ number: Int, of series: [SellerSeries]) -> Date { series[0].week(number).start(in: SalesHouse.zone) + 3_600 }

    @Test func `a trained model is a draft under its hash, which nobody changes, and it warns nobody`() async throws {
        try await Self.trained { house, tenant, _, asOf in
            let predicted = try await house.run("predict", asOf: asOf, of: tenant)
            let quality = try await house.records.healthQuality(of: tenant)

            #expect(predicted.outcome == "silent")
            #expect(predicted.result.contains("model 1 passed its gate and is draft"))
            #expect(quality.live == nil && quality.last?.state == .draft && quality.last?.hash?.count == 64)
            #expect(try await house.count("notification WHERE code = 'health_warning'") == 0)
            #expect(try await house.count("notification WHERE code = 'warning_model_ready' AND recipient = 'role:operator'") == 1)
            #expect(
                try await house.count(
                    "ruleset_version WHERE kind = 'warning_model' AND hash = encode(sha256(convert_to(source, 'UTF8')), 'hex')") == 1)
            await #expect(throws: (any Error).self) {
                _ = try await house.engine.pipeline([.tenants([tenant]), "UPDATE health_model SET reasons = '{}'"])
            }
        }
    }

    @Test func `in the shadow it is asked beside the rest and changes nothing`() async throws {
        try await Self.trained { house, tenant, _, asOf in
            let rollout = try await house.rollModel(1, percent: 0, of: tenant)

            let predicted = try await house.run("predict", asOf: asOf, of: tenant)

            #expect(predicted.outcome == "silent" && predicted.result.contains("is shadow"))
            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .shadow && record.shadow.leads > 100 && record.shadow.different >= 3)
            #expect(try await house.count("health_prediction WHERE warned OR rollout_id IS NOT NULL") == 0)
            let would = try await house.count("health_prediction WHERE (body->'shadow'->>'warning')::boolean")
            #expect(would == record.shadow.different)
            #expect(try await house.count("notification WHERE code = 'health_warning'") == 0)
        }
    }

    @Test func `a canary warns the managers of its teams only, the same ones week after week, and an abort takes that back`() async throws {
        try await Self.trained { house, tenant, series, asOf in
            let rollout = try await house.rollModel(1, percent: 50, of: tenant)
            func teams(_ condition: String) async throws -> Set<String> {
                Set(
                    try await house.rows(
                        "SELECT DISTINCT s.team FROM health_prediction p JOIN seller s ON s.id = p.seller_id WHERE \(condition)"
                    ).map { try $0.get("team") })
            }

            let predicted = try await house.run("predict", asOf: asOf, of: tenant)
            let canary = try await teams("p.arm = 'canary'")
            let lineage = "warning_model/spi"
            let bucketed = (0..<6).map { "team \($0)" }.filter {
                Bucket.arm(tenant: tenant.rawValue, lineage: lineage, customer: "team/\($0)", percent: Percent(50)!) == .canary
            }
            try await house.keep(series, weeks: 40..<41, of: tenant)
            _ = try await house.run("predict", asOf: Self.week(41, of: series), of: tenant)

            #expect(predicted.outcome == "predicted")
            #expect(!canary.isEmpty && canary.count < 6)
            #expect(canary == Set(bucketed))
            #expect(try await teams("p.arm = 'canary' AND p.week = (SELECT max(week) FROM health_prediction)") == canary)
            #expect(try await teams("p.warned").isSubset(of: canary))
            #expect(try await teams("p.model_version = 1") == canary)
            #expect(try await house.count("health_prediction WHERE arm = 'stable' AND (model_version IS NOT NULL OR warned)") == 0)
            #expect(try await house.count("exposure WHERE rollout_id = \(rollout)") == 6)
            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.stages.map { $0.stableExposed + $0.canaryExposed } == [6])
            let warned = try await house.count("health_prediction WHERE warned")
            #expect(warned >= 1)

            try await house.turn(rollout, .abort, of: tenant)
            try await house.keep(series, weeks: 41..<42, of: tenant)
            let after = try await house.run("predict", asOf: Self.week(42, of: series), of: tenant)

            #expect(after.outcome == "silent")
            let pending = try await house.count("health_prediction WHERE warned AND outcome = 'pending'")
            #expect(try await house.count("notification WHERE code = 'health_warning_withdrawn' AND recipient LIKE 'm%'") == pending)
            #expect(
                try await house.count("notification WHERE code = 'rollout_aborted' AND text_en LIKE 'A warning model was taken back%'") == 1
            )
            #expect(
                try await house.count("audit_log WHERE action = 'rollout.abort' AND subject = 'warning_model/spi@1' AND reason = 'test'")
                    == 1)
            #expect(try await house.count("job_history WHERE kind = 'make_whole' AND state <> 'completed'") == 0)
        }
    }

    @Test func `a larger share brings more teams to the candidate, and those that heard of it stay`() async throws {
        try await Self.trained { house, tenant, series, asOf in
            let rollout = try await house.rollModel(1, percent: 50, of: tenant)
            _ = try await house.run("predict", asOf: asOf, of: tenant)
            let before = try await house.count("exposure WHERE arm = 'canary'")

            try await house.turn(rollout, .percent(Percent(100)!), of: tenant)
            try await house.keep(series, weeks: 40..<41, of: tenant)
            _ = try await house.run("predict", asOf: Self.week(41, of: series), of: tenant)

            #expect(before < 6)
            #expect(try await house.count("exposure WHERE arm = 'canary'") == 6)
            #expect(
                try await house.count("health_prediction WHERE arm = 'stable' AND week = (SELECT max(week) FROM health_prediction)") == 0)
            let record = try await house.rollout(rollout, of: tenant)
            // A team that joins is no first exposure.
            #expect(record.stages.map { $0.stableExposed + $0.canaryExposed } == [6, 0])
        }
    }

    @Test func `predictions that come in parts are counted once in the shadow, and what is missing is still to be predicted`() async throws
    {
        try await Self.trained { house, tenant, series, asOf in
            let rollout = try await house.rollModel(1, percent: 0, of: tenant)
            let week = series[0].week(39)
            let some = try await house.rows(
                """
                SELECT s.external_id FROM health_week w JOIN seller s ON s.id = w.seller_id
                WHERE w.week = \(week.number) AND NOT w.below AND w.complete ORDER BY 1 LIMIT 1
                """
            ).map { try $0.get("external_id", as: String.self) }

            _ = try await house.run("predict", asOf: asOf, sellers: some, of: tenant)
            let asked = try await house.rollout(rollout, of: tenant).shadow.leads
            let isMissing = try await HealthReader(postgres: house.app).isToBePredicted(week, of: tenant)
            _ = try await house.run("predict", asOf: asOf, of: tenant)

            #expect(asked == 1 && isMissing)
            #expect(try await HealthReader(postgres: house.app).isToBePredicted(week, of: tenant) == false)
        }
    }

    @Test func `what was decided before an abort is not committed after it`() async throws {
        try await Self.trained { house, tenant, _, asOf in
            let rollout = try await house.rollModel(1, percent: 100, of: tenant)
            _ = try await house.ledger.enqueue([.runHealth("predict", of: tenant, asOf: asOf, isChained: false)])
            let attempt = try #require(try await house.begin(of: "run_spi_model").first)
            let outcome = try await house.perform(attempt)
            #expect(outcome.effects.count == 1)

            try await house.turn(rollout, .abort, of: tenant)
            let settlement = Settlement(
                attempt: attempt, outcome: outcome,
                disposition: outcome.disposition(of: attempt, policy: RetryPolicy(), now: Date(), chance: 0))
            let settled = try await house.ledger.settle([settlement])

            #expect(settled.done.isEmpty)
            #expect(try await house.count("health_prediction") == 0)
            #expect(try await house.count("notification WHERE code = 'health_warning'") == 0)
        }
    }

    /// Says what came of every warning, as if its fortnight were over.
    private static func end(_ house: SalesHouse, _ outcome: String) async throws {
        try await house.asOwner("UPDATE health_prediction SET outcome = '\(outcome)', outcome_at = now() WHERE warned")
        _ = try await house.records.judgeRollouts(now: Date())
    }

    @Test func `a canary whose warnings do not come true is taken back by its guard`() async throws {
        try await Self.trained { house, tenant, series, asOf in
            let rollout = try await house.rollModel(1, percent: 100, of: tenant)
            for number in 40..<44 {
                _ = try await house.run("predict", asOf: Self.week(number, of: series), of: tenant)
                try await house.keep(series, weeks: number..<(number + 1), of: tenant)
            }
            let warned = try await house.count("health_prediction WHERE warned")
            try #require(warned > 20)

            try await Self.end(house, "stayed")

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .aborted)
            #expect(record.stages.map(\.canary) == [RunningRollout.Tally(n: warned, failures: warned)])
            #expect(record.endReason?.contains("\(warned) of \(warned) canary warnings failed, at most 60.00 % may") == true)
            #expect(try await house.count("alert WHERE code = 'rollout_aborted'") == 1)
            #expect(try await house.count("job_live WHERE kind = 'make_whole'") == 0)
            // Judged once: asked again nothing is counted twice.
            _ = try await house.records.judgeRollouts(now: Date())
            #expect(try await house.rollout(rollout, of: tenant).stages.map(\.canary.n) == [warned])
        }
    }

    @Test func `one whose warnings come true goes to every team by itself, and the next model is held against it`() async throws {
        try await Self.trained { house, tenant, series, asOf in
            var terms = RolloutTerms.model
            (terms.leastLeads, terms.promotion) = (10, .automatic)
            let rollout = try await house.rollModel(1, percent: 100, terms: terms, of: tenant)
            for number in 40..<44 {
                _ = try await house.run("predict", asOf: Self.week(number, of: series), of: tenant)
                try await house.keep(series, weeks: number..<(number + 1), of: tenant)
            }

            try await Self.end(house, "fell")

            #expect(try await house.rollout(rollout, of: tenant).state == .live)
            let quality = try await house.records.healthQuality(of: tenant)
            #expect(quality.live?.version == 1 && quality.silence.isEmpty)

            let asOf = Self.week(44, of: series)
            #expect(try await house.run("train", asOf: asOf, of: tenant).outcome == "passed")
            await #expect(throws: RolloutFault.alreadyLive) { try await house.rollModel(1, percent: 5, of: tenant) }
            let next = try await house.rollModel(2, percent: 50, of: tenant)
            #expect(try await house.run("predict", asOf: asOf, of: tenant).outcome == "predicted")
            let record = try await house.rollout(next, of: tenant)
            #expect(record.stableVersion == 1)
            #expect(record.verdict(of: tenant).readings.map(\.name) == ["false_warnings", "success", "sample_ratio"])
            #expect(try await house.count("(SELECT DISTINCT arm, model_version FROM health_prediction WHERE rollout_id = \(next)) a") == 2)
            try await house.turn(next, .promote, of: tenant)
            #expect(try await house.records.healthQuality(of: tenant).live?.version == 2)
            #expect(try await house.count("ruleset_version WHERE kind = 'warning_model' AND state = 'retired' AND version = 1") == 1)
            await #expect(throws: RolloutFault.alreadyLive) { try await house.rollModel(2, percent: 5, of: tenant) }
        }
    }

    @Test func `leads are assigned as before while a model is rolled out, and four changes of rules beside it`() async throws {
        try await Self.trained { house, tenant, _, _ in
            try await house.rule(.route, "rules: [{ id: all, to: everyone }]", of: tenant)
            _ = try await house.rollModel(1, percent: 50, of: tenant)
            try await house.workThrough()

            try await house.assign("1", of: tenant)

            #expect(try await house.outcomes() == ["assigned": 1])
            #expect(try await house.count("rollout_case") == 0)
            #expect(try await house.records.liveRuleSets(of: tenant).count == 1)
        }
    }

    @Test func `over HTTP a model is rolled out by its own words`() async throws {
        try await TestAPI.with { api in
            func keep(_ version: Int, reasons: String) async throws {
                _ = try await api.owner.query(
                    .init(
                        """
                        INSERT INTO health_model (tenant_id, version, week, trained_at, status, reasons, report, job_id)
                        VALUES (\(api.acme.id.rawValue), \(version), \(version), now(), 'ok', '\(reasons)', '{}', \(version))
                        """))
                _ = try await api.owner.query(
                    .init(
                        """
                        INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor)
                        VALUES (\(api.acme.id.rawValue), 'warning_model', 'spi', \(version), 'h', '{}', 'draft', 'training')
                        """))
            }
            try await keep(1, reasons: "{it never warned}")
            try await keep(2, reasons: "{}")
            func start(_ version: Int, _ more: String = "", as key: String? = nil) async throws -> Reply {
                try await api.send(
                    "POST", "/v1/rollouts", #"{"kind":"warning_model","name":"spi","version":\#(version),"percent":0\#(more)}"#,
                    as: key ?? api.acme.operatorKey)
            }

            let mine = try await start(2, as: "acme")
            let silent = try await start(1)
            let unknown = try await start(9)
            let wrong = try await start(2, #","guards":{"first_touch_minutes":4,"false_warnings":0}"#)
            let started = try await start(2, #","guards":{"false_warnings":50,"least_warnings":20},"reason":"passed""#)
            let again = try await start(2)
            let id = try #require(try started.json["id"].string)
            let turned = try await api.send(
                "PATCH", "/v1/rollouts/\(id)", #"{"percent":20,"reason":"looks right"}"#, as: api.acme.operatorKey)
            let promoted = try await api.send("POST", "/v1/rollouts/\(id)/promote", #"{"reason":"enough"}"#, as: api.acme.operatorKey)
            let read = try await api.send("GET", "/v1/rollouts/\(id)").json

            #expect(
                [mine, silent, unknown, wrong, started, again, turned, promoted].map(\.status) == [403, 409, 404, 422, 201, 409, 200, 200])
            #expect(silent.code == "gate_not_passed" && silent.text.contains("it never warned"))
            #expect(wrong.faults.sorted() == ["guards.false_warnings out_of_range", "guards.first_touch_minutes unknown_field"])
            #expect(again.code == "rollout_running")
            #expect(try started.json["arms"]["stable"]["version"].isNull)
            #expect(
                try turned.json["words"].string
                    == "false_warnings: 0 of 20 warnings; 0 of 0 canary warnings failed, at most 50.00 % may; lower bound −50.0 points, needs −5.0"
            )
            #expect(read["state"].string == "live" && read["history"].array?.count == 3)
            #expect(try await api.count("audit_log WHERE action = 'rollout.promote' AND subject LIKE 'warning_model/spi@_'") == 1)
            #expect(try await api.send("GET", "/v1/rulesets/warning_model/spi/versions").status == 404, "no rule set")
        }
    }
}

extension SalesHouse {
    /// Starts rolling a trained model out; the rollout's id.
    @discardableResult
    func rollModel(_ version: Int, percent: Double, terms: RolloutTerms = .model, of tenant: TenantID) async throws -> Int64 {
        let once = try await records.startRollout(
            .warningModel, RolloutKind.modelName, version: version, percent: try #require(Percent(percent)), terms: terms, of: tenant,
            by: "test", reason: "test", key: nil
        ) { StoredAnswer(status: Int($0.id), body: []) }
        guard case .done(let answer) = once else { throw CancellationError() }
        return Int64(answer.status)
    }

    /// Runs one attempt without settling it.
    func perform(_ attempt: Attempt) async throws -> Outcome {
        let handler = try #require(handlers.first { $0.kind.name == attempt.kind })
        guard case .performing(let perform) = handler.style else { throw CancellationError() }
        return await perform(attempt).run()
    }
}
