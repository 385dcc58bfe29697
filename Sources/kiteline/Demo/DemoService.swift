import ServiceLifecycle

/// The demo as one of the services: begins when the API answers, and ends quietly when everything is told to stop.
struct DemoService: Service {
    /// Where the API answers, once it does.
    let addresses: AsyncStream<String>
    let demo: @Sendable (_ url: String) -> Demo

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let url = await addresses.first(where: { _ in true }) else { return }
            do {
                try await demo(url).run()
            } catch {
                if !Task.isCancelled { throw error }
            }
        }
    }
}
