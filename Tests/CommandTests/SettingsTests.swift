import Testing

@testable import kiteline

@Suite struct SettingsTests {
    private let file = try! SettingsFile(path: "k.conf", text: "# ours\nKITELINE_PORT = 3\n\nKITELINE_REDIS_URL='unix:///file'\n")
    private let dev = ReadyFile(
        url: "http://dev", platformKey: "kl_p_dev", postgresURL: "postgres://dev", redisURL: "unix:///dev", consoleURL: nil,
        secretKey: String(repeating: "A", count: 43) + "=", localTargets: "yes",
        pids: .init(postgres: 1, redis: 2, kiteline: 3))

    @Test func `flags come before the environment, that before the file, that before a running dev, that before the standard`() throws {
        let environment = ["KITELINE_PORT": "2"]

        func port(_ settings: Settings) throws -> String { try settings.text(.port) }

        #expect(try port(Settings(flags: [.port: "1"], environment: environment, file: file)) == "1")
        #expect(try port(Settings(environment: environment, file: file)) == "2")
        #expect(try port(Settings(environment: [:], file: file)) == "3")
        #expect(try port(Settings(environment: [:])) == "8080")
        #expect(try Settings(environment: [:], file: file, dev: dev).text(.redisURL) == "unix:///file")
        #expect(
            try Settings(environment: [:], dev: dev, devPath: "d").value(of: .redisURL) == .init(text: "unix:///dev", source: .dev("d")))
    }

    @Test func `what is secret of a running dev goes to its own API and its own Postgres only`() throws {
        func taken(_ environment: [String: String]) throws -> [String?] {
            let settings = try Settings(environment: environment, dev: dev)
            return [settings.optional(.key), settings.optional(.secretKey), settings.optional(.localTargets)]
        }

        #expect(try taken([:]) == ["kl_p_dev", dev.secretKey, "yes"])
        #expect(try taken(["KITELINE_URL": "http://dev"]) == ["kl_p_dev", dev.secretKey, "yes"])
        #expect(try taken(["KITELINE_URL": "https://kiteline.example.com"]) == [nil, dev.secretKey, "yes"])
        #expect(try taken(["KITELINE_POSTGRES_URL": "postgres://elsewhere"]) == ["kl_p_dev", nil, "no"])
    }

    @Test func `what is not set and has no standard is named, with what it is for`() throws {
        let error = #expect(throws: SettingError.self) { try Settings(environment: [:]).text(.postgresURL) }
        #expect(error?.description.hasPrefix("KITELINE_POSTGRES_URL is not set: the ledger and the tenants' data") == true)
        #expect(error?.description.contains("; and no `kiteline dev` runs in this folder.") == true)
        let elsewhere = try Settings(environment: ["KITELINE_URL": "https://kiteline.example.com"], dev: dev)
        let beside = #expect(throws: SettingError.self) { try elsewhere.text(.key) }
        #expect(beside?.description.contains("that runs in this folder is another's") == true)
    }

    @Test(arguments: [
        ("KITELINE_PORT", "70000", "a number from 0 to 65535"), ("KITELINE_PORT", "", "a number from 0 to 65535"),
        ("KITELINE_LEASE_SECONDS", "nan", "seconds, from 0.05 to 3600.0"), ("KITELINE_LEASE_SECONDS", "-1", "seconds, from 0.05 to 3600.0"),
        ("KITELINE_LOG_LEVEL", "loud", "one of trace, debug, info, notice, warning, error, critical"),
        ("KITELINE_REDIS_URL", "", "something"), ("KITELINE_KEY", "", "something"),
        ("KITELINE_SECRET_KEY", "", "32 random bytes in Base64 (openssl rand -base64 32)"),
    ])
    func `a wrong value is refused with its name, its place and what is right`(name: String, value: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try Settings(environment: [name: value]) }
        #expect(error?.description == "\(name) (environment) is \(value.isEmpty ? "empty" : "\"\(value)\""); expected \(expected)")
    }

    @Test func `who only looks at settings is told of every fault, and gets the standards in their place`() throws {
        let settings = Settings(
            lookingAt: [:], environment: ["KITELINE_CONCURRENCY": "abc", "KITELINE_SECRET_KEY": "", "KITELINE_PORT": "3"])

        #expect(settings.faults[.concurrency]?.found == "\"abc\"" && settings.faults[.secretKey]?.found == "empty")
        #expect(settings.faults.count == 2)
        #expect(try settings.count(.concurrency) == 400 && settings.optional(.secretKey) == nil && settings.text(.port) == "3")
    }

    @Test(arguments: [
        ("KITELINE_PROT=1", "k.conf, line 1: there is no setting KITELINE_PROT; did you mean KITELINE_PORT?"),
        ("KITELINE_COLOUR=1", "k.conf, line 1: there is no setting KITELINE_COLOUR"),
        ("\n\nKITELINE_PORT", "k.conf, line 3: expected NAME=value"),
    ])
    func `a line of the file that means nothing is refused by its number`(text: String, message: String) {
        let error = #expect(throws: SettingError.self) { try SettingsFile(path: "k.conf", text: text) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        ("postgres://me:secret@host/db?sslmode=require", "postgres://me:***@host/db?sslmode=require"),
        ("redis://:secret@host:6379/1", "redis://:***@host:6379/1"),
        ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
        ("host=h password='a secret' dbname=d", "host=h password=*** dbname=d"),
        ("postgres:///d?host=/tmp&password=secret", "postgres:///d?host=/tmp&password=***"),
        ("postgres://me:se/c?r:et@host/db", "postgres://me:***@host/db"),
        ("postgres://me@/db?host=/tmp", "postgres://me@/db?host=/tmp"),
    ])
    func `a password in a URL is never shown`(url: String, shown: String) {
        #expect(Setting.postgresURL.masked(url) == shown)
    }

    @Test func `of a key only the first characters are shown`() {
        #expect(Setting.key.masked("kl_p_IzJgVbLPh-9F-HMi_xMxZv9wSn_otl4zhaKdrP3WsWg") == "kl_p_IzJg…")
    }
}
