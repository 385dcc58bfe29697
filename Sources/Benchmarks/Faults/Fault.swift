import CrashPoints
import Sampling

extension FaultRun {
    /// What is done to a running service.
    public enum Fault: String, Codable, Sendable, CaseIterable {
        case killWorker, killServer
        /// One that kills itself at a named point of a job's way.
        case crashWorker, crashServer
        case restartPostgres, crashPostgres
        /// Emptied; killed and started empty; killed and started with what it held some time before.
        case flushRedis, restartRedis, staleRedis
        /// Takes no more data for a while.
        case fullRedis
        /// Stopped for a while: connections stand, nothing answers.
        case holdPostgres, holdRedis
        /// Connections cut in the middle of an answer; no connection for a while; everything late for a while.
        case cutPostgres, cutRedis, partPostgres, partRedis, slowPostgres, slowRedis
    }

    /// The faults of a seed: each kind once, in an order of its own, before any comes twice.
    static func draw(_ count: Int, _ chance: inout SeededNumbers) -> [Fault] {
        var drawn: [Fault] = []
        while drawn.count < count { drawn += Fault.allCases.shuffled(using: &chance) }
        return Array(drawn.prefix(count))
    }

    /// A point and a passing of it, as the setting takes it.
    static func crash(_ points: [CrashPoint], _ chance: inout SeededNumbers) -> String {
        "\(points.randomElement(using: &chance)!.rawValue):\(Int.random(in: 1...5, using: &chance))"
    }
}
