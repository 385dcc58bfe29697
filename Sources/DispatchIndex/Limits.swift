import RedisClient
import Tenancy

/// What a tenant is entitled to.
public struct TenantShare: Sendable, Hashable {
    public var tenant: TenantID
    /// Share of the fleet's worker-time against other tenants with work waiting.
    public var weight: Int
    /// Most jobs running at once; 0: paused.
    public var cap: Int
    /// Most jobs begun a second, on average; nil: no such limit.
    public var rate: Double?
    /// Most jobs begun at once after a quiet time; nil: one second's worth, at least 1.
    public var burst: Int?
    /// Most ready jobs of one flow in the index; the others are deferred.
    public var capacity: Int

    public init(tenant: TenantID, weight: Int, cap: Int, rate: Double? = nil, burst: Int? = nil, capacity: Int = 1000) {
        self.tenant = tenant
        self.weight = weight
        self.cap = cap
        self.rate = rate
        self.burst = burst
        self.capacity = capacity
    }

    /// What holds until a tenant's own settings have arrived; the defaults of the table `tenant`.
    static let standard = TenantShare(tenant: TenantID(0), weight: 1, cap: 1000)
}

/// A gate that jobs pass on their way to running. Everything that can hold a flow back is one.
public enum Gate: Sendable, Hashable {
    /// Jobs of a kind, of every tenant.
    case kind(String)
    /// One tenant's jobs of a kind: open or closed, nothing between.
    case tenantKind(TenantID, String)
    /// Jobs that need an outside thing, of every tenant.
    case dependency(String)
    /// One tenant's jobs that need an outside thing.
    case tenantDependency(TenantID, String)

    /// As index and ledger spell it.
    public var name: String {
        switch self {
        case .kind(let kind): "k:\(kind)"
        case .tenantKind(let tenant, let kind): "\(tenant)/k:\(kind)"
        case .dependency(let name): "d:\(name)"
        case .tenantDependency(let tenant, let name): "\(tenant)/d:\(name)"
        }
    }

    public init?(name: String) {
        let digits = name.prefix { $0.isNumber }
        let last = name.dropFirst(digits.isEmpty ? 0 : digits.count + 1)
        let value = String(last.dropFirst(2))
        switch (Int64(digits).map(TenantID.init), last.prefix(2)) {
        case (nil, "k:"): self = .kind(value)
        case (let tenant?, "k:"): self = .tenantKind(tenant, value)
        case (nil, "d:"): self = .dependency(value)
        case (let tenant?, "d:"): self = .tenantDependency(tenant, value)
        default: return nil
        }
    }
}

extension Dispatch {
    /// Sets what tenants are entitled to, from the next claim on.
    public func configure(_ shares: [TenantShare]) async throws {
        let epoch = try current()
        for chunk in shares.chunks(of: 200) {
            let arguments = chunk.flatMap { share -> [RedisArgument] in
                let burst = share.burst ?? share.rate.map { max(1, Int($0.rounded(.up))) }
                return [
                    RedisArgument(share.tenant.rawValue), RedisArgument(share.weight), RedisArgument(share.cap),
                    RedisArgument(share.rate.map { "\($0)" } ?? ""), RedisArgument(burst.map { "\($0)" } ?? ""),
                    RedisArgument(share.capacity),
                ]
            }
            _ = try await evaluate(.configure, under: epoch, arguments)
        }
    }

    /// Sets how many claims gates let through at once, from the next claim on: 0 closes one, nil takes its limit away.
    /// Jobs that have already passed go on.
    /// - Parameter gates: by name.
    public func limit(gates: [String: Int?]) async throws {
        let epoch = try current()
        for chunk in Array(gates).chunks(of: 500) {
            let arguments = chunk.flatMap { [RedisArgument($0.key), RedisArgument($0.value.map { "\($0)" } ?? "")] }
            _ = try await evaluate(.setGates, under: epoch, arguments)
        }
    }

    /// The limits there are, by gate.
    public func gateLimits() async throws -> [String: Int] {
        let reply = try await redis.send(["HGETALL", RedisArgument(try key("gate"))]).array ?? []
        return stride(from: 0, to: reply.count - 1, by: 2).reduce(into: [:]) { limits, i in
            guard let gate = reply[i].string, let limit = reply[i + 1].int64 else { return }
            limits[gate] = Int(limit)
        }
    }

    public func limit(_ gate: Gate, to limit: Int?) async throws { try await self.limit(gates: [gate.name: limit]) }
}
