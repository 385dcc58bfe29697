import FakeVendors
import Foundation
import LocalVendors
import Messages
import PostgresClient
import Records
import Tenancy

/// A burst of alerts through real processes to the vendors' fakes: how long what is urgent takes, and what became of each.
public struct MessageBenchmark: Sendable {
    public var alerts: Int
    /// So many of a hundred are urgent.
    public var urgentPercent: Int
    /// A vendor that answers nothing but 503: `dingtalk`, `wecom` or `feishu`.
    public var dead: String?

    public init(alerts: Int = 500, urgentPercent: Int = 20, dead: String? = nil) {
        self.alerts = alerts
        self.urgentPercent = urgentPercent
        self.dead = dead
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> BenchmarkResult {
        let vendors = LocalVendors()
        vendors.with {
            $0.dingtalk.robots["t"] = FakeDingTalk.Robot(secret: "SECabc")
            $0.wecom.robots["k"] = FakeWeCom.Robot()
            $0.feishu.bots["h"] = FakeFeishu.Bot(secret: "s")
        }
        return try await vendors.serving { address in
            try await BenchServers.with { bench in
                try await bench.mustBeDurable()
                let tenant = try await bench.tenant("burst")
                let key = Array(UInt8(0)..<32)
                try await connect(bench, tenant, key, address)
                let fleet = bench.processes(
                    executable, ["work"],
                    environment: ["KITELINE_SECRET_KEY": Data(key).base64EncodedString(), "KITELINE_LOCAL_TARGETS": "yes"])
                try fleet.start()
                try await warmUp(bench, tenant, vendors)
                // It goes down as the burst begins, so that nobody knows yet.
                if let dead = dead.flatMap(LocalVendors.Name.init) { vendors.with { $0.troubles[dead] = .down } }
                let before = bench.cpu(processes: fleet.pids)
                let start = Date()
                try await tell(bench, tenant)
                while try await bench.count("SELECT count(*) FROM message WHERE state IN ('waiting', 'sending')") > 0 {
                    try await Task.sleep(for: .milliseconds(100))
                }
                let after = bench.cpu(processes: fleet.pids)
                await fleet.stop()
                return try result(vendors, since: start, cpu: after - before)
            }
        }
    }

    private func connect(_ bench: BenchServers, _ tenant: TenantID, _ key: [UInt8], _ address: String) async throws {
        let all: [(String, ConnectorKind, [String: String])] = [
            ("dingtalk", .dingtalkRobot, ["access_token": "t", "secret": "SECabc"]), ("wecom", .wecomRobot, ["key": "k"]),
            ("feishu", .feishuBot, ["hook_id": "h", "secret": "s"]),
        ]
        for (place, (name, kind, secrets)) in all.enumerated() {
            var settings = ConnectorSettings()
            settings.url = address
            try await bench.connect(name, kind, settings, secrets, of: tenant, key: key, place: place)
        }
    }

    /// The worker is up when one message has arrived.
    private func warmUp(_ bench: BenchServers, _ tenant: TenantID, _ vendors: LocalVendors) async throws {
        _ = try await bench.owner.query(
            """
            INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, channels)
            VALUES (\(tenant.rawValue), 'role:operator', 'bench', '0', 'ready', 'ready', '{work_app}')
            """)
        while vendors.shown.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    }

    private func tell(_ bench: BenchServers, _ tenant: TenantID) async throws {
        _ = try await bench.owner.query(
            """
            INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, urgency, channels)
            SELECT \(tenant.rawValue), 'role:operator', 'bench', n::text, 'The lead of Huadong Machinery #' || n || '· is late by 8 min.',
                '线索「华东机械 #' || n || '·」响应超时 8 分钟，负责人：陈伟。', CASE WHEN n % 100 < \(Int32(urgentPercent)) THEN 'urgent' ELSE 'normal' END,
                '{work_app}'
            FROM generate_series(0, \(Int32(alerts - 1))) n
            """)
    }

    private func result(_ vendors: LocalVendors, since start: Date, cpu: CPUTimes) throws -> BenchmarkResult {
        var seen: [Int: [Date]] = [:]
        for shown in vendors.shown {
            for mark in shown.text.matches(of: /#([0-9]+)·/) { seen[Int(mark.1) ?? -1, default: []].append(shown.at) }
        }
        func waits(_ urgent: Bool) -> [Double] {
            seen.filter { ($0.key % 100 < urgentPercent) == urgent }.values.compactMap { $0.min()?.timeIntervalSince(start) }.sorted()
        }
        let (urgent, normal) = (waits(true), waits(false))
        func part(_ sorted: [Double], _ share: Double) -> Double { sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)] }
        let requests = vendors.shown.count - 1
        return BenchmarkResult(
            suite: "messages", jobsPerSecond: Double(alerts) / max(part(urgent, 1), part(normal, 1), 0.001), limitJobsPerSecond: nil,
            p50Ms: part(urgent, 0.5) * 1_000, p99Ms: part(urgent, 0.99) * 1_000, cpuUsPerJob: cpu.total / Double(alerts) * 1e6,
            share: cpu.shares, machine: .this,
            settings: ["alerts": "\(alerts)", "urgent_percent": "\(urgentPercent)", "dead": dead ?? "none"],
            more: [
                "urgent_last_s": part(urgent, 1), "normal_p50_s": part(normal, 0.5), "normal_last_s": part(normal, 1),
                "requests": Double(requests), "penalties": Double(vendors.penalties), "lost": Double(alerts - seen.count),
                "doubled": Double(seen.values.count { $0.count > 1 }),
            ])
    }
}
