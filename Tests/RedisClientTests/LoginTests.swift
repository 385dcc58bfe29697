import Foundation
import NIOCore
import NIOPosix
import RedisClient
import Testing

/// What a connection says first, and how a server's refusal is told.
@Suite(.timeLimit(.minutes(10))) struct LoginTests {
    private static let secret = "s3cret-päss/@:?#"

    @Test func `passwords open the door, with a user's name or without`() async throws {
        try await withRedis(["--requirepass", Self.secret, "--user", "worker", "on", ">\(Self.secret)2", "~*", "+@all"]) { server in
            let byPassword = try server.client { $0.password = Self.secret }
            let byName = try server.client {
                $0.user = "worker"
                $0.password = Self.secret + "2"
            }

            #expect(try await byPassword.send(["ACL", "WHOAMI"]).string == "default")
            #expect(try await byName.send(["ACL", "WHOAMI"]).string == "worker")
        }
    }

    @Test func `a wrong or missing password is told at once, without the password`() async throws {
        try await withRedis(["--requirepass", Self.secret]) { server in
            let wrong = try server.client(connectTimeout: .seconds(60)) { $0.password = "wrong-guess" }
            let missing = try server.client(connectTimeout: .seconds(60))

            let wrongError = await redisError { try await wrong.send(["PING"]) }
            let missingError = await redisError { try await missing.send(["PING"]) }

            #expect(wrongError?.prefix == "WRONGPASS")
            #expect(wrongError?.fateUnknown == false)
            #expect(missingError?.prefix == "NOAUTH")
            #expect(!String(reflecting: wrongError).contains("wrong-guess"))
            #expect(wrong.connections == 0)
        }
    }

    @Test func `a server that repeats the password in its error is not quoted`() async throws {
        let serve = { @Sendable (_: Int, inbound: Listener.Inbound, outbound: Listener.Outbound) async throws in
            for try await _ in inbound {
                try await outbound.write(ByteBuffer(string: "-ERR unknown command `AUTH`, with args beginning with: `hunter2`, \r\n"))
            }
        }
        try await Listener.with(serve: serve) { listener in
            let redis = try listener.client(password: "hunter2")

            let error = await redisError { try await redis.send(["PING"]) }

            #expect(error?.message.contains("unknown command") == true)
            #expect(!String(reflecting: error).contains("hunter2"))
            #expect(error.map { "\($0)" }?.contains("hunter2") == false)
        }
    }

    @Test func `a connection has the database and the name it was configured with`() async throws {
        try await withRedis { server in
            let first = try server.client()
            let third = RedisClient.test(try RedisConfiguration(url: server.redisURL + "?db=3"))
            let missing = try server.client { $0.database = 99 }

            _ = try await third.send(["SET", "k", 1])

            #expect(try await first.send(["EXISTS", "k"]) == .integer(0))
            #expect(try await third.send(["CLIENT", "GETNAME"]).string == "kiteline")
            #expect(await redisError { try await missing.send(["PING"]) }?.message.contains("out of range") == true)
        }
    }

    @Test func `a user who may not do more than read keys can read keys`() async throws {
        try await withRedis(["--user", "reader", "on", ">pw", "~*", "+get"]) { server in
            let redis = try server.client {
                $0.user = "reader"
                $0.password = "pw"
            }

            #expect(try await redis.send(["GET", "k"]) == .null)
            #expect(await redisError { try await redis.send(["SET", "k", 1]) }?.prefix == "NOPERM")
        }
    }

    @Test func `a refused client is let in once the server's settings allow it`() async throws {
        try await withRedis { server in
            let admin = try server.client()
            let redis = try server.client {
                $0.user = "late"
                $0.password = "pw"
            }

            let refused = await redisError { try await redis.send(["PING"]) }
            _ = try await admin.send(["ACL", "SETUSER", "late", "on", ">pw", "+@all", "~*"])

            #expect(refused?.prefix == "WRONGPASS")
            #expect(try await redis.send(["ACL", "WHOAMI"]).string == "late")
        }
    }
}
