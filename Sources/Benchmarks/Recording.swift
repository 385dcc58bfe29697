import Foundation
import PostgresClient

/// Rounds of statements with their values, kept in tables so that pgbench can send them without knowing what they mean.
///
/// A table for each statement of a round, a row for each round, a column for each bound value. JSON is kept as text, so that it is
/// read anew each time, as it is when it comes over a socket.
struct Recording: Sendable {
    private let trips: [[(sql: String, table: String, types: [String])]]

    init(of rounds: [Round], _ owner: PostgresPool) async throws {
        guard let first = rounds.first else { throw BenchmarkError.wrong("there is nothing to record") }
        var trips: [[(sql: String, table: String, types: [String])]] = []
        for (t, trip) in first.enumerated() {
            var recorded: [(sql: String, table: String, types: [String])] = []
            for (s, statement) in trip.enumerated() {
                let types = try await Self.names(of: statement.parameters.map(\.type), owner)
                recorded.append((statement.sql, "limit_\(t)_\(s)", types))
            }
            trips.append(recorded)
        }
        self.trips = trips
        for table in trips.joined() where !table.types.isEmpty { try await Self.create(table.table, table.types, owner) }
        for (n, round) in rounds.enumerated() {
            guard round.map({ $0.map(\.sql) }) == first.map({ $0.map(\.sql) }) else {
                throw BenchmarkError.wrong("the rounds are not of one shape, so they cannot be repeated by one script")
            }
            let rows = zip(trips.joined(), round.joined()).filter { !$0.0.types.isEmpty }
            _ = try await owner.pipeline(rows.map { Self.insert($0.table, $0.types, n, $1.parameters) })
        }
    }

    typealias Round = [[Statement]]

    /// What every client runs: its own rounds, one after another.
    func script(clients: Int) -> String {
        let trips = trips.map { trip in
            let statements = trip.map { Self.text($0.sql, $0.table, $0.types) + ";\n" }
            return "\\startpipeline\n\(statements.joined())\\endpipeline\n"
        }
        return "\\set round :n * \(clients) + :client_id\n\\set n :n + 1\n" + trips.joined()
    }

    /// The statement with a look-up in the place of each bound value; the highest number first, since $1 begins $10.
    private static func text(_ sql: String, _ table: String, _ types: [String]) -> String {
        types.indices.reversed().reduce(sql) { text, place in
            text.replacingOccurrences(
                of: "$\(place + 1)", with: "(SELECT p\(place) FROM \(table) WHERE round = :round::int)::\(types[place])")
        }
    }

    private static func names(of types: [PostgresType], _ owner: PostgresPool) async throws -> [String] {
        let numbers = types.map { Int64($0.rawValue) }
        return try await owner.query(
            "SELECT format_type(t::oid, NULL) AS name FROM unnest(\(numbers)) WITH ORDINALITY AS n(t, place) ORDER BY place"
        ).map { try $0.get("name") }
    }

    private static func kept(_ type: String) -> String { type.replacingOccurrences(of: "jsonb", with: "text") }

    private static func create(_ table: String, _ types: [String], _ owner: PostgresPool) async throws {
        let columns = types.enumerated().map { "p\($0) \(kept($1))" }.joined(separator: ", ")
        _ = try await owner.query("CREATE TABLE \(unescaped: table) (round int PRIMARY KEY, \(unescaped: columns))")
        for (place, type) in types.enumerated() where type.hasSuffix("[]") || type == "text" {
            // Unpacking what was packed would be on the limit's bill.
            _ = try await owner.query("ALTER TABLE \(unescaped: table) ALTER p\(unescaped: String(place)) SET STORAGE EXTERNAL")
        }
        _ = try await owner.query("GRANT SELECT ON \(unescaped: table) TO kiteline_engine")
    }

    private static func insert(_ table: String, _ types: [String], _ round: Int, _ values: [PostgresValue]) -> Statement {
        let places = types.enumerated().map { "$\($0 + 2)::\(kept($1))" }.joined(separator: ", ")
        let sql = "INSERT INTO \(table) VALUES ($1, \(places))"
        return Statement(sql, [PostgresValue(Int32(round))] + values)
    }
}
