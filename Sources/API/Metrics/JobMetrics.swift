import Foundation
import Records
import Synchronization

/// What `/metrics` says of jobs, asked of the ledger.
///
/// The answer is kept for a while, so that scrapes, however many there are, cost the database one question each while.
final class JobMetrics: Sendable {
    private static let freshness: Duration = .seconds(10)

    private let records: Records
    private let last = Mutex<(samples: [Metrics.Sample], until: ContinuousClock.Instant)>(([], .now))

    init(_ records: Records) { self.records = records }

    /// Nothing when Postgres does not answer.
    func samples() async -> [Metrics.Sample] {
        if let samples = last.withLock({ $0.until > .now ? $0.samples : nil }) { return samples }
        let samples = ((try? await records.jobStatistics(now: Date())) ?? []).flatMap(\.samples)
        last.withLock { $0 = (samples, .now + Self.freshness) }
        return samples
    }
}

extension JobStatistics {
    fileprivate var samples: [Metrics.Sample] {
        let name = [("tenant", tenant.description), ("kind", kind)]
        func gauge(_ metric: String, _ help: String, _ label: (String, String)? = nil, _ value: Double) -> Metrics.Sample {
            Metrics.Sample(metric, .gauge, help, labels: name + (label.map { [$0] } ?? []), value)
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
            samples.append(gauge("kiteline_job_queue_seconds", help, ("quantile", "0.5"), queueSeconds.median))
            samples.append(gauge("kiteline_job_queue_seconds", help, ("quantile", "0.99"), queueSeconds.p99))
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
