import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct ConfigurationTests {
    @Test func `URLs say where, who and which database`() throws {
        let full = try RedisConfiguration(url: "rediss://worker:p%40ss%2Fw%C3%B6rd@cache.example:6380/7")
        let bare = try RedisConfiguration(url: "redis://10.0.0.1")
        let six = try RedisConfiguration(url: "redis://:pw@[::1]:7000")
        let unix = try RedisConfiguration(url: "unix:///run/redis/s.sock?db=2")
        let unixLogin = try RedisConfiguration(url: "unix://:pw@/run/s")

        #expect(full.address == .tcp(host: "cache.example", port: 6380))
        #expect([full.user, full.password] == ["worker", "p@ss/wörd"])
        #expect(full.database == 7)
        #expect(full.tls == .systemAuthorities)
        #expect(bare.address == .tcp(host: "10.0.0.1", port: 6379))
        #expect([bare.user, bare.password] == [nil, nil])
        #expect(bare.tls == nil)
        #expect(six.address == .tcp(host: "::1", port: 7000))
        #expect([six.user, six.password] == [nil, "pw"])
        #expect(unix.address == .unix(path: "/run/redis/s.sock"))
        #expect(unix.database == 2)
        #expect(unixLogin.address == .unix(path: "/run/s"))
        #expect(unixLogin.password == "pw")
    }

    @Test(arguments: [
        "", "redis", "http://h:6379", "redis://", "redis://:hunter2@h:0", "redis://:hunter2@h/x", "unix://", "redis://:hunter2@h:99999",
    ])
    func `a URL that makes no sense is refused without being repeated`(_ url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }

        #expect(error?.code == .configuration)
        #expect(error.map { String(reflecting: $0) }?.contains("hunter2") == false)
    }

    @Test func `a configuration described keeps its password to itself`() throws {
        let configuration = try RedisConfiguration(url: "redis://user:hunter2@h:1/2")

        #expect("\(configuration)" == "redis://h:1/2")
        #expect(!String(reflecting: configuration).contains("hunter2"))
    }
}
