import Foundation
import ProcessHealth
import Records
import Rules
import Sampling
import Tenancy

/// A seller whose process health falls, and who is warned of it in time: a model learns from the weeks of a company's sellers, passes its gate, is
/// rolled out, warns; two weeks later it shows who fell, and the report names where the work came too late.
///
/// The weeks are generated and taken over as if they had been worked out when they ended. Nothing of them was observed: the story shows
/// what happens where there is a sign before a fall, not that real sellers give one.
struct SellerStory: Sendable {
    private let remote: Remote
    private let records: Records
    private static let slug = Slug("yunfan-saas")!
    private let zone = TimeZone(identifier: "Asia/Shanghai")!
    private let series: [SellerSeries]
    private let now: Date

    /// Weeks of which the last two are told when the warnings are out.
    private static let weeks = 40
    private static let ahead = 2
    private static let teams = 6

    /// - Parameter remote: with a platform key.
    init(_ remote: Remote, _ records: Records, now: Date = Date()) {
        (self.remote, self.records, self.now) = (remote.acting(for: Self.slug.description), records, now)
        var plan = GeneratedTenants()
        (plan.tenants, plan.teamsEach, plan.sellersEach, plan.weeks, plan.seed) = (1, Self.teams, 25, Self.weeks, 44)
        plan.first = Week(containing: now, in: zone) - Self.weeks
        series = plan.series()
    }

    func tell() async throws {
        guard try await records.tenant(Self.slug) == nil,
            let tenant = try await records.createTenant(Self.slug, TenantSettings(), by: "demo")?.id
        else { return say("\nThe story of a seller was told when \(Self.slug) was made; an empty data folder tells it again\n") }
        say("\nThe story of a seller, at \(Self.slug): the weeks of \(series.count) sellers are generated, none of them is real\n")
        try await records.install(.saas, of: tenant, by: "demo")
        try await hire()
        let told = Self.weeks - Self.ahead
        try await takeOver(0..<told, of: tenant)
        let monday = series[0].week(told).start(in: zone).addingTimeInterval(3_600)
        try await learn(asOf: monday)
        let warned = try await warn(asOf: monday)
        try await takeOver(told..<Self.weeks, of: tenant)
        if let seller = warned.first(where: { falls($0.sellerId) }) { try await explain(seller, since: monday, of: tenant) }
        try await judge()
    }

    // MARK: The company

    private func hire() async throws {
        for team in 0..<Self.teams {
            try await remote.put("/v1/teams/t\(team)", json: #"{"name": "Team \#(team + 1)", "manager": "lead-\#(team + 1)"}"#)
        }
        for own in series {
            let id = id(of: own)
            try await remote.put(
                "/v1/sellers/\(id)", json: #"{"name": "\#(name(of: id))", "team": "t\#(own.identity.team)", "status": "active"}"#)
        }
    }

    private func id(of own: SellerSeries) -> String { "yun-\(own.identity.seller + 1)" }

    private func name(of id: String) -> String {
        var chance = SeededNumbers(seed: UInt64(id.dropFirst(4)) ?? 0)
        return DemoTrade.name(&chance)
    }

    private func falls(_ id: String) -> Bool {
        series.first { self.id(of: $0) == id }?.falls(after: Self.weeks - Self.ahead - 1) == true
    }

    private func takeOver(_ weeks: Range<Int>, of tenant: TenantID) async throws {
        let taken = series.flatMap { own in
            var streak = Streak()
            let taken = own.published.prefix(weeks.upperBound).enumerated().map { place, counts in
                _ = streak.take(HealthReading(counts), of: own.week(place))
                return TakenWeek(seller: id(of: own), week: own.week(place), counts: counts, streak: streak)
            }
            return taken[weeks]
        }
        try await records.takeOver(taken, in: zone, of: tenant)
    }

    // MARK: Before the fall

    private func learn(asOf: Date) async throws {
        let trained = try await run(#"{"mode": "train", "as_of": "\#(asOf.formatted(.iso8601))"}"#)
        let quality: QualityAnswer = try await remote.get("/v1/predictions/quality")
        tellLine("learns", "a model of \(Self.weeks - Self.ahead) weeks: \(trained.outcome ?? trained.state)")
        if let report = quality.report {
            tellLine("", "on weeks it had not seen: F1 \(figure(report.f1?.value)), the best simple rule \(figure(report.bestSimpleF1))")
        }
        let rollout: RolloutReceipt = try await remote.post(
            "/v1/rollouts",
            json: #"{"kind": "warning_model", "name": "spi", "version": 1, "percent": 20, "reason": "It passed its gate."}"#)
        try await remote.post("/v1/rollouts/\(rollout.id)/promote", json: #"{"reason": "The demo has no weeks to wait for."}"#)
        tellLine("is rolled out", "by an operator, like a change of rules; until then nobody was warned")
    }

    private func warn(asOf: Date) async throws -> [PredictionAnswer] {
        _ = try await run(#"{"mode": "predict", "as_of": "\#(asOf.formatted(.iso8601))"}"#)
        let page: AnswerPage<PredictionAnswer> = try await remote.get("/v1/predictions", query: ["warned": "true", "limit": "100"])
        let warned = page.items.sorted { $0.probability ?? 0 > $1.probability ?? 0 }
        tellLine("warns", "two weeks ago, of \(warned.count) of \(series.count) sellers, three a manager at most")
        return warned
    }

    // MARK: After it

    /// The late follow-ups behind one seller's fall, so that there is something to diagnose.
    private func explain(_ warning: PredictionAnswer, since: Date, of tenant: TenantID) async throws {
        let id = warning.sellerId
        let reasons = (warning.detail.contributions ?? []).filter { $0.weight > 0 }.prefix(3).map { $0.feature.replacing("_", with: " ") }
        tellLine(
            "",
            "\(name(of: id)) (\(id)): \(Int(((warning.probability ?? 0) * 100).rounded())) of 100 such fall, because of \(reasons.joined(separator: ", "))"
        )
        if let peer = warning.detail.suggestion?.withSellerId { tellLine("", "suggested: a ride-along with \(name(of: peer)) (\(peer))") }
        let deeds = (0..<10).flatMap { customer in
            (0..<4).map { round in
                TakenDeed(
                    seller: id, opportunity: "customer-\(customer + 1)", type: "follow_up",
                    at: since.addingTimeInterval(Double(round * 4) * 86_400 + Double(customer) * 9_000),
                    data: #"{"our_action": "sent the revised offer", "customer_next_step": "shows it to the board"}"#)
            }
        }
        try await records.takeOver(deeds.filter { $0.at < now }, of: tenant)
        // Of nobody else there is anything but weeks that were generated.
        _ = try await run(
            #"{"mode": "score", "weeks": \#(Self.ahead), "seller_ids": ["\#(id)"], "as_of": "\#(now.formatted(.iso8601))"}"#)
        let weeks: AnswerPage<HealthWeekAnswer> = try await remote.get("/v1/spi", query: ["seller": id])
        if let week = weeks.items.first {
            tellLine("falls", "\(week.isoWeek): index \(figure(week.spi)), below the base line in the second week running")
        }
        let told: AnswerPage<NotificationAnswer> = try await remote.wait("for the report", "/v1/notifications") {
            $0.items.contains { $0.code == "health_diagnosis" }
        }
        if let report = told.items.first(where: { $0.code == "health_diagnosis" }) {
            tellLine("is diagnosed", "\(report.recipient) hears: \(report.text)")
            tellLine("", report.textZh)
        }
    }

    private func judge() async throws {
        let quality: QualityAnswer = try await remote.get("/v1/predictions/quality")
        let outcomes = quality.outcomes
        tellLine(
            "is judged",
            "of \(outcomes.hits + outcomes.falseAlarms) warnings \(outcomes.hits) came true; \(outcomes.misses) fell without one")
    }

    private func run(_ arguments: String) async throws -> JobAnswer {
        let job: JobReceipt = try await remote.post("/v1/jobs", json: #"{"kind": "run_spi_model", "args": \#(arguments)}"#)
        let done: JobAnswer = try await remote.wait("for process health", "/v1/jobs/\(job.id)") {
            ["completed", "discarded"].contains($0.state)
        }
        guard done.state == "completed" else { throw Failure("process health was not worked out: \(done.error?.message ?? done.state)") }
        return done
    }

    private func figure(_ value: Double?) -> String { value.map { $0.formatted(.number.precision(.significantDigits(3))) } ?? "–" }
}
