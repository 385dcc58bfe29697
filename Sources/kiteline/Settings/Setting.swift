/// Everything that can be set, by its name in the environment and in the file.
enum Setting: String, CaseIterable, Sendable {
    case postgresURL = "KITELINE_POSTGRES_URL"
    case redisURL = "KITELINE_REDIS_URL"
    case redisNamespace = "KITELINE_REDIS_NAMESPACE"
    case host = "KITELINE_HOST"
    case port = "KITELINE_PORT"
    case publicURL = "KITELINE_PUBLIC_URL"
    case trustedProxies = "KITELINE_TRUSTED_PROXIES"
    case enginePool = "KITELINE_ENGINE_POOL"
    case appPool = "KITELINE_APP_POOL"
    case concurrency = "KITELINE_CONCURRENCY"
    case leaseSeconds = "KITELINE_LEASE_SECONDS"
    case beatSeconds = "KITELINE_BEAT_SECONDS"
    case silenceSeconds = "KITELINE_SILENCE_SECONDS"
    case reapSeconds = "KITELINE_REAP_SECONDS"
    case drainSeconds = "KITELINE_DRAIN_SECONDS"
    case requestSeconds = "KITELINE_REQUEST_SECONDS"
    case headerSeconds = "KITELINE_HEADER_SECONDS"
    case bodySeconds = "KITELINE_BODY_SECONDS"
    case slowCalls = "KITELINE_SLOW_CALLS"
    case longestWaits = "KITELINE_LONGEST_WAITS"
    case redisMemoryShare = "KITELINE_REDIS_MEMORY_SHARE"
    case fusePercent = "KITELINE_FUSE_PERCENT"
    case fuseJobs = "KITELINE_FUSE_JOBS"
    case fuseSeconds = "KITELINE_FUSE_SECONDS"
    case reconcileSeconds = "KITELINE_RECONCILE_SECONDS"
    case secretKey = "KITELINE_SECRET_KEY"
    case localTargets = "KITELINE_LOCAL_TARGETS"
    case logLevel = "KITELINE_LOG_LEVEL"
    case logFormat = "KITELINE_LOG_FORMAT"
    case otlpEndpoint = "KITELINE_OTLP_ENDPOINT"
    case otlpLogs = "KITELINE_OTLP_LOGS"
    case traceShare = "KITELINE_TRACE_SHARE"
    case crashAt = "KITELINE_CRASH_AT"
    case apiURL = "KITELINE_URL"
    case key = "KITELINE_KEY"

    /// What a value must look like.
    enum Shape: Sendable {
        case text
        /// A URL that may hold a password.
        case url
        /// Never shown but for its first characters.
        case secret
        case count(ClosedRange<Int>)
        case seconds(ClosedRange<Double>)
        case choice([String])
        case crashPlan
        /// Within 0…1.
        case share(ClosedRange<Double>)
        /// `name=seconds,…`
        case secondsByName
        /// 32 bytes in Base64.
        case secretKey
    }

    var shape: Shape {
        switch self {
        case .postgresURL, .redisURL, .publicURL, .apiURL, .otlpEndpoint: .url
        case .redisNamespace, .host, .trustedProxies: .text
        case .port: .count(0...65_535)
        case .key: .secret
        case .secretKey: .secretKey
        case .localTargets, .otlpLogs: .choice(["no", "yes"])
        case .enginePool, .appPool: .count(1...200)
        case .concurrency: .count(1...100_000)
        case .leaseSeconds, .beatSeconds, .silenceSeconds, .reapSeconds: .seconds(0.05...3_600)
        case .drainSeconds: .seconds(0...3_600)
        case .requestSeconds, .headerSeconds, .bodySeconds: .seconds(0.1...600)
        case .fusePercent: .count(1...100)
        case .fuseJobs: .count(1...1_000_000)
        case .fuseSeconds, .reconcileSeconds: .seconds(1...86_400)
        case .logLevel: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"])
        case .logFormat: .choice(LogFormat.allCases.map(\.rawValue))
        case .traceShare: .share(0...1)
        case .crashAt: .crashPlan
        case .redisMemoryShare: .share(0.1...1)
        case .slowCalls, .longestWaits: .secondsByName
        }
    }

    /// Nil: there is none, it has to be given.
    var standard: String? {
        switch self {
        case .postgresURL, .redisURL, .publicURL, .apiURL, .otlpEndpoint, .key, .crashAt, .secretKey: nil
        case .localTargets, .otlpLogs: "no"
        case .redisNamespace: ""
        case .host: "127.0.0.1"
        case .port: "8080"
        case .trustedProxies: "127.0.0.1,::1"
        case .enginePool: "8"
        case .appPool: "4"
        case .concurrency: "400"
        case .leaseSeconds: "30"
        case .beatSeconds: "10"
        case .silenceSeconds: "40"
        case .reapSeconds: "2"
        case .drainSeconds: "25"
        case .requestSeconds: "8"
        case .headerSeconds, .bodySeconds: "10"
        case .slowCalls, .longestWaits: ""
        case .redisMemoryShare: "0.8"
        case .fusePercent: "20"
        case .fuseJobs: "20"
        case .fuseSeconds: "300"
        case .reconcileSeconds: "60"
        case .logLevel: "info"
        case .logFormat: "text"
        case .traceShare: "0.1"
        }
    }

    var summary: String {
        switch self {
        case .postgresURL: "the ledger and the tenants' data, as libpq takes it"
        case .redisURL: "the index: redis://, rediss:// or unix:///path"
        case .redisNamespace: "stands before every Redis key"
        case .host: "the address the API listens on"
        case .port: "the port the API listens on; 0 takes a free one"
        case .publicURL: "where callers find the API; when it is https, nothing else is accepted"
        case .trustedProxies: "addresses whose X-Forwarded-Proto and X-Forwarded-For are believed"
        case .apiURL: "the address of the API, such as http://127.0.0.1:8080"
        case .key: "the key that commands about a tenant show to the API"
        case .enginePool: "connections for the ledger, of each process"
        case .appPool: "connections for tenants' reads, of each process"
        case .concurrency: "jobs a worker runs at once"
        case .leaseSeconds: "how long a claimed job stays its worker's without a heartbeat"
        case .beatSeconds: "between a worker's signs of life in the ledger"
        case .silenceSeconds: "without a sign of life, a worker is taken for dead"
        case .reapSeconds: "between two looks for ended leases"
        case .drainSeconds: "how long running jobs may go on after SIGTERM"
        case .requestSeconds: "how long a request waits for Postgres before it answers 503"
        case .headerSeconds: "how long a caller may take to send a request's headers"
        case .bodySeconds: "how long a caller may pause while sending a body"
        case .slowCalls:
            "above how many seconds a call counts as half a failure, dependency=seconds,…; three times its usual time where not named"
        case .longestWaits: "how many seconds a kind's jobs may wait at a breaker before they are set aside, kind=seconds,…; else for ever"
        case .redisMemoryShare: "the part of Redis' maxmemory above which jobs are accepted and not pushed"
        case .fusePercent: "so many of a hundred assignments that fail open the assignment fuse"
        case .fuseJobs: "on fewer assignments the fuse is not opened"
        case .fuseSeconds: "how far back assignments are looked at for it"
        case .reconcileSeconds: "between two comparisons of what assignments said with how leads stand"
        case .secretKey:
            "seals what connectors must not show: 32 random bytes in Base64, the same for every process; not set: no connectors, and messages are left to others"
        case .localTargets:
            "whether connectors may lead to this machine, without TLS: no, or yes for demonstrations and gateways beside the service"
        case .logLevel: "the least that is logged"
        case .logFormat: "how log lines are written to standard error: text, or json with one object a line"
        case .otlpEndpoint: "a collector that takes traces by OTLP over HTTP in JSON, http://host:4318; not set: none are told"
        case .otlpLogs: "whether log lines go to that collector too, beside standard error: no, or yes"
        case .traceShare: "the part of the traces begun here that is told, 0 to 1; callers decide on those they began"
        case .crashAt: "for fault runs only: points at which the process kills itself, point[:time],…"
        }
    }
}

extension Setting {
    /// The one meant by a misspelt name: at most a letter changed, and one more or less.
    static func meant(by name: String) -> Setting? {
        let slips = allCases.map { (setting: $0, count: name.difference(from: $0.rawValue).count) }
        return slips.min { $0.count < $1.count }.flatMap { $0.count <= 3 ? $0.setting : nil }
    }

    /// Names that look like a setting's, and are neither one nor anything else of ours.
    static func misspelt(in names: some Sequence<String>) -> [String] {
        names.filter { name in
            name.hasPrefix("KITELINE_") && Setting(rawValue: name) == nil && !others.contains { name.hasPrefix($0) }
        }.sorted()
    }

    /// How the other variables begin that commands, scripts and tests read, and those that Kubernetes makes of the service `kiteline-serve`.
    private static let others = [
        "KITELINE_CONFIG", "KITELINE_DATA_DIR", "KITELINE_BUILD_", "KITELINE_TEST_", "KITELINE_FUZZ_", "KITELINE_SEED",
        "KITELINE_SCREENSHOTS",
        "KITELINE_SERVE_",
    ]
}

/// What is wrong with a setting, where it came from, and what would be right.
struct SettingError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
