import Hummingbird
import Logging
import ServiceLifecycle

/// Runs a server of these routes on a free port of this machine while `body` does, which is given its address.
public func serve<R: Sendable>(
    _ router: Router<BasicRequestContext>, logger: Logger, _ body: @Sendable (_ address: String) async throws -> R
) async throws -> R {
    let (ports, running) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { running.yield($0.localAddress?.port ?? 0) }, logger: logger)
    let group = ServiceGroup(services: [application], logger: logger)
    let task = Task { try await group.run() }
    var address = ""
    for await port in ports {
        address = "http://127.0.0.1:\(port)"
        break
    }
    let result: Result<R, any Error>
    do { result = .success(try await body(address)) } catch { result = .failure(error) }
    await group.triggerGracefulShutdown()
    try await task.value
    return try result.get()
}
