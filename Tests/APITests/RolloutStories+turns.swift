import Foundation
import Records
import Rollouts
import Sampling
import Tenancy
import TestSupport
import Testing

/// With several workers under load, the percentage is changed, taken back and promoted at random.
extension RolloutStories {
    @Test(arguments: [1, 2])
    func `whatever people turn, each customer's arm is that of the percentage in force, and an abort is the end of it`(
        seed: UInt64
    ) async throws {
        try await house { house, tenant in
            try await house.rule(.map, mapping, of: tenant)
            var turns = RandomTurns(seed: seed, house: house, tenant: tenant)
            try await house.working(workers: 3) {
                try await turns.make(14, leads: { try await buyers($0, house, tenant, again: $1) { _ in 0 } })
            }
            try await turns.expectKept()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `so it is with worker processes, of which one is killed at every third turn`() async throws {
        try await house { house, tenant in
            try await house.rule(.map, mapping, of: tenant)
            let folder = FileManager.default.temporaryDirectory.appending(path: "kiteline-turns-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(at: folder) }
            func work() throws -> ProgramRun {
                let settings = [
                    "KITELINE_POSTGRES_URL": house.database.url, "KITELINE_REDIS_URL": house.database.redisURL,
                    "KITELINE_REDIS_NAMESPACE": house.database.keyPrefix, "KITELINE_LEASE_SECONDS": "2", "KITELINE_BEAT_SECONDS": "0.5",
                    "KITELINE_SILENCE_SECONDS": "3", "KITELINE_REAP_SECONDS": "0.1", "KITELINE_ENGINE_POOL": "2", "KITELINE_APP_POOL": "1",
                ]
                return try ProgramRun(["work"], in: folder.path, environment: settings)
            }
            var processes = try (0..<3).map { _ in try work() }
            defer { for process in processes { process.send(SIGKILL) } }

            var turns = RandomTurns(seed: 3, house: house, tenant: tenant)
            try await turns.make(
                12, leads: { try await buyers($0, house, tenant, again: $1) { _ in 0 } },
                after: { turn in
                    guard turn % 3 == 2 else { return }
                    processes.removeFirst().send(SIGKILL)
                    processes.append(try work())
                })

            try await turns.expectKept()
            #expect(try await house.count("worker") >= 3)
        }
    }
}

/// What people do to a rollout, drawn from a seed, and what must be true afterwards.
private struct RandomTurns {
    static let variant = "rules: [{ id: v, to: everyone, by: fewest_pending }]"

    private var generator: SeededNumbers
    private let house: SalesHouse
    private let tenant: TenantID
    /// How many leads a version had decided when its abort was acknowledged.
    private var decided: [(rollout: Int64, leads: Int)] = []

    init(seed: UInt64, house: SalesHouse, tenant: TenantID) {
        generator = SeededNumbers(seed: seed)
        self.house = house
        self.tenant = tenant
    }

    /// Before each turn 40 leads come: 30 of new customers, 10 of those who came before. Ends when all are decided.
    mutating func make(
        _ count: Int, leads: (_ buyers: [Int], _ again: Int) async throws -> Void, after: (_ turn: Int) throws -> Void = { _ in }
    ) async throws {
        var version = try await house.draft(.route, Self.variant, of: tenant)
        var rollout = try await house.roll(.route, to: version, percent: 10, of: tenant)
        // That something is decided by the first of them, whatever is turned then.
        try await leads(Array(0..<30), 0)
        try await soon { try await house.count("rollout_case") > 0 }
        for turn in 1...count {
            try await leads(Array(turn * 30..<turn * 30 + 30) + (0..<10).map { turn * 30 - 3 * ($0 + 1) }, turn)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                try await house.turn(rollout, .abort, of: tenant)
                decided.append((rollout, try await house.count("rollout_case WHERE rollout_id = \(rollout)")))
                rollout = try await house.roll(.route, to: version, percent: 30, of: tenant)
            case 1:
                try await house.turn(rollout, .promote, of: tenant)
                version = try await house.draft(.route, Self.variant.replacing("id: v", with: "id: v\(turn)"), of: tenant)
                rollout = try await house.roll(.route, to: version, percent: 20, of: tenant)
            default:
                let percent = Percent(hundredths: Int.random(in: 1...10_000, using: &generator))!
                try await house.turn(rollout, .percent(percent), of: tenant)
            }
            try after(turn)
        }
        // Ten come twice to the last of them, however slowly the others were decided.
        for again in 1...2 {
            try await soon { try await house.count("job_live") == 0 }
            try await leads(Array(0..<10), count + again)
        }
        try await soon { try await house.count("job_live") == 0 }
    }

    func expectKept() async throws {
        for (rollout, leads) in decided {
            #expect(
                try await house.count("rollout_case WHERE rollout_id = \(rollout)") == leads,
                "decided by a version after it was taken back")
        }
        for row in try await house.rows("SELECT e.*, r.kind, r.name FROM exposure e JOIN rollout r ON r.id = e.rollout_id") {
            let arm = Bucket.arm(
                tenant: tenant.rawValue, lineage: "\(try row.get("kind", as: String.self))/\(try row.get("name", as: String.self))",
                customer: try row.get("customer"), percent: Percent(hundredths: Int(try row.get("percent", as: Int32.self)))!)
            #expect(try row.get("arm") == arm.rawValue)
        }
        // The percentage noted with an exposure was the one in force, and a lead's arm is its customer's, however often it comes.
        let misled = """
            rollout_case c JOIN lead l ON l.id = c.lead_id
                JOIN exposure e ON e.rollout_id = c.rollout_id AND e.customer = 'c' || l.customer_id
                JOIN rollout_stage s ON s.rollout_id = c.rollout_id AND s.number = c.stage
            WHERE c.arm <> e.arm OR (c.decided_at = e.at AND s.percent <> e.percent)
            """
        #expect(try await house.count(misled) == 0)
        let all = "SELECT count(*) FROM rollout_case c WHERE c.rollout_id = s.rollout_id AND c.stage = s.number"
        #expect(try await house.count("rollout_stage s WHERE s.stable_n + s.canary_n <> (\(all))") == 0)
        // Somebody came again to the same rollout, and was counted as exposed once.
        let (cases, exposures) = (try await house.count("rollout_case"), try await house.count("exposure"))
        #expect(cases > exposures)
        let unlike = """
            rollout r WHERE (SELECT sum(canary_exposed + stable_exposed) FROM rollout_stage WHERE rollout_id = r.id)
                <> (SELECT count(*) FROM exposure WHERE rollout_id = r.id)
            """
        #expect(try await house.count(unlike) == 0)
        #expect(try await house.count("lead WHERE state <> 'assigned'") == 0)
        try await house.expectSound()
    }
}
