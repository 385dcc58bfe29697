/// What a suite prints.
public struct BenchmarkResult: Codable, Sendable {
    public var suite: String
    public var jobsPerSecond: Double
    /// What the same SQL and Lua do without Swift around them, where it was measured.
    public var limitJobsPerSecond: Double?
    public var p50Ms: Double
    public var p99Ms: Double
    /// Of all processes together.
    public var cpuUsPerJob: Double
    /// Of that CPU time, by part.
    public var share: [String: Double]
    public var machine: Machine
    public var settings: [String: String]
    /// What the suite adds, by name with its unit.
    public var more: [String: Double] = [:]
    /// What is to be reached, by the name of the figure: at least so much a second, at most so much of anything else.
    public var goals: [String: Double] = [:]
}

/// Seconds of CPU by part.
struct CPUTimes: Sendable {
    var postgres: Double
    var redis: Double
    var swift: Double

    var total: Double { postgres + redis + swift }
    var shares: [String: Double] { ["postgres": postgres / total, "redis": redis / total, "swift": swift / total] }

    static func - (a: CPUTimes, b: CPUTimes) -> CPUTimes {
        CPUTimes(postgres: a.postgres - b.postgres, redis: a.redis - b.redis, swift: a.swift - b.swift)
    }
}
