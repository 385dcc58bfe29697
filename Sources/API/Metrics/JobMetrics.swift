import DispatchIndex
import Foundation
import Jobs
import Records
import Tenancy

/// What `/metrics` says of jobs and tenants, asked of the ledger and the index.
///
/// The answer is kept for a while, so that scrapes, however many there are, cost one question each while. The tenants with most
/// jobs are told of on their own, the others together, so that the answer stays small with any number of tenants.
final class JobMetrics: Sendable {
    private static let freshness: Duration = .seconds(10)
    /// Tenants told of on their own.
    static let tenants = 20

    private let remembered: Remembered<[Metrics.Sample]>

    init(_ records: Records, _ dispatch: Dispatch) {
        remembered = Remembered(.fixed(Self.freshness)) {
            let statistics = try await records.jobStatistics(now: Date())
            let (top, labelled) = bounded(statistics, to: Self.tenants)
            let ofTenants = await promptly { try await tenantSamples(top, records, dispatch) }
            return labelled.flatMap { $0.statistics.samples(of: $0.label) } + (ofTenants ?? [])
        }
    }

    /// Nothing when Postgres does not answer.
    func samples() async -> [Metrics.Sample] { (try? await remembered.value()) ?? [] }
}

/// The tenants with most jobs, and what is told of whom: each of them on its own, the others together by kind.
func bounded(_ statistics: [JobStatistics], to most: Int) -> (top: [TenantID], labelled: [(label: String, statistics: JobStatistics)]) {
    let jobs = statistics.reduce(into: [TenantID: Int]()) { $0[$1.tenant, default: 0] += $1.jobs }
    let top = jobs.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(most).map(\.key)
    let named = Set(top)
    let others = Dictionary(grouping: statistics.filter { !named.contains($0.tenant) }, by: \.kind).sorted { $0.key < $1.key }
    return (
        top,
        statistics.filter { named.contains($0.tenant) }.map { ($0.tenant.description, $0) }
            + others.compactMap { $0.value.merged.map { ("other", $0) } }
    )
}

extension JobStatistics {
    fileprivate var jobs: Int { ended.values.reduce(0, +) + waiting.values.reduce(0, +) + deadLetters }
}

extension [JobStatistics] {
    /// Their sum. Medians do not add up, so there is none.
    fileprivate var merged: JobStatistics? {
        guard var sum = first else { return nil }
        sum.queueSeconds = nil
        for other in dropFirst() {
            sum.ended.merge(other.ended, uniquingKeysWith: +)
            sum.failures.merge(other.failures, uniquingKeysWith: +)
            sum.waiting.merge(other.waiting, uniquingKeysWith: +)
            sum.due += other.due
            sum.deadLetters += other.deadLetters
        }
        return sum
    }
}

/// Shares, ages and times held back, of these tenants.
private func tenantSamples(_ tenants: [TenantID], _ records: Records, _ dispatch: Dispatch) async throws -> [Metrics.Sample] {
    let now = Date()
    let lines = try await TenantLines(of: tenants, dispatch)
    let paused = try await records.tenants(of: tenants).filter { $1.paused != nil }
    let oldest = try await lines.oldest(records, but: Set(paused.keys), now: now)
    func gauge(_ name: String, _ help: String, _ tenant: String, _ value: Double?, _ kind: Metrics.Sample.Kind = .gauge) -> Metrics.Sample?
    {
        value.map { Metrics.Sample("kiteline_tenant_\(name)", kind, help, labels: [("tenant", tenant)], $0) }
    }
    let received = (help: "Part of the worker-time given lately; what was given a minute ago counts half.", name: "share_received")
    let own = lines.fairness.flatMap { tenant -> [Metrics.Sample?] in
        let (label, flows) = (tenant.tenant.description, lines.states[tenant.tenant]?.flows ?? [])
        let parked = flows.compactMap { $0.ready > 0 ? $0.blocked?.since : nil }.min().map { max(0, now.timeIntervalSince($0)) }
        return [
            gauge(received.name, received.help, label, tenant.shareReceived),
            gauge("share_entitled", "Weight among those of the tenants with jobs that may run.", label, tenant.shareEntitled),
            gauge(
                "worker_seconds_total", "Worker-time received since the index was built.", label, tenant.received / .seconds(1), .counter),
            gauge("throttled_seconds_total", "Time it had work and no token.", label, tenant.throttled / .seconds(1), .counter),
            gauge("oldest_claimable_seconds", "How long the first in line has been claimable.", label, oldest[tenant.tenant] ?? 0),
            gauge(
                "deferred_jobs", "Ready jobs above its capacity, kept in the ledger until their line drains.", label,
                Double(flows.reduce(0) { $0 + ($1.deferral?.jobs ?? 0) })),
            gauge("parked_seconds", "How long its jobs have been waiting at a gate.", label, parked ?? 0),
        ]
    }
    let shares = lines.fairness.compactMap(\.shareReceived)
    let others = shares.isEmpty ? nil : max(0, 1 - shares.reduce(0, +))
    return (own + [gauge(received.name, received.help, "other", others)]).compactMap(\.self)
}

extension JobStatistics {
    /// - Parameter label: whose they are.
    fileprivate func samples(of label: String) -> [Metrics.Sample] {
        let name = [("tenant", label), ("kind", kind)]
        func sample(
            _ metric: String, _ kind: Metrics.Sample.Kind, _ help: String, _ label: (String, String)?, _ value: Double
        ) -> Metrics.Sample {
            Metrics.Sample(metric, kind, help, labels: name + (label.map { [$0] } ?? []), value)
        }
        func gauge(_ metric: String, _ help: String, _ label: (String, String)? = nil, _ value: Double) -> Metrics.Sample {
            sample(metric, .gauge, help, label, value)
        }
        var samples: [Metrics.Sample] = []
        for (end, jobs) in ended.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            samples.append(gauge("kiteline_jobs_ended", "Jobs that ended in the last 5 minutes.", ("state", end.rawValue), Double(jobs)))
        }
        for (failure, jobs) in failures.sorted(by: { $0.key < $1.key }) {
            samples.append(gauge("kiteline_job_failures", "Jobs that failed in the last 5 minutes.", ("class", failure), Double(jobs)))
        }
        if !ended.isEmpty {
            samples.append(gauge("kiteline_job_failure_share", "Failed jobs of those that ended in the last 5 minutes.", nil, failureShare))
        }
        if let queueSeconds {
            let help = "Waiting time of jobs that ended in the last 5 minutes."
            for (quantile, seconds) in [("0.5", queueSeconds.median), ("0.99", queueSeconds.p99)] {
                samples.append(sample("kiteline_job_queue_seconds", .summary, help, ("quantile", quantile), seconds))
            }
        }
        for (state, jobs) in waiting.sorted(by: { $0.key < $1.key }) {
            samples.append(gauge("kiteline_jobs_waiting", "Jobs that have not ended.", ("state", state), Double(jobs)))
        }
        if deadLetters > 0 {
            samples.append(gauge("kiteline_dead_letters", "Jobs that failed for good and wait for a person.", nil, Double(deadLetters)))
        }
        return samples
    }
}
