import Foundation
import NIOCore
import NIOPosix
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct TLSTests {
    @Test func `a certificate is trusted by its authority's file, by explicit choice, and otherwise not at all`() async throws {
        try await withEncryptedServer { port, certificate in
            let trusting = try client("rediss://localhost:\(port)", .authority(file: certificate))
            let careless = try client("rediss://127.0.0.1:\(port)", .unverified)
            let strict = try client("rediss://localhost:\(port)", .systemAuthorities)
            let plain = try client("redis://localhost:\(port)", .systemAuthorities)

            let large = [UInt8](repeating: 42, count: 1_000_000)
            _ = try await trusting.send(["SET", "k", large])

            #expect(try await careless.send(["GET", "k"]).bytes == large)
            #expect(await redisError { try await strict.send(["PING"]) }?.message.contains("CERTIFICATE_VERIFY_FAILED") == true)
            #expect(await redisError { try await plain.send(["PING"]) }?.code == .connectionLost)
        }
    }

    @Test func `a certificate made out to another host is not trusted`() async throws {
        try await withEncryptedServer { port, certificate in
            let redis = try client("rediss://127.0.0.1:\(port)", .authority(file: certificate))

            let error = await redisError { try await redis.send(["PING"]) }

            #expect(error?.code == .connectionLost)
            #expect(redis.connections == 0)
        }
    }

    @Test func `an authority's file that cannot be read is told at once`() async throws {
        let redis = try client("rediss://localhost:1", .authority(file: "/nowhere/ca.pem"), connectTimeout: .seconds(60))

        #expect(await redisError { try await redis.send(["PING"]) }?.code == .configuration)
    }

    private func client(_ url: String, _ tls: RedisConfiguration.TLS, connectTimeout: Duration = .seconds(2)) throws -> RedisClient {
        .test(try RedisConfiguration(url: url, connectTimeout: connectTimeout, tls: tls))
    }

    /// A server with a certificate for `localhost` that it signed itself.
    private func withEncryptedServer(_ body: @Sendable (_ port: Int, _ certificate: String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "kr-tls-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let certificate = directory.appending(path: "certificate.pem").path
        let key = directory.appending(path: "key.pem").path
        try await run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
        // The server may run as another user.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let port = try await freePort()
        let arguments = ["--tls-port", "\(port)", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]
        try await withRedis(arguments) { _ in
            try await body(port, certificate)
        }
    }

    private func run(_ command: String...) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0)
    }

    private func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        return port
    }
}
