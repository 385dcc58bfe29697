/// Where Redis is and how patient to be with it.
public struct RedisConfiguration: Sendable, CustomStringConvertible {
    public enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    /// How a `rediss://` server proves who it is.
    public enum TLS: Sendable, Hashable {
        /// By a certificate of an authority the system trusts.
        case systemAuthorities
        /// By a certificate of an authority in this PEM file.
        case authority(file: String)
        /// Not at all: encrypted, but to whom is unknown. For tests and closed networks only.
        case unverified
    }

    public var address: Address
    public var user: String?
    public var password: String?
    public var database: Int
    /// nil for a plain connection.
    public var tls: TLS?
    /// How the connection calls itself in `CLIENT LIST`.
    public var clientName = "kiteline"
    /// The limit of one attempt to connect, and of a command's wait for a connection.
    public var connectTimeout: Duration
    /// The limit from the call to its answer once there is a connection; nil waits for ever.
    public var commandTimeout: Duration?
    /// Commands that may be waiting or under way at once.
    public var maximumPending = 100_000

    /// - Parameters:
    ///   - url: `redis://[[user]:password@]host[:port][/db]`, `rediss://…` for TLS, or `unix:///path[?db=n]`.
    ///     User and password are percent-decoded.
    ///   - tls: for `rediss://` only.
    /// - Throws: ``RedisError`` with the code `configuration`.
    public init(
        url: String, connectTimeout: Duration = .seconds(2), commandTimeout: Duration? = .seconds(5), tls: TLS = .systemAuthorities
    ) throws(RedisError) {
        let url = try RedisURL(url)
        address = url.address
        user = url.user
        password = url.password
        database = url.database
        self.tls = url.isEncrypted ? tls : nil
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
    }

    public var description: String {
        switch address {
        case .tcp(let host, let port): "\(tls == nil ? "redis" : "rediss")://\(host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        }
    }
}
