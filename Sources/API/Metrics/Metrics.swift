import Foundation
import Synchronization

/// What this process has counted, for Prometheus to read.
///
/// Requests are counted here; others (pools, workers, records) add a source that is asked at each scrape. Metrics are an
/// API: their names and meanings are listed in `openapi.yaml` and do not change silently.
public final class Metrics: Sendable {
    /// A number with its name, as it stands when asked for.
    public struct Sample: Sendable {
        public enum Kind: String, Sendable {
            case counter, gauge
            /// Of quantiles alone, each with its label `quantile`; how many and their sum may be left out.
            case summary
        }

        public var name: String
        public var kind: Kind
        public var help: String
        public var labels: [(name: String, value: String)]
        public var value: Double

        public init(_ name: String, _ kind: Kind, _ help: String, labels: [(name: String, value: String)] = [], _ value: Double) {
            self.name = name
            self.kind = kind
            self.help = help
            self.labels = labels
            self.value = value
        }
    }

    private struct RequestName: Hashable {
        var method: String
        var path: String
        var status: Int
    }

    private let requests = Mutex<[RequestName: Histogram]>([:])
    private let byLane = Atomic(0)
    private let sources = Mutex<[@Sendable () async -> [Sample]]>([])

    public init() {}

    /// Adds what is asked at each scrape. A source that has nothing to say answers nothing; it must not take long.
    public func add(source: @Sendable @escaping () async -> [Sample]) { sources.withLock { $0.append(source) } }

    func count(request: (method: String, path: String), status: Int, took: Duration) {
        let name = RequestName(method: request.method, path: request.path, status: status)
        requests.withLock { $0[name, default: Histogram()].add(took) }
    }

    /// Counts a request that took the enqueue lane, beside what `count` notes of every request.
    func countLane() { byLane.add(1, ordering: .relaxed) }

    var requestsByLane: Int { byLane.load(ordering: .relaxed) }

    /// Everything, in Prometheus' text format.
    func text() async -> String {
        var text = MetricText()
        text.requests(
            requests.withLock { $0 }.sorted { ($0.key.path, $0.key.method, $0.key.status) < ($1.key.path, $1.key.method, $1.key.status) }
                .map { ([("method", $0.key.method), ("route", $0.key.path), ("status", String($0.key.status))], $0.value) })
        var samples = [
            Sample("kiteline_enqueue_lane_requests_total", .counter, "Enqueues answered on the event loop.", Double(requestsByLane))
        ]
        for source in sources.withLock({ $0 }) { samples += await source() }
        text.samples(samples)
        return text.text
    }
}

/// How long things took: how many up to each bound.
struct Histogram: Sendable {
    /// Milliseconds. p99 of an enqueue is to be 20 at most, so that bound is one of them.
    static let bounds: [Double] = [1, 2.5, 5, 10, 20, 50, 100, 250, 1_000, 5_000]

    private(set) var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var sum = 0.0

    mutating func add(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Double(seconds) * 1e3 + Double(attoseconds) / 1e15
        count += 1
        sum += milliseconds
        if let first = Self.bounds.firstIndex(where: { milliseconds <= $0 }) { counts[first] += 1 }
    }
}

/// Prometheus' text format, version 0.0.4.
struct MetricText {
    private(set) var text = ""

    mutating func requests(_ histograms: [(labels: [(String, String)], histogram: Histogram)]) {
        let name = "kiteline_http_request_seconds"
        header(name, "histogram", "Time from a request's head to its answer, by route and status.")
        for (labels, histogram) in histograms {
            var below = 0
            for (bound, count) in zip(Histogram.bounds, histogram.counts) {
                below += count
                line("\(name)_bucket", labels + [("le", (bound / 1e3).description)], Double(below))
            }
            line("\(name)_bucket", labels + [("le", "+Inf")], Double(histogram.count))
            line("\(name)_sum", labels, histogram.sum / 1e3)
            line("\(name)_count", labels, Double(histogram.count))
        }
    }

    /// Samples of one name stand together, whoever gave them.
    mutating func samples(_ samples: [Metrics.Sample]) {
        let families = Dictionary(grouping: samples, by: \.name)
        for name in families.keys.sorted() {
            guard let family = families[name], let first = family.first else { continue }
            header(name, first.kind.rawValue, first.help)
            for sample in family { line(name, sample.labels, sample.value) }
        }
    }

    private mutating func header(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty { text += "{" + labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",") + "}" }
        let isWhole = value == value.rounded() && abs(value) < 1e15
        text += " \(isWhole ? String(Int(value)) : value.description)\n"
    }

    private func escaped(_ value: String) -> String {
        value.replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#).replacing("\n", with: #"\n"#)
    }
}
