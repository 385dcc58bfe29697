import JobKinds
import Jobs
import Logging
import Maintenance
import Records
import ServiceLifecycle
import Telemetry
import Worker

extension TestAPI {
    /// Runs a worker and its upkeep beside `body`.
    func working(
        _ handlers: [AnyHandler]? = nil, traces: Traces? = nil, settings: WorkerSettings? = nil, _ body: () async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let upkeep = MaintenanceSettings(
            watch: .milliseconds(50), relayAge: .milliseconds(100), reap: .milliseconds(100), census: .milliseconds(500),
            promote: .milliseconds(50))
        let settings = settings ?? WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50))
        let probe = AnyHandler(Probe(dependencies: ProbeDependencies(postgres: app)))
        let group = ServiceGroup(
            services: [
                Maintenance(ledger: ledger, dispatch: dispatch, pusher: pusher, role: .full, settings: upkeep, logger: logger),
                Worker(
                    ledger: ledger, dispatch: dispatch, handlers: handlers ?? [probe], settings: settings, traces: traces, logger: logger),
            ], logger: logger)
        let running = Task { try await group.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        try result.get()
    }
}
