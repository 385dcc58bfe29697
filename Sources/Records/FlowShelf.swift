import Foundation
import Synchronization
import Tenancy

/// How tenants' jobs ended up to two minutes ago, so that a page that shows an hour counts those two only.
final class FlowShelf: Sendable {
    /// What ended in one minute.
    typealias Minute = [Ending: Ended]

    /// How jobs ended: of which kind, and what failed; nil: nothing did.
    struct Ending: Sendable, Hashable {
        let kind: String
        let cause: String?
    }

    struct Ended: Sendable, Hashable {
        /// Below zero where more was taken back than ended.
        var count: Int
        var lastAt: Date
        /// The last of those that failed.
        var newest: Run?

        func adding(_ other: Ended) -> Ended {
            let (earlier, later) = lastAt > other.lastAt ? (other, self) : (self, other)
            return Ended(count: count + other.count, lastAt: later.lastAt, newest: later.newest ?? earlier.newest)
        }
    }

    struct Run: Sendable, Hashable {
        let job: Int64
        let run: Int32
    }

    /// What ended from a minute on, up to a moment. Minutes are counted since 1970.
    struct Span: Sendable {
        var first: Int
        var until: Date
        var minutes: [Int: Minute] = [:]

        /// What failed, by its cause; of a minute of which all was taken back nothing is told.
        var failures: [String: Ended] {
            minutes.values.joined().reduce(into: [:]) { failures, ending in
                guard let cause = ending.key.cause, ending.value.count > 0 else { return }
                failures[cause] = failures[cause]?.adding(ending.value) ?? ending.value
            }
        }
    }

    /// A job's end is stamped before its transaction commits, which takes some statements that may last 30 s each.
    static let settledAfter: TimeInterval = 120
    private static let longest = 180
    private static let most = 1_000

    private let known = Mutex<[TenantID: Span]>([:])

    /// What is known from a minute on, or from an earlier one; where nothing is, a span that ends there. What a clock that was ahead had
    /// counted as settled is forgotten.
    func span(of tenant: TenantID, from first: Int, now: Date) -> Span {
        let start = Records.start(of: first)
        let known = known.withLock { known in
            if let span = known[tenant], span.until > now - Self.settledAfter + 10 { known[tenant] = nil }
            return known[tenant]
        }
        guard let known, known.first <= first, start < known.until else { return Span(first: first, until: start) }
        return known
    }

    /// Keeps what was counted of what has settled, of the last three hours.
    func keep(_ span: Span, of tenant: TenantID) {
        let oldest = Int((span.until.timeIntervalSince1970 / 60).rounded(.down)) - Self.longest
        guard Records.start(of: span.first + 1) <= span.until else { return }
        let kept = Span(first: max(span.first, oldest), until: span.until, minutes: span.minutes.filter { $0.key >= oldest })
        known.withLock { known in
            if let other = known[tenant], other.first <= kept.first, other.until >= kept.until { return }
            if known.count >= Self.most { known.removeAll() }
            known[tenant] = kept
        }
    }
}
