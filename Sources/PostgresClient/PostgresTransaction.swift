import CLibPQ

/// A transaction under way, on its link's own thread. Only valid inside the body it is given to.
///
/// Every call blocks that thread until the server has answered, which is its purpose; so the body should do little else.
public final class PostgresTransaction {
    private let connection: Connection
    private var failure: PostgresError?

    init(_ connection: Connection) { self.connection = connection }

    /// One statement, one round trip.
    public func query(_ statement: Statement) throws -> Rows {
        try pipeline([statement])[0]
    }

    /// Statements in one round trip; after the first error the rest are not run.
    public func pipeline(_ statements: [Statement]) throws -> [Rows] {
        for statement in statements { try statement.validate() }
        return try run { try attempt(statements) }
    }

    /// Several statements in one text, without parameters, as a migration has them. Their answers are not kept.
    public func execute(_ sql: String) throws {
        try run {
            try beginIfNeeded()
            try connection.simple(sql)
        }
    }

    /// Copies into a table what `next` gives, chunk by chunk until nil, under `COPY … FROM STDIN`. Returns the rows copied.
    @discardableResult
    public func copyIn(_ sql: String, _ next: () throws -> [UInt8]?) throws -> Int {
        try run {
            try beginIfNeeded()
            return try connection.copyIn(sql, next)
        }
    }

    /// Hands each row's bytes of `COPY … TO STDOUT` to `take`. Returns the rows copied.
    @discardableResult
    public func copyOut(_ sql: String, _ take: ([UInt8]) throws -> Void) throws -> Int {
        try run {
            try beginIfNeeded()
            return try connection.copyOut(sql, take)
        }
    }

    private var hasBegun: Bool { PQtransactionStatus(connection.pointer) != PQTRANS_IDLE }

    /// BEGIN goes with the first statements, so it costs no trip of its own.
    private func attempt(_ statements: [Statement]) throws -> [Rows] {
        guard !hasBegun else { return try connection.exchange(statements) }
        do {
            return try connection.exchange(statements, before: [Connection.begin])
        } catch let error as PostgresError where error.isStalePlan && !connection.isBroken {
            // Nothing has happened yet, so it can be tried again, prepared afresh.
            try connection.rollBack()
            return try connection.exchange(statements, before: [Connection.begin])
        }
    }

    private func beginIfNeeded() throws {
        if !hasBegun { _ = try connection.exchange([], before: [Connection.begin]) }
    }

    /// The first error is kept: the body may swallow it, but COMMIT will not.
    private func run<R>(_ body: () throws -> R) throws -> R {
        if connection.isBroken { throw failure ?? PostgresError(.connectionLost, "the link is gone") }
        do {
            return try body()
        } catch let error as PostgresError {
            failure = failure ?? error
            throw error
        }
    }

    func commit() throws {
        if connection.isBroken, let failure { throw failure }
        guard hasBegun else { return }
        try connection.checkInterruption()
        let answer = try connection.committing { try connection.exchange([Connection.commit]) }
        // The server answers COMMIT of a failed transaction with ROLLBACK.
        guard answer.first?.tag == "COMMIT" else {
            throw failure ?? PostgresError(.server(sqlState: "25P02"), "the transaction was rolled back")
        }
    }
}
