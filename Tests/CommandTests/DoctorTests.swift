import Testing

@testable import kiteline

/// What `kiteline doctor` makes of what it finds.
@Suite struct DoctorTests {
    @Test(
        arguments: [
            ("28P01", "", "the user or the password"), ("28000", "", "pg_hba.conf"), ("3D000", "", "createdb --owner"),
            ("53300", "", "max_connections"), ("57P03", "", "wait until it has"), ("42501", "", "the server answers, and refuses"),
            (nil, "connection failed: fe_sendauth: no password supplied", "asks for a password"),
            (nil, "connection refused", "KITELINE_POSTGRES_URL must name a server that answers"),
        ] as [(String?, String, String)])
    func `what Postgres refused with decides on the advice`(state: String?, words: String, advice: String) {
        #expect(ConnectionAdvice.postgres(state: state, words: words).contains(advice))
    }

    @Test(
        arguments: [
            ("WRONGPASS", "", "the user or the password"), ("NOAUTH", "", "asks for a password"), ("NOPERM", "", "ACL SETUSER"),
            ("DENIED", "", "requirepass"), ("ERR", "AUTH called without any password configured", "leave it out"),
            ("ERR", "DB index is out of range", "no database of that number"), ("ERR", "", "the server answers, and refuses"),
            (nil, "the URL's scheme is none of redis, rediss, unix", "unix:///path"),
            (nil, "no connection within the connect timeout", "KITELINE_REDIS_URL must name a server that answers"),
        ] as [(String?, String, String)])
    func `what Redis refused with decides on the advice`(prefix: String?, words: String, advice: String) {
        #expect(ConnectionAdvice.redis(prefix: prefix, words: words).contains(advice))
    }

    @Test func `a misspelt setting is doubted, with the one that is meant, and what others read is not`() throws {
        let names = [
            "KITELINE_CONCURENCY", "KITELINE_COLOUR", "KITELINE_PORT", "KITELINE_CONFIG", "KITELINE_BUILD_PATH", "KITELINE_TEST_DATA",
            "KITELINE_SCREENSHOTS", "KITELINE_SERVE_SERVICE_HOST", "PATH",
        ]
        let findings = SettingsCheckUp(try Settings(environment: [:]), environment: names).findings.filter {
            $0.check.contains(" KITELINE_")
        }

        #expect(findings.map(\.check) == ["setting KITELINE_COLOUR", "setting KITELINE_CONCURENCY"])
        #expect(findings.map(\.advice) == ["the settings there are stand above", "did you mean KITELINE_CONCURRENCY?"])
        #expect(findings.allSatisfy { $0.verdict == .doubtful })
    }

    @Test(arguments: [
        ("maxmemory", "0", "none", false), ("maxmemory", "536870912", "536870912 bytes", true), ("appendonly", "yes", "yes", false),
        ("appendonly", "no", "no", true), ("save", "3600 1 300 100", "3600 1 300 100", false), ("save", "", "never", true),
    ])
    func `a Redis that is not set as it should be is doubted`(name: String, value: String, found: String, isGood: Bool) throws {
        let finding = try #require(RedisCheckUp.hint(name, value))

        #expect(finding.check == "redis \(name)" && finding.found == found)
        #expect(finding.verdict == (isGood ? .good : .doubtful))
    }
}
