/// Something wrong with a rule set: where, what, and how to mend it.
public struct RuleFault: Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case syntax
        case tooLarge = "too_large"
        case unknownKey = "unknown_key"
        case missing
        case wrongType = "wrong_type"
        case outOfRange = "out_of_range"
        case unknownField = "unknown_field"
        case unknownValue = "unknown_value"
        case unavailableField = "unavailable_field"
        case duplicate
        case empty
        case conflict
        case rankingWindow = "ranking_window"
        case rankingActiveOnly = "ranking_active_only"
        case bands
        case unreachable
        /// Weights that do not make 100.
        case weights
        /// A `{…}` in a message's text that is not closed, or closes nothing.
        case placeholder
        /// Known, and not built yet.
        case unsupported
    }

    /// `rules[2].when.all[0].field`; empty for the document as a whole.
    public let path: String
    public let code: Code
    /// One or two sentences: what is wrong and what to write instead.
    public let message: String
    /// Counted from 1; nil when the fault has no single place.
    public let line: Int?

    public init(path: String, code: Code, message: String, line: Int? = nil) {
        self.path = path
        self.code = code
        self.message = message
        self.line = line
    }
}

/// Everything wrong with a rule set, in the order of the text.
public struct RuleFaults: Error, Sendable, Hashable {
    public let faults: [RuleFault]

    public init(_ faults: [RuleFault]) { self.faults = faults }
}

/// Collects faults while a rule set is read. Bounded: a text that is wrong everywhere is not reported everywhere.
final class FaultList {
    static let limit = 100
    private var found: [RuleFault] = []

    /// By line; those of one line as they were found.
    var faults: [RuleFault] {
        found.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }.map(\.element)
    }

    func add(_ fault: RuleFault) {
        guard found.count < Self.limit else { return }
        found.append(fault)
    }
}
