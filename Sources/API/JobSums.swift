import Foundation
import Jobs
import Records
import Tenancy

/// How every tenant's jobs were doing at a moment.
struct CountedJobs: Sendable {
    let at: Date
    let statistics: [JobStatistics]
}

/// What jobs come to, added up over kinds or over tenants.
struct JobSums: Sendable, Hashable {
    /// Due and not running, whatever holds them back.
    var ready = 0
    var running = 0
    /// Jobs that ended in the window; of these those that were not cancelled, and of those the ones that failed.
    var ended = 0
    var judged = 0
    var failed = 0
    var deadLetters = 0

    init(_ statistics: some Sequence<JobStatistics> = []) {
        for one in statistics { add(one) }
    }

    mutating func add(_ one: JobStatistics) {
        ready += one.due
        running += one.waiting["running"] ?? 0
        ended += one.ended.values.reduce(0, +)
        judged += one.ended.filter { $0.key != .cancelled }.values.reduce(0, +)
        failed += one.failures.values.reduce(0, +)
        deadLetters += one.deadLetters
    }

    /// Nil: none was judged.
    var failureShare: Double? { judged == 0 ? nil : Double(failed) / Double(judged) }

    /// What there is to do and what was done; dead letters lie still.
    var jobs: Int { ready + running + ended }
}

/// What the jobs of all tenants come to.
struct Overview: Sendable {
    let all: JobSums
    /// By name.
    let kinds: [(kind: String, sums: JobSums)]
    /// Those with most jobs, the most first.
    let busiest: [(tenant: TenantID, sums: JobSums)]
    /// How many have jobs at all.
    let tenantsWithJobs: Int
    /// The most frequent first.
    let failures: [(cause: String, count: Int)]

    /// - Parameter most: so many tenants are named.
    init(_ statistics: [JobStatistics], most: Int) {
        all = JobSums(statistics)
        kinds = Dictionary(grouping: statistics, by: \.kind).map { ($0, JobSums($1)) }.sorted { $0.kind < $1.kind }
        let tenants = Dictionary(grouping: statistics, by: \.tenant).map { (tenant: $0, sums: JobSums($1)) }.filter { $0.sums.jobs > 0 }
        tenantsWithJobs = tenants.count
        busiest = Array(tenants.sorted { ($1.sums.jobs, $0.tenant) < ($0.sums.jobs, $1.tenant) }.prefix(most))
        failures = statistics.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
            .map { (cause: $0.key, count: $0.value) }.sorted { ($1.count, $0.cause) < ($0.count, $1.cause) }
    }
}
