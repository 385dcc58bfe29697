import CLibPQ
import Glibc

/// How to reach a Postgres, and as whom. Never shows its password.
public struct PostgresConfiguration: Sendable {
    private let url: String
    /// Taken on with SET ROLE after every connect; refused when it could bypass row security.
    public let role: String?
    public let applicationName: String
    public let connectTimeout: Duration
    /// The server's own limit on each statement; zero means none.
    public let statementTimeout: Duration
    /// How often a link looks whether tables have outgrown the plans of its prepared statements. Postgres keeps one until a table is
    /// analyzed: made when the table was empty, it goes on to read all of a table that has grown.
    public let planCheckInterval: Duration

    /// `url` is anything libpq takes: `postgres://user:password@host/database?sslmode=require`, `postgres:///database?host=/socket/dir`,
    /// or `host=… dbname=…`.
    public init(
        url: String, role: String? = nil, applicationName: String = "kiteline", connectTimeout: Duration = .seconds(5),
        statementTimeout: Duration = .seconds(30), planCheckInterval: Duration = .seconds(5)
    ) {
        self.planCheckInterval = planCheckInterval
        self.url = url
        self.role = role
        self.applicationName = applicationName
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
    }
}

extension PostgresConfiguration {
    /// A dead peer is noticed within about 15 s, whether we wait for it or talk to it. What the URL says goes before.
    private static let defaults = [
        "client_encoding": "UTF8", "tcp_user_timeout": "15000", "keepalives_idle": "5", "keepalives_interval": "3", "keepalives_count": "3",
    ]

    /// libpq's connection parameters. Its own complaint about a URL may quote the password, so it is not passed on.
    func parameters() throws -> [String: String] {
        let unreadable = PostgresError(.invalidRequest, "the connection URL cannot be read; is its password percent-encoded?")
        guard let options = PQconninfoParse(url, nil) else { throw unreadable }
        defer { PQconninfoFree(options) }
        var parameters = Self.defaults
        parameters["application_name"] = applicationName
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        guard Self.isPlausible(parameters) else { throw unreadable }
        return parameters
    }

    /// A password with an unencoded `/`, `:` or `@` ends up, in part, in the host, port or database, and from there in messages.
    private static func isPlausible(_ parameters: [String: String]) -> Bool {
        let port = parameters["port"] ?? ""
        return port.allSatisfy { $0.isASCII && $0.isNumber || $0 == "," }
            && !["host", "hostaddr", "dbname"].contains { parameters[$0]?.contains("@") ?? false }
    }

    /// A condition on a row of pg_roles: the user may take it on with SET ROLE. From Postgres 16 on being a member is not enough.
    public static let mayTakeOn =
        "pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"

    /// What every session begins with, in one round trip. The last row says whether the role could bypass row security.
    var sessionSQL: String {
        let timeout = statementTimeout.wholeMilliseconds
        let settings = "SET statement_timeout = \(timeout); SET timezone = 'UTC';"
        guard let role else { return settings }
        let quoted = role.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return """
            \(settings) SET ROLE "\(quoted)"; \
            SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user
            """
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        let parameters = (try? parameters()) ?? [:]
        let shown = ["host", "port", "dbname", "user"].compactMap { name in parameters[name].map { "\(name)=\($0)" } }
        return (["postgres"] + shown + [role.map { "role=\($0)" }].compactMap { $0 }).joined(separator: " ")
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["connection": description]) }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
