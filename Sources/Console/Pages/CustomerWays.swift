import Foundation
import JSONEnvelope

/// The ways of a seller's last customers on one axis of time, with the worst places marked.
struct CustomerWays {
    private let ways: [(customer: String, steps: [(at: Date, what: String)])]
    private let nodes: [JSONNode]
    private let clerk: Clerk
    private let bounds: ClosedRange<Date>?

    init(_ report: JSONNode, _ clerk: Clerk) {
        self.clerk = clerk
        nodes = report["abnormal_nodes"]?.elements ?? []
        ways = (report["timelines"]?.elements ?? []).map { way in
            let steps = (way["steps"]?.elements ?? []).compactMap { step in
                step["at"]?.date.map { (at: $0, what: step["what"]?.string ?? "") }
            }
            return (way["customer"]?.string ?? "", steps)
        }.filter { !$0.1.isEmpty }
        let times = ways.flatMap { $0.steps.map(\.at) }
        bounds = times.min().flatMap { least in times.max().map { least...$0 } }
    }

    var from: String? { bounds.map { clerk.day($0.lowerBound) } }
    var to: String? { bounds.map { clerk.day($0.upperBound) } }

    /// `opportunity:d-17` as people say it; what is no such pair as it is.
    static func name(_ customer: String, _ words: Words) -> String {
        let parts = customer.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let kind = words.all["subject_\(parts[0])"] else { return customer }
        return "\(kind) \(parts[1])"
    }

    private func x(_ date: Date) -> String {
        guard let bounds else { return "0" }
        let whole = bounds.upperBound.timeIntervalSince(bounds.lowerBound)
        return Picture.length(whole > 0 ? date.timeIntervalSince(bounds.lowerBound) / whole : 0.5)
    }

    var views: [View] {
        ways.map { way in
            let marks = nodes.filter { $0["customer"]?.string == way.customer }
            let name = Self.name(way.customer, clerk.words)
            return [
                "wayCustomer": .text(name),
                "wayWords": .text(clerk.words["way_words", ["n": String(way.steps.count), "customer": name]]),
                "waySpans": .list(
                    marks.compactMap { mark -> View? in
                        guard let at = mark["at"]?.date, let hours = mark["hours"]?.double else { return nil }
                        return ["spanTone": "bad", "fromX": .text(x(at.addingTimeInterval(-hours * 3_600))), "toX": .text(x(at))]
                    }),
                "wayDots": .list(
                    way.steps.map { step in
                        ["x": .text(x(step.at)), "dotWords": .text("\(clerk.words.known("step", step.what)), \(clerk.full(step.at)). ")]
                    }),
            ]
        }
    }
}
