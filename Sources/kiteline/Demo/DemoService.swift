import ServiceLifecycle

/// The demo as one of the services: begins when the API answers, and ends quietly when everything is told to stop.
struct DemoService: Service {
    /// Where the API answers, once it does.
    let addresses: AsyncStream<String>
    let demo: @Sendable (_ url: String) -> Demo
    /// What is said when its stories are told.
    let afterwards: @Sendable (_ url: String) async -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let url = await addresses.first(where: { _ in true }) else { return }
            do {
                try await demo(url).run()
                await afterwards(url)
            } catch {
                if !Task.isCancelled { throw error }
            }
        }
    }
}
