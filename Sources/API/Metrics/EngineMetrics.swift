import DispatchIndex
import Ledger
import Telemetry

/// What `/metrics` says of the engine: worker processes, as they told with their last sign of life, the index, the breakers.
final class EngineMetrics: Sendable {
    private let dispatch: Dispatch
    private let remembered: Remembered<[Metrics.Sample]>

    init(_ ledger: Ledger, _ dispatch: Dispatch) {
        self.dispatch = dispatch
        remembered = Remembered(.fixed(.seconds(10))) {
            let workers = try await ledger.workerCounts()
            let breakers = try await ledger.breakerCounts(limit: 100)
            let epoch = try await ledger.epoch()
            let owed = try await ledger.outboxAge()
            return [
                Metrics.Sample("kiteline_workers", .gauge, "Worker processes alive.", Double(workers.count)),
                Metrics.Sample(
                    "kiteline_index_rebuilds_total", .counter, "Lives of the index, the first included; a restore leaps.",
                    Double(epoch.epoch)),
                Metrics.Sample(
                    "kiteline_outbox_oldest_seconds", .gauge, "How long the oldest push has been owed to the index.", owed / .seconds(1)),
            ]
                + (epoch.rebuild.map {
                    [Metrics.Sample("kiteline_index_rebuild_seconds", .gauge, "How long the last rebuild took.", $0 / .seconds(1))]
                } ?? []) + workers.sorted { $0.key < $1.key }.flatMap { workerSamples("\($0.key)", $0.value) } + breakers.map(\.sample)
        }
    }

    func samples() async -> [Metrics.Sample] {
        let own = dispatch.roundTrips.sorted { $0.key < $1.key }.flatMap {
            tripSamples("api", $0.key, count: Double($0.value.count), seconds: $0.value.time / .seconds(1), slow: Double($0.value.slow))
        }
        return ((try? await remembered.value()) ?? []) + own + memory
    }

    /// As this process looked at it last; nothing before it has.
    private var memory: [Metrics.Sample] {
        guard let memory = dispatch.knownMemory else { return [] }
        func sample(_ kind: String, _ bytes: Int) -> Metrics.Sample {
            Metrics.Sample(
                "kiteline_redis_memory_bytes", .gauge, "Memory of the Redis that holds the index.", labels: [("kind", kind)], Double(bytes))
        }
        let full = Metrics.Sample(
            "kiteline_index_full", .gauge, "1 while Redis has so little memory left that jobs are accepted and not pushed.",
            dispatch.isFull ? 1 : 0)
        return [sample("used", memory.usedBytes)] + (memory.limitBytes.map { [sample("limit", $0)] } ?? []) + [full]
    }
}

private func workerSamples(_ worker: String, _ counts: [String: Double]) -> [Metrics.Sample] {
    let plain = [
        ("settled", "kiteline_worker_settled_total", "Runs whose end was written."),
        ("fenced", "kiteline_fence_rejections_total", "Outcomes that were not written, as their run had gone to somebody else."),
        ("leases_lost", "kiteline_leases_lost_total", "Claims whose lease went to somebody else while they ran."),
        ("given_back", "kiteline_given_back_total", "Jobs given back at the end of a process."),
        ("spans_exported", spansExported.name, spansExported.help),
        ("spans_dropped", spansDropped.name, spansDropped.help),
        ("log_lines_exported", linesExported.name, linesExported.help),
        ("log_lines_dropped", linesDropped.name, linesDropped.help),
    ].compactMap { key, name, help in counts[key].map { Metrics.Sample(name, .counter, help, labels: [("worker", worker)], $0) } }
    let trips = counts.keys.filter { $0.hasPrefix("trips.") && $0.hasSuffix(".count") }.sorted().flatMap { key in
        let call = String(key.dropFirst("trips.".count).dropLast(".count".count))
        return tripSamples(
            worker, call, count: counts[key] ?? 0, seconds: counts["trips.\(call).seconds"] ?? 0,
            slow: counts["trips.\(call).slow"] ?? 0)
    }
    return plain + trips
}

private let spansExported = (name: "kiteline_spans_exported_total", help: "Spans the collector took.")
private let spansDropped = (
    name: "kiteline_spans_dropped_total", help: "Spans the collector did not take, or that found the queue to it full."
)

private let linesExported = (name: "kiteline_log_lines_exported_total", help: "Log lines the collector took.")
private let linesDropped = (
    name: "kiteline_log_lines_dropped_total", help: "Log lines the collector did not take, or that found the queue to it full."
)

/// Of a process that is asked itself; nil: it tells the collector none.
func exportSamples(_ process: String, spans: ExportCounts?, lines: ExportCounts?) -> [Metrics.Sample] {
    let labels = [(name: "worker", value: process)]
    func samples(_ counts: ExportCounts, _ names: [(name: String, help: String)]) -> [Metrics.Sample] {
        zip(names, [counts.exported, counts.dropped]).map { Metrics.Sample($0.name, .counter, $0.help, labels: labels, Double($1)) }
    }
    return (spans.map { samples($0, [spansExported, spansDropped]) } ?? [])
        + (lines.map { samples($0, [linesExported, linesDropped]) } ?? [])
}

private func tripSamples(_ process: String, _ call: String, count: Double, seconds: Double, slow: Double) -> [Metrics.Sample] {
    let labels = [(name: "worker", value: process), (name: "call", value: call)]
    return [
        Metrics.Sample("kiteline_index_calls_total", .counter, "Scripts run in Redis, by what was asked.", labels: labels, count),
        Metrics.Sample("kiteline_index_seconds_total", .counter, "Time from call to answer, round trip included.", labels: labels, seconds),
        Metrics.Sample("kiteline_index_slow_calls_total", .counter, "Calls that took more than 5 ms.", labels: labels, slow),
    ]
}

extension BreakerCount {
    fileprivate var sample: Metrics.Sample {
        Metrics.Sample(
            "kiteline_breakers", .gauge, "Breakers by state, of those ever open.",
            labels: [("dependency", dependency), ("scope", isShared ? "all" : "tenant"), ("state", state)], Double(breakers))
    }
}
