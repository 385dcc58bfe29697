import Foundation
import NIOCore
import NIOPosix

/// Enqueues over HTTP as a careful caller does: each batch under a key of its own, repeated until it is answered.
public struct JobClient: Sendable {
    private let port: Int
    private let key: String

    /// - Parameters:
    ///   - port: where the API answers on this machine.
    ///   - key: an API key of the tenant.
    public init(port: Int, key: String) {
        self.port = port
        self.key = key
    }

    /// Returns the ids of the jobs once they are accepted, however often that takes.
    ///
    /// - Parameters:
    ///   - jobs: the arguments of probe jobs, as JSON objects.
    ///   - batch: an idempotency key.
    ///   - delay: seconds from now until they may run.
    public func enqueue(probes jobs: [String], under batch: String, delay: TimeInterval? = nil) async throws -> [Int64] {
        let body = Self.body(jobs, at: delay.map { Date().addingTimeInterval($0) })
        while true {
            try Task.checkCancellation()
            if let answer = try? await post(body, under: batch) {
                if answer.status == 202, let ids = try? JSONDecoder().decode(Accepted.self, from: answer.body).ids.compactMap(Int64.init) {
                    return ids
                }
                // What a repetition cannot heal is the run's own fault.
                guard answer.status == 429 || answer.status >= 500 else {
                    throw BenchmarkError.wrong("the API answered \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Sends it once; nil when the server went away instead of answering.
    public func isAccepted(probes jobs: [String], under batch: String) async -> Bool? {
        return try? await post(Self.body(jobs), under: batch).status == 202
    }

    private static func body(_ jobs: [String], at time: Date? = nil) -> String {
        let runAt = time.map { #","run_at":"\#($0.ISO8601Format())""# } ?? ""
        return #"{"jobs":["# + jobs.map { #"{"kind":"probe","args":\#($0)\#(runAt)}"# }.joined(separator: ",") + "]}"
    }

    private struct Accepted: Decodable { var ids: [String] }

    private func post(_ body: String, under batch: String) async throws -> (status: Int, body: Data) {
        let head = [
            "POST /v1/jobs:batch HTTP/1.1", "Host: 127.0.0.1:\(port)", "Authorization: Bearer \(key)", "Content-Type: application/json",
            "Idempotency-Key: \(batch)", "Content-Length: \(body.utf8.count)", "Connection: close", "", "",
        ].joined(separator: "\r\n")
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let received = loop.makePromise(of: ByteBuffer.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Collector(received: received))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        } catch {
            received.fail(error)
            throw error
        }
        // A server that is stopped neither answers nor hangs up.
        let limit = loop.scheduleTask(in: .seconds(15)) { channel.close(promise: nil) }
        defer { limit.cancel() }
        channel.writeAndFlush(ByteBuffer(string: head + body), promise: nil)
        let answer = Data(try await received.futureResult.get().readableBytesView)
        guard let end = answer.firstRange(of: Data("\r\n\r\n".utf8)),
            let status = String(decoding: answer[..<end.lowerBound], as: UTF8.self).split(separator: " ").dropFirst().first.flatMap({
                Int($0)
            })
        else { throw ChannelError.eof }
        return (status, answer[end.upperBound...])
    }

    /// A port that was free a moment ago.
    public static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

/// Everything that comes until the server hangs up.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: EventLoopPromise<ByteBuffer>
    private var bytes = ByteBuffer()

    init(received: EventLoopPromise<ByteBuffer>) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var data = unwrapInboundIn(data)
        bytes.writeBuffer(&data)
    }

    func channelInactive(context: ChannelHandlerContext) { received.succeed(bytes) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
