import Foundation
import PostgresClient
import Testing

@Suite struct ValueTests {
    @Test func `every scalar comes back as it went`() async throws {
        let pool = try await Server.pool()
        try await roundTrip(pool, [true, false])
        try await roundTrip(pool, [Int16.min, -1, 0, 1, .max])
        try await roundTrip(pool, [Int32.min, -1, 0, 1, .max])
        try await roundTrip(pool, [Int64.min, -1, 0, 1, .max])
        try await roundTrip(pool, [Int.min, -1, 0, 1, .max])
        try await roundTrip(pool, [-Double.infinity, -0.0, 0, .pi, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity])
        try await roundTrip(pool, [Float.pi, -.infinity, 0])
        try await roundTrip(pool, ["", "a", "Grüße, 世界 👩‍👩‍👧 \u{301}", "'; DROP TABLE job; --", "back\\slash\n\t", "$1"])
        try await roundTrip(pool, [[], [0], [UInt8](0...255)] as [[UInt8]])
        try await roundTrip(pool, [UUID(), UUID(uuidString: "00000000-0000-0000-0000-000000000000")!])
        try await roundTrip(pool, [JSONBytes("{\"a\": [1, \"é\"]}"), JSONBytes("null"), JSONBytes("{}"), JSONBytes("\"\"")])
        await pool.close()
    }

    /// As a parameter, as an optional, as NULL, in an array, in an array of optionals with NULLs, in an empty array, in a NULL array.
    private func roundTrip<Value>(_ pool: PostgresPool, _ values: [Value]) async throws
    where Value: PostgresArrayElement & PostgresDecodable & Equatable {
        for value in values {
            let row = try await pool.query("SELECT \(value) AS plain, \(Optional(value)) AS optional, \(Value?.none) AS null")[0]
            #expect(try row.get("plain", as: Value.self) == value)
            #expect(try row.get("optional", as: Value?.self) == value)
            #expect(try row.get("null", as: Value?.self) == nil)
            #expect(throws: PostgresError.self) { try row.get("null", as: Value.self) }
        }
        let holed: [Value?] = [nil] + values.map { $0 } + [nil]
        let row = try await pool.query(
            "SELECT \(values), \(holed), \([] as [Value]), \([Value]?.none), pg_typeof(\(values)) = pg_typeof(\(holed))")[0]
        #expect(try row.get(0, as: [Value].self) == values)
        #expect(try row.get(1, as: [Value?].self) == holed)
        #expect(throws: PostgresError.self) { try row.get(1, as: [Value].self) }
        #expect(try row.get(2, as: [Value].self) == [])
        #expect(try row.get(3, as: [Value]?.self) == nil)
        #expect(try row.get(4, as: Bool.self))
    }

    @Test func `a time comes back to the microsecond`() async throws {
        let pool = try await Server.pool()
        let seconds: [TimeInterval] = [0, 946_684_800, 1_753_862_400.123456, -2_208_988_800.5, 253_402_300_799.999999]
        let times = seconds.map { Date(timeIntervalSince1970: $0) }

        let row = try await pool.query("SELECT \(times) AS times, \(times[2])::text AS text, \(times.map(Optional.some)) AS optional")[0]

        let back = try row.get("times", as: [Date].self)
        for (one, other) in zip(times, back) { #expect(abs(one.timeIntervalSince(other)) < 0.000_001) }
        #expect(try row.get("text", as: String.self) == "2025-07-30 08:00:00.123456+00")
        #expect(try row.get("optional", as: [Date?].self) == back)
        let again = try await pool.query("SELECT \(back)")[0].get(0, as: [Date].self)
        #expect(again == back, "what was read once is read the same ever after")
        await pool.close()
    }

    @Test func `times at the end of time are refused, not misread`() async throws {
        let pool = try await Server.pool()

        let row = try await pool.query(
            "SELECT 'infinity'::timestamptz, '-infinity'::date, \(Date.distantFuture), \(Date(timeIntervalSince1970: 1e300))::text, date '2024-02-29'"
        )[0]

        #expect(throws: PostgresError.self) { try row.get(0, as: Date.self) }
        #expect(throws: PostgresError.self) { try row.get(1, as: Date.self) }
        #expect(try row.get(2, as: Date.self) == .distantFuture)
        #expect(try row.get(3, as: String.self) == "infinity")
        #expect(try row.get(4, as: Date.self) == Date(timeIntervalSince1970: 1_709_164_800))
        await pool.close()
    }

    @Test(arguments: [
        "0", "1", "-1", "0.5", "-0.05", "10000", "9999.9999", "123456789012345678901234567890.000100", "0.00000001", "1000000000000", "NaN",
        "1.00",
        "9223372036854775807",
    ])
    func `a numeric reads with all its digits`(_ text: String) async throws {
        let pool = try await Server.pool()

        let row = try await pool.query("SELECT \(text)::numeric AS n")[0]

        #expect(try row.get("n", as: String.self) == text)
        let double = try row.get("n", as: Double.self)
        #expect(double.isNaN ? text == "NaN" : double == Double(text))
        if let whole = Int(text) { #expect(try row.get("n", as: Int.self) == whole) }
        if text.contains(".") { #expect(throws: PostgresError.self) { try row.get("n", as: Int.self) } }
        await pool.close()
    }

    @Test func `text of any kind reads as a string`() async throws {
        enum State: String, PostgresDecodable, PostgresArrayElement { case available, running }
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TYPE pg_temp.state AS ENUM ('available', 'running')")

        let row = try await pool.query(
            """
            SELECT \(State.running)::pg_temp.state, 'n'::name, 'c'::"char", 'v'::varchar(3), 'b'::char(2), '{"a":1}'::json, NULL::pg_temp.state,
                \(UUID(uuidString: "6BA7B810-9DAD-11D1-80B4-00C04FD430C8")!), ARRAY['running', 'available']::pg_temp.state[], \([State.available])
            """)[0]

        #expect(try row.get(0, as: String.self) == "running")
        #expect(try row.get(0, as: State.self) == .running)
        let texts: [String] = try (1...5).map { try row.get($0) }
        #expect(texts == ["n", "c", "v", "b ", "{\"a\":1}"])
        #expect(try row.get(6, as: State?.self) == nil)
        #expect(try row.get(7, as: String.self) == "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        #expect(try row.get(8, as: [State].self) == [.running, .available])
        #expect(try row.get(9, as: [State].self) == [.available])
        await pool.close()
    }

    @Test func `a value of the wrong type is an error that names its column`() async throws {
        let pool = try await Server.pool()

        let row = try await pool.query(
            "SELECT 'x'::text AS word, 70000 AS big, '{{1},{2}}'::int8[] AS deep, interval '1 day' AS odd, \([UInt8](0...40)) AS raw")[0]

        #expect { try row.get("word", as: Int.self) } throws: { "\($0)".contains("\"word\"") }
        #expect(throws: PostgresError.self) { try row.get("big", as: Int16.self) }
        #expect(try row.get("big", as: Int.self) == 70_000)
        #expect(throws: PostgresError.self) { try row.get("deep", as: [Int].self) }
        #expect(throws: PostgresError.self) { try row.get("odd", as: String.self) }
        #expect(throws: PostgresError.self) { try row.get("raw", as: [Int].self) }
        #expect(throws: PostgresError.self) { try row.get("word", as: [String].self) }
        #expect(throws: PostgresError.self) { try row.get("absent", as: Int.self) }
        #expect(throws: PostgresError.self) { try row.get(9, as: Int.self) }
        await pool.close()
    }

    @Test func `ten megabytes go and come back`() async throws {
        let pool = try await Server.pool()
        let bytes = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let text = String(repeating: "0123456789é", count: 900_000)

        let row = try await pool.query("SELECT \(bytes) AS bytes, \(text) AS text, \([text, text]) AS texts")[0]

        #expect(try row.get("bytes", as: [UInt8].self) == bytes)
        #expect(try row.get("text", as: String.self) == text)
        #expect(try row.get("texts", as: [String].self) == [text, text])
        await pool.close()
    }

    @Test func `a batch is inserted from arrays`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE batch (id uuid, tenant int8, kind text, payload jsonb, at timestamptz, note text)")
        let ids = (0..<1_000).map { _ in UUID() }

        let inserted = try await pool.query(
            """
            INSERT INTO batch
            SELECT * FROM unnest(\(ids), \(ids.indices.map { $0 }), \(ids.map { "kind-\($0)" }), \(ids.map { JSONBytes("{\"id\":\"\($0)\"}") }),
                \(ids.map { _ in Date(timeIntervalSince1970: 1) }), \(ids.indices.map { $0 % 2 == 0 ? "n\($0)" : nil }))
            """)
        let rows = try await pool.query("SELECT id, tenant, payload->>'id' AS inner, note FROM batch ORDER BY tenant")

        #expect(inserted.affected == 1_000)
        let found: [UUID] = try rows.map { try $0.get("id") }
        #expect(found == ids)
        #expect(try rows[7].get("inner", as: String.self) == ids[7].uuidString)
        let notes: [String?] = try rows.map { try $0.get("note") }
        #expect(notes.count { $0 == nil } == 500)
        await pool.close()
    }

    @Test func `what cannot be sent is refused before it is sent`() async throws {
        let pool = try await Server.pool()

        await #expect(throws: PostgresError.self) { try await pool.query(Statement("SELECT 1", Array(repeating: 1, count: 65_536))) }
        await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1 \0 garbage") }
        await #expect(throws: PostgresError.self) { try await pool.query("SELECT \("a\0b")") }

        #expect(try await pool.query("SELECT 1")[0].get(0, as: Int.self) == 1)
        await pool.close()
    }
}
