import CLibPQ

/// How libpq's own programs (`pg_dump`, `pg_restore`) reach the same server.
public struct ToolEnvironment: Sendable {
    /// The parameters that have a variable (`PGHOST`, `PGPASSWORD` …): a command line can be read by everybody on the machine, an
    /// environment by its user only.
    public let variables: [String: String]
    /// The others, none of them secret, for `--dbname`; never empty.
    public let connection: String
}

extension PostgresConfiguration {
    /// - Parameter database: what it is called there; the URL may leave that to libpq.
    public func toolEnvironment(database: String) throws -> ToolEnvironment {
        let given = try parameters()
        guard let options = PQconndefaults() else { throw PostgresError(.invalidRequest, "out of memory") }
        defer { PQconninfoFree(options) }
        var variables: [String: String] = [:]
        var rest = ["dbname": database]
        var option = options
        while let keyword = option.pointee.keyword.map({ String(cString: $0) }) {
            defer { option += 1 }
            guard keyword != "dbname", let value = given[keyword] else { continue }
            if let variable = option.pointee.envvar {
                variables[String(cString: variable)] = value
            } else if option.pointee.dispchar.map({ String(cString: $0) }) == "*" {
                throw PostgresError(
                    .invalidRequest, "\(keyword) cannot be told to Postgres' own programs; put it into a file that libpq reads")
            } else {
                rest[keyword] = value
            }
        }
        let connection = rest.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted($0.value))" }.joined(separator: " ")
        return ToolEnvironment(variables: variables, connection: connection)
    }

    /// As a connection string has it.
    private static func quoted(_ value: String) -> String {
        "'" + value.replacing("\\", with: #"\\"#).replacing("'", with: #"\'"#) + "'"
    }
}
