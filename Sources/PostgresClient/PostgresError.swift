import CLibPQ

/// Why Postgres gave no answer. Carries no password and no parameter value of ours.
public struct PostgresError: Error, Sendable, Hashable {
    public enum Code: Sendable, Hashable {
        /// The server refused; its five-character SQLSTATE says why.
        case server(sqlState: String)
        /// The link died, or none could be made. See `mayHaveRun`.
        case connectionLost
        /// The link died between COMMIT and its answer: the transaction is either wholly there or not at all.
        case unknownCommit
        /// The calling task was cancelled. See `mayHaveRun`.
        case cancelled
        /// The deadline passed. See `mayHaveRun`.
        case deadline
        /// More callers wait than the pool admits.
        case poolExhausted
        /// The pool was closed.
        case closed
        /// A value is not what the caller takes it for.
        case decoding
        /// The request could not be sent as it is.
        case invalidRequest
        /// The role asked for could bypass row security.
        case roleRefused
    }

    public var code: Code
    public var message: String
    /// What the server said, also when the code is not `server`: a cancelled statement carries 57014.
    public var sqlState: String?
    public var detail: String?
    public var hint: String?
    public var constraint: String?
    public var table: String?
    public var column: String?
    /// True when the server may have done, and kept, what was asked. False means nothing was kept.
    public var mayHaveRun = false
    /// The server function that raised the error: tells a stale plan from other uses of the same SQLSTATE.
    var routine: String?

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        if case .server(let state) = code { sqlState = state }
    }
}

extension PostgresError {
    /// The link died between COMMIT and its answer.
    public var commitUnknown: Bool { code == .unknownCommit }

    /// Nothing was kept and the same request may succeed when made again.
    public var isRetryable: Bool {
        switch code {
        case .connectionLost, .deadline: !mayHaveRun
        case .poolExhausted: true
        case .server(let state):
            Self.transientStates.contains(state) || Self.transientClasses.contains(String(state.prefix(2))) || isStalePlan
        case .unknownCommit, .cancelled, .closed, .decoding, .invalidRequest, .roleRefused: false
        }
    }

    /// Serialization failure, deadlock, lock not available; shutting down, crashed, starting.
    private static let transientStates: Set<String> = ["40001", "40P01", "55P03", "57P01", "57P02", "57P03"]
    /// Connection trouble, short of resources.
    private static let transientClasses: Set<String> = ["08", "53"]

    /// The prepared statement is gone, or its columns changed under it: preparing again cures both.
    var isStalePlan: Bool {
        sqlState == "26000" || (sqlState == "0A000" && routine == "RevalidateCachedQuery")
    }

    static let cancelledUnsent = PostgresError(.cancelled, "cancelled before it was sent")

    /// The server said no, and so kept nothing.
    var isRefusal: Bool {
        if case .server = code { true } else { false }
    }

    /// The same, for a statement that was sent and whose fate is not known.
    var maybeRun: PostgresError {
        var error = self
        error.mayHaveRun = !isRefusal
        return error
    }

    /// A login that will fail the same way until somebody changes something.
    var isLasting: Bool {
        guard let sqlState else { return code == .roleRefused || code == .invalidRequest }
        return ["28", "3D", "42", "22"].contains(String(sqlState.prefix(2)))
    }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Fit for logs: nothing of a row, a parameter or a password. The server quotes values in its details, and in complaints about data.
    public var description: String {
        var text = "\(name): \(isAboutData ? "a value was refused" : message)"
        if let sqlState { text += " (\(sqlState))" }
        if mayHaveRun && !commitUnknown { text += "; it may have run" }
        return text
    }

    /// All that is known, values included.
    public var debugDescription: String {
        let fields = ["message": message, "detail": detail, "hint": hint, "constraint": constraint, "table": table, "column": column]
        return description + fields.compactMapValues { $0 }.sorted { $0.key < $1.key }.map { "; \($0): \($1)" }.joined()
    }

    /// Class 22, "data exception".
    private var isAboutData: Bool {
        if case .server(let state) = code { state.hasPrefix("22") } else { false }
    }

    private var name: String {
        switch code {
        case .server: "postgres"
        case .connectionLost: "postgres connection lost"
        case .unknownCommit: "postgres commit unknown"
        case .cancelled: "postgres statement cancelled"
        case .deadline: "postgres deadline passed"
        case .poolExhausted: "postgres pool exhausted"
        case .closed: "postgres pool closed"
        case .decoding: "postgres value"
        case .invalidRequest: "postgres request"
        case .roleRefused: "postgres role refused"
        }
    }
}

extension PostgresError {
    /// Reads what the server reported.
    init(result: OpaquePointer) {
        func field(_ letter: Character) -> String? {
            PQresultErrorField(result, Int32(letter.asciiValue!)).map { String(cString: $0) }
        }
        let message = field("M") ?? Self.firstLine(of: String(cString: PQresultErrorMessage(result)))
        // FATAL and PANIC end the session, whatever they were about. No SQLSTATE: libpq itself gave up.
        let state = field("C")
        let isFatal = ["FATAL", "PANIC"].contains(field("V") ?? "") || state == nil
        self.init(isFatal ? .connectionLost : .server(sqlState: state!), message)
        sqlState = state
        detail = field("D")
        hint = field("H")
        constraint = field("n")
        table = field("t")
        column = field("c")
        routine = field("R")
    }

    /// libpq's own messages go on about what it may mean.
    static func firstLine(of words: String) -> String {
        words.split(separator: "\n").first.map(String.init) ?? "the connection has ended"
    }
}
