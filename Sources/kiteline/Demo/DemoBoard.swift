import Foundation
import Records
import SalesModel

/// Counts what became of the demo's leads, and picks the lines worth showing.
actor DemoBoard {
    private var outcomes: [String: [String: Int]] = [:]
    private var waits: [Double] = []
    private var shown: [String: Int] = [:]

    /// The line for a lead: the first of each kind of outcome, then every tenth.
    func note(_ lead: LeadRecord, of trade: DemoTrade) -> String? {
        let outcome = lead.state.rawValue
        outcomes[trade.slug, default: [:]][outcome, default: 0] += 1
        waits.append(lead.updatedAt.timeIntervalSince(lead.createdAt))
        let key = "\(trade.slug) \(outcome)"
        shown[key, default: 0] += 1
        guard shown[key]! <= 2 || shown[key]! % 10 == 0 else { return nil }
        let whom = lead.owner.map(trade.name) ?? lead.pool ?? outcome
        let why = lead.reasons(in: .english).last ?? ""
        let chinese = lead.reasons(in: .chinese).last ?? ""
        return "  \(trade.slug)  \(lead.source) → \(whom)   score \(lead.score.map(String.init) ?? "–")\n      \(why)  \(chinese)"
    }

    func summary(after took: Duration) -> String {
        let total = outcomes.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        let sorted = waits.sorted()
        func percentile(_ p: Double) -> String {
            sorted.isEmpty ? "–" : "\(Int((sorted[min(sorted.count - 1, Int(Double(sorted.count) * p))] * 1000).rounded())) ms"
        }
        let table = Table(
            ["company"] + LeadState.allCases.map(\.rawValue),
            outcomes.keys.sorted().map { slug in [slug] + LeadState.allCases.map { "\(outcomes[slug]?[$0.rawValue] ?? 0)" } })
        return """

            \(table)

            \(total) leads in \(String(format: "%.1f", seconds)) s, \(Int(Double(total) / max(seconds, 0.001))) a second, sent one by one over HTTP by three clients
            from arrival to decision: half within \(percentile(0.5)), 99 of 100 within \(percentile(0.99)), the slowest \(percentile(1))
            """
    }
}
