import FakeVendors
import Foundation
import LocalVendors
import Messages
import PostgresClient
import Records
import Tenancy

extension FaultRun {
    /// Jobs of the tenants beside the one whose jobs fill a run.
    public static let neighbourJobs = Neighbour.allCases.reduce(0) { $0 + $1.jobs }

    /// Tenants beside the one whose jobs fill the run, each of whom something was promised.
    enum Neighbour: String, CaseIterable {
        /// May run so many at once, and has more ready jobs than the index takes in line.
        case capped
        /// May begin so many a second.
        case rated
        /// Is paused until the last fault is over.
        case held
        /// Is told of each job's end by a webhook.
        case told
        /// Asks for its jobs at a later time.
        case later

        var settings: TenantSettings {
            var settings = TenantSettings()
            switch self {
            case .capped: (settings.cap, settings.readyCapacity) = (2, 10)
            case .rated: (settings.rate, settings.burst) = (5, 5)
            case .held, .told, .later: break
            }
            return settings
        }

        var jobs: Int {
            switch self {
            case .capped, .rated: 60
            case .held, .told, .later: 30
            }
        }

        /// How long each of its jobs takes, in milliseconds.
        var sleep: Int { self == .capped ? 100 : 1 }
        var delay: TimeInterval? { self == .later ? 2 : nil }
    }
}

/// The tenants of a fault run, and whoever takes their webhooks.
struct FaultNeighbours: Sendable {
    static let secretKey = Array(UInt8(0)..<32)
    private static let webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    let clients: [FaultRun.Neighbour: JobClient]
    private let vendors: LocalVendors
    private let records: Records

    /// - Parameter address: of the vendors.
    init(_ bench: BenchServers, _ records: Records, port: Int, vendors: LocalVendors, address: String) async throws {
        self.vendors = vendors
        self.records = records
        vendors.with { $0.receiver.secret = Self.webhookSecret }
        var clients: [FaultRun.Neighbour: JobClient] = [:]
        for neighbour in FaultRun.Neighbour.allCases {
            guard let slug = Slug(neighbour.rawValue),
                let tenant = try await records.createTenant(slug, neighbour.settings, by: "bench")?.id
            else { throw BenchmarkError.wrong("no tenant \(neighbour.rawValue) was made") }
            if neighbour == .held { _ = try await records.pause(slug, true, reason: "until the last fault is over", by: "bench") }
            if neighbour == .told {
                var settings = ConnectorSettings()
                (settings.url, settings.events) = (address + "/hook", ["job"])
                try await bench.connect("hook", .webhook, settings, ["secret": Self.webhookSecret], of: tenant, key: Self.secretKey)
            }
            try await bench.tell(tenant)
            clients[neighbour] = JobClient(port: port, key: try await records.createKey(.tenant, for: tenant, by: "bench").key.secret)
        }
        self.clients = clients
    }

    /// Lets the paused one go.
    func resume() async throws {
        guard let slug = Slug(FaultRun.Neighbour.held.rawValue) else { return }
        try await BenchServers.persisting { _ = try await records.pause(slug, false, reason: "the last fault is over", by: "bench") }
    }

    /// Each request that came for a webhook.
    var received: [FaultCheck.Received] {
        vendors.with { state in
            state.receiver.requests.map {
                FaultCheck.Received(id: $0.headers["webhook-id"] ?? "", body: String(decoding: $0.body, as: UTF8.self))
            }
        }
    }

    /// Requests whose signature was wrong.
    var refused: Int { vendors.with { $0.receiver.refused } }
}
