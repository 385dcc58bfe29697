import FoundationEssentials

/// A Redis URL taken apart.
struct RedisURL {
    var address: RedisConfiguration.Address
    var user: String?
    var password: String?
    var database = 0
    var isEncrypted = false

    /// Errors never repeat the text: it may hold a password.
    init(_ text: String) throws(RedisError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            throw RedisError(.configuration, "the URL cannot be read; expected redis://host:port/db, rediss://… or unix:///path")
        }
        switch scheme {
        case "redis", "rediss":
            guard let host = parts.host, !host.isEmpty else { throw RedisError(.configuration, "the URL names no host") }
            let port = parts.port ?? 6379
            guard (1...65535).contains(port) else { throw RedisError(.configuration, "the URL's port is out of range") }
            address = .tcp(host: host.trimmingBrackets, port: port)
            isEncrypted = scheme == "rediss"
            database = try Self.database(parts.path.dropFirst())
        case "unix":
            guard parts.path.count > 1, parts.host ?? "" == "" else {
                throw RedisError(.configuration, "the URL names no socket; expected unix:///path")
            }
            address = .unix(path: parts.path)
        default:
            throw RedisError(.configuration, "the URL's scheme is none of redis, rediss, unix")
        }
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        password = parts.password
        for item in parts.queryItems ?? [] where item.name == "db" {
            database = try Self.database((item.value ?? "")[...])
        }
    }

    private static func database(_ text: Substring) throws(RedisError) -> Int {
        if text.isEmpty { return 0 }
        guard let number = Int(text), number >= 0 else { throw RedisError(.configuration, "the URL's database is not a number") }
        return number
    }
}

extension String {
    /// `[::1]` → `::1`
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
