import Foundation
import JSONEnvelope
import Jobs
import ProcessHealth
import Records

extension RunProcessHealth {
    /// Works out a page of sellers' weeks.
    func score(_ run: Run) async throws -> Outcome {
        let after = run.job.arguments.after.flatMap { Int64($0) } ?? 0
        let sellers = try await records.sellers(of: run.tenant, named: run.job.arguments.sellers, after: after, limit: pageSize)
        let first = run.running - (run.job.arguments.weeks ?? 1)
        let counting = WeekCounting(first...run.running, in: run.zone)
        let facts = try await records.facts(of: sellers, from: first.start(in: run.zone), at: run.asOf, of: run.tenant)
        let streaks = try await records.streaks(of: sellers, before: first, of: run.tenant)
        let diagnosed = try await records.diagnosed(sellers, of: run.tenant)
        let calendar = try await records.calendar(of: run.tenant)
        var scored = ScoredPage()
        for seller in sellers {
            let own = facts[seller.id] ?? ProcessFacts()
            var counting = counting
            if let hours = calendar.hours(of: seller, around: run.asOf) {
                counting = counting.by(
                    hours.days72, touchDue: { hours.due(after: $0, seconds: $1) }, workdays: { hours.workdays(from: $0, to: $1) })
            }
            let known = counting.counts(of: own, at: run.asOf)
            scored.add(
                seller, counting, published: counting.countsAsPublished(of: own, known: known, at: run.asOf), known: known,
                streak: streaks[seller.id] ?? Streak(), at: run.asOf)
        }
        var next = scored.low.filter { !(diagnosed[$0.seller]?.contains($0.since) ?? false) }.map {
            NewJob.diagnoseHealth($0.seller, week: run.last, since: $0.since, asOf: run.asOf, of: run.tenant)
        }
        let diagnosing = next.count
        if sellers.count == pageSize, let last = sellers.last {
            next.append(
                .scoreHealth(of: run.tenant, weeks: run.job.arguments.weeks ?? 1, asOf: run.asOf, after: last.id, isChained: run.isChained))
        } else if run.isChained, let due = try await due(run) {
            next.append(due)
        }
        return Outcome(
            .completed("scored"), effects: [HealthWeeksEffect(published: scored.published, known: scored.known)], followUps: next,
            result: scored.result(of: run, sellers: sellers.count, diagnosing: diagnosing))
    }

    /// What a chained run still has to do.
    private func due(_ run: Run) async throws -> NewJob? {
        guard let began = try await records.firstWeek(of: run.tenant), run.last - began + 1 >= ReleaseGate().leastWeeks else { return nil }
        let trained = try await records.standing(of: run.tenant).last?.week
        if trained.map({ run.last - $0 >= Self.trainEvery }) ?? true {
            return .runHealth("train", of: run.tenant, asOf: run.asOf, isChained: true)
        }
        guard try await records.isToBePredicted(run.last, of: run.tenant) else { return nil }
        return .runHealth("predict", of: run.tenant, asOf: run.asOf, isChained: true)
    }
}

/// What a page of sellers came to.
struct ScoredPage {
    private(set) var published: [HealthWeek] = []
    private(set) var known: [HealthWeek] = []
    /// Those who stay below the base line long enough for a report.
    private(set) var low: [(seller: Int64, since: Week)] = []
    /// Of the last week that is over.
    private var readings: [HealthReading] = []

    mutating func add(
        _ seller: HealthSeller, _ counting: WeekCounting, published: [WeekCounts], known: [WeekCounts], streak: Streak, at now: Date
    ) {
        var streak = streak
        for place in known.indices {
            let week = counting.grid.first + place
            let end = counting.grid.end(of: place)
            let isComplete = end <= now
            if isComplete {
                let reading = HealthReading(known[place])
                _ = streak.take(reading, of: week)
                self.published.append(
                    HealthWeek(seller: seller.id, week: week, asOf: end, isComplete: true, counts: published[place], streak: streak))
                if place == known.count - 2 { readings.append(reading) }
            }
            self.known.append(
                HealthWeek(seller: seller.id, week: week, asOf: now, isComplete: isComplete, counts: known[place], streak: streak))
        }
        if streak.weeks >= Streak.reportAt, let since = streak.since { low.append((seller.id, since)) }
    }

    /// The weeks themselves are read at `/v1/spi`: there may be thousands.
    func result(of run: RunProcessHealth.Run, sellers: Int, diagnosing: Int) -> [UInt8] {
        let attainment = readings.attainment
        return JSONWriter.object { object in
            object.member("mode", "score")
            object.member("as_of", run.asOf)
            object.member("sellers", sellers)
            object.member("last_week", run.last.description)
            object.member("with_index", attainment.cases)
            object.member("at_base_line", attainment.hits)
            object.member("attainment", attainment.rate)
            object.member("diagnoses_enqueued", diagnosing)
        }
    }
}
