import NIOCore
import NIOPosix
import Synchronization

/// A mail server that keeps what it is handed, over a real connection: as much of SMTP as a mail needs.
final class MailServer: Sendable {
    struct Mail: Sendable {
        var from = ""
        var recipients: [String] = []
        var text = ""
    }

    private let kept = Mutex<[Mail]>([])
    /// What recipients are answered.
    private let recipientAnswer: String

    private init(_ recipientAnswer: String) { self.recipientAnswer = recipientAnswer }

    var mails: [Mail] { kept.withLock { $0 } }

    /// Gives `body` a running server and its port.
    static func with<R: Sendable>(
        recipients answer: String = "250 ok", _ body: @Sendable (MailServer, Int) async throws -> R
    ) async throws -> R {
        let server = MailServer(answer)
        let listening = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        let port = listening.channel.localAddress?.port ?? 0
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listening.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections { group.addTask { try? await server.talk(connection) } }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(server, port)
        }
    }

    private func talk(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
        try await connection.executeThenClose { inbound, outbound in
            func say(_ line: String) async throws { try await outbound.write(ByteBuffer(string: line + "\r\n")) }
            var (rest, mail, isText) = ("", Mail(), false)
            try await say("220 test")
            for try await piece in inbound {
                rest += String(buffer: piece)
                while let end = rest.firstRange(of: "\r\n") {
                    let line = String(rest[..<end.lowerBound])
                    rest = String(rest[end.upperBound...])
                    if isText {
                        if line == "." {
                            isText = false
                            kept.withLock { [mail] in $0.append(mail) }
                            try await say("250 kept")
                        } else {
                            mail.text += line + "\n"
                        }
                        continue
                    }
                    switch line.prefix(4).uppercased() {
                    case "MAIL":
                        mail.from = line
                        try await say("250 ok")
                    case "RCPT":
                        mail.recipients.append(line)
                        try await say(recipientAnswer)
                    case "DATA":
                        isText = true
                        try await say("354 go on")
                    case "QUIT":
                        try await say("221 bye")
                        return
                    default: try await say("250 ok")
                    }
                }
            }
        }
    }
}
