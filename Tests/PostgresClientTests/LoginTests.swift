import Foundation
import LocalServers
import PostgresClient
import TestSupport
import Testing

@Suite struct LoginTests {
    @Test func `a role is taken on and stays on`() async throws {
        let owner = try await Server.pool()
        _ = try await owner.query("DO $$ BEGIN CREATE ROLE \"Plain \"\"role\" NOLOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
        let pool = PostgresPool(
            PostgresConfiguration(url: try await Server.url(), role: "Plain \"role"), size: 1, logger: Server.logger)

        let row = try await pool.query("SELECT current_user, session_user")[0]

        #expect(try row.get(0, as: String.self) == "Plain \"role")
        #expect(try row.get(1, as: String.self) == "kiteline")
        await pool.close()
        await owner.close()
    }

    @Test(arguments: ["SUPERUSER", "BYPASSRLS"]) func `a role that could bypass row security is refused at once`(_ attribute: String)
        async throws
    {
        let owner = try await Server.pool()
        let role = "mighty_\(attribute.lowercased())"
        _ = try await owner.query("CREATE ROLE \(unescaped: role) NOLOGIN \(unescaped: attribute)")
        let pool = PostgresPool(PostgresConfiguration(url: try await Server.url(), role: role), size: 1, logger: Server.logger)

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

        #expect(error?.code == .roleRefused && error?.isRetryable == false)
        await pool.close()
        await owner.close()
    }

    @Test func `a role that does not exist is told at once`() async throws {
        let configuration = PostgresConfiguration(url: try await Server.url(), role: "nobody_of_the_kind", connectTimeout: .seconds(60))
        let pool = PostgresPool(configuration, size: 1, logger: Server.logger)

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

        #expect(error?.message.contains("nobody_of_the_kind") == true)
        await pool.close()
    }

    @Test func `a password opens the door, and only the right one`() async throws {
        try await Self.withTLSServer { address in
            func pool(_ password: String) -> PostgresPool {
                let url = "postgres://clerk:\(password)@\(address)/kiteline?sslmode=disable"
                return PostgresPool(PostgresConfiguration(url: url, connectTimeout: .seconds(60)), size: 1, logger: Server.logger)
            }
            let (right, wrong) = (pool("s3cret%20phrase"), pool("wr0ng-phrase"))

            let name = try await right.query("SELECT session_user")[0].get(0, as: String.self)
            let error = await #expect(throws: PostgresError.self) { try await wrong.query("SELECT 1") }

            #expect(name == "clerk")
            #expect(error?.sqlState == "28P01" && error?.isRetryable == true)
            await right.close()
            await wrong.close()
        }
    }

    @Test func `a connection is encrypted when asked, and its statements can be cancelled`() async throws {
        try await Self.withTLSServer { address in
            let url = "postgres://clerk:s3cret%20phrase@\(address)/kiteline?sslmode=require"
            let pool = PostgresPool(PostgresConfiguration(url: url), size: 1, logger: Server.logger)

            let row = try await pool.query("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0]
            let late = await #expect(throws: PostgresError.self) {
                try await pool.query("SELECT pg_sleep(20)", deadline: .milliseconds(200))
            }
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }

            #expect(try row.get(0, as: Bool.self))
            #expect(try row.get(1, as: String.self).hasPrefix("TLSv1."))
            #expect(late?.code == .deadline && late?.mayHaveRun == false)
            #expect(try await pool.query("SELECT \(bytes)")[0].get(0, as: [UInt8].self) == bytes)
            let answers = try await pool.pipeline((0..<1_000).map { "SELECT \($0), \(bytes[0..<2_000].map { $0 })" })
            #expect(answers.count == 1_000)
            await pool.close()
        }
    }

    @Test func `a certificate nobody vouches for is refused where it must be verified`() async throws {
        try await Self.withTLSServer { address in
            let url =
                "postgres://clerk:s3cret%20phrase@\(address)/kiteline?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
            let pool = PostgresPool(PostgresConfiguration(url: url, connectTimeout: .seconds(1)), size: 1, logger: Server.logger)

            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

            #expect(error?.code == .connectionLost)
            #expect(error?.description.contains("s3cret") == false)
            await pool.close()
        }
    }

    /// What a careless operator may get wrong, with the password in every place it can have.
    @Test(arguments: [
        "postgres://clerk:hunter2@127.0.0.1:1/kiteline", "postgres://clerk:hunter2@127.0.0.1:1/kiteline?password=hunter2",
        "host=127.0.0.1 port=1 password=hunter2 user=clerk", "host=127.0.0.1 port=1 password hunter2",
        "postgres://clerk:hunter2@[/kiteline",
        "postgres://clerk:hunter2%zz@127.0.0.1:1/kiteline", "postgres://clerk@127.0.0.1:hunter2/kiteline", "hunter2",
        "postgres://clerk:a@hunter2@127.0.0.1:1/kiteline", "postgres://clerk:a/hunter2@127.0.0.1:1/kiteline",
        "postgres://clerk:1/hunter2@127.0.0.1:1/kiteline",
    ])
    func `no password is ever shown`(_ url: String) async throws {
        let configuration = PostgresConfiguration(url: url, connectTimeout: .milliseconds(200))
        let records = Recorder()
        let pool = PostgresPool(configuration, size: 1, logger: records.logger)

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        await pool.close()

        var dumped = ""
        dump(configuration, to: &dumped)
        dump(error, to: &dumped)
        let shown = ["\(configuration)", String(reflecting: configuration), "\(String(describing: error))", dumped] + records.lines.value
        for text in shown { #expect(!text.contains("hunter2"), "\(text)") }
        #expect(!records.lines.value.isEmpty, "the failure was logged")
    }
}

extension LoginTests {
    /// A server on loopback TCP with TLS and passwords; `body` gets its host and port.
    private static func withTLSServer(_ body: @Sendable (String) async throws -> Void) async throws {
        let port = Int.random(in: 20_000..<30_000)
        let folder = "/tmp/kiteline-tls-\(UUID().uuidString.prefix(8))"
        try await Command.run(
            """
            mkdir \(folder) && cd \(folder)
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=elsewhere \\
                -keyout key.pem -out cert.pem
            printf 'local all all trust\\nhost all all 127.0.0.1/32 scram-sha-256\\n' > hba
            chmod 600 key.pem; [ $(id -u) = 0 ] && chown -R postgres . || true
            """)
        var options = LocalServers.Options(redis: false, durable: false)
        options.postgresSettings = [
            "listen_addresses": "127.0.0.1", "port": "\(port)", "hba_file": "\(folder)/hba", "ssl": "on",
            "ssl_cert_file": "\(folder)/cert.pem",
            "ssl_key_file": "\(folder)/key.pem", "password_encryption": "scram-sha-256",
        ]
        try await TestServers.own(options: options) { servers in
            let owner = PostgresPool(
                PostgresConfiguration(url: servers.postgresURL + "&port=\(port)"), size: 1, logger: Server.logger)
            _ = try await owner.query("CREATE ROLE clerk LOGIN PASSWORD 's3cret phrase'")
            await owner.close()
            try await body("127.0.0.1:\(port)")
        }
        try FileManager.default.removeItem(atPath: folder)
    }
}
