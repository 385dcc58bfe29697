/// SQL with bound values. Interpolation binds, always; `\(unescaped:)` pastes trusted SQL. Prepared once a connection, by its text.
///
///     "SELECT name FROM tenant WHERE id = \(id)"
///     Statement("SELECT name FROM tenant WHERE id = $1", [.init(id)])
///
/// Strings are declared `text`: compare with an enum column as `\(state)::job_state`.
public struct Statement: Sendable {
    public let sql: String
    public let parameters: [PostgresValue]

    public init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension Statement: ExpressibleByStringInterpolation {
    public init(stringLiteral sql: String) { self.init(sql) }
    public init(stringInterpolation interpolation: StringInterpolation) {
        self.init(interpolation.sql, interpolation.parameters)
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        var sql: String
        var parameters: [PostgresValue] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            sql = ""
            sql.reserveCapacity(literalCapacity + interpolationCount * 3)
            parameters.reserveCapacity(interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) { sql += literal }

        /// Binds a value: `$n` in the text, the value beside it.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            appendInterpolation(value.postgresValue)
        }

        /// Binds a value or NULL. On its own so that the compiler does not take the optional for a mistake.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            appendInterpolation(value.postgresValue)
        }

        public mutating func appendInterpolation(_ value: PostgresValue) {
            parameters.append(value)
            sql += "$"
            sql += String(parameters.count)
        }

        /// Pastes SQL as it is. Never anything that came from outside.
        public mutating func appendInterpolation(unescaped sql: String) { self.sql += sql }
    }
}

extension Statement: CustomStringConvertible {
    /// The text without its values, which may be personal.
    public var description: String { sql }
}
