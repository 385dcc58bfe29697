import Foundation
import Synchronization
import Tenancy

/// How tenants' jobs ended in minutes that are over, so that a page that shows an hour counts the last minutes only.
final class FlowShelf: Sendable {
    /// What ended in one minute.
    typealias Minute = [Ending: Ended]

    /// How jobs ended: of which kind, and what failed; nil: nothing did.
    struct Ending: Sendable, Hashable {
        let kind: String
        let cause: String?
    }

    struct Ended: Sendable, Hashable {
        var count: Int
        var lastAt: Date
        /// The last of those that failed.
        var newest: Run?
    }

    struct Run: Sendable, Hashable {
        let job: Int64
        let run: Int32
    }

    /// Minutes are counted since 1970; all from `first` on are known, up to the one before `next`.
    struct Span: Sendable {
        var first: Int
        var next: Int
        var minutes: [Int: Minute] = [:]

        /// What failed, by its cause.
        var failures: [String: Ended] {
            minutes.values.joined().reduce(into: [:]) { failures, ending in
                guard let cause = ending.key.cause else { return }
                var newest = ending.value
                if let known = failures[cause] {
                    if known.lastAt > newest.lastAt { newest = known }
                    newest.count = known.count + ending.value.count
                }
                failures[cause] = newest
            }
        }
    }

    /// A job's end is stamped before its transaction commits, which takes no longer than a statement may.
    private static let settledAfter = 2
    private static let longest = 180
    private static let most = 1_000

    private let known = Mutex<[TenantID: Span]>([:])

    /// What is known from a minute on; where nothing is, a span that ends there.
    func span(of tenant: TenantID, from first: Int) -> Span {
        let known = known.withLock { $0[tenant] }
        guard let known, known.first <= first, first < known.next else { return Span(first: first, next: first) }
        return Span(first: first, next: known.next, minutes: known.minutes.filter { $0.key >= first })
    }

    /// Keeps what was counted, but for the last minutes, in which jobs still end.
    func keep(_ span: Span, of tenant: TenantID, now minute: Int) {
        let end = minute - Self.settledAfter
        guard span.first < end, end - span.first <= Self.longest else { return }
        known.withLock { known in
            // A wider window is not given up for a narrower one.
            if let other = known[tenant], other.first < span.first, other.next >= end, end - other.first <= Self.longest { return }
            if known.count >= Self.most { known.removeAll() }
            known[tenant] = Span(first: span.first, next: end, minutes: span.minutes.filter { $0.key < end })
        }
    }
}
