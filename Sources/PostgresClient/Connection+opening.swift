import CLibPQ
import Glibc

extension Connection {
    /// Connects, logs in and sets the session up. Looking up a host name is the only thing here that blocks the thread.
    static func open(_ configuration: PostgresConfiguration, wakeup: Wakeup, unless isClosed: () -> Bool) throws -> Connection {
        let pointer = try begin(configuration.parameters())
        let connection = Connection(
            pointer, wakeup: wakeup, statementTimeout: configuration.statementTimeout, planCheckInterval: configuration.planCheckInterval)
        let end = Instant.now + configuration.connectTimeout
        // Verbose, because the SQLSTATE of a refused login is only found in its text.
        PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
        var turn = PGRES_POLLING_WRITING
        while turn != PGRES_POLLING_OK {
            guard turn != PGRES_POLLING_FAILED else { throw refusal(pointer) }
            guard Instant.now < end else { throw PostgresError(.connectionLost, "no connection within \(configuration.connectTimeout)") }
            if isClosed() { throw PostgresError(.closed, "the pool is closed") }
            let found = Readiness.wait(
                socket: PQsocket(pointer), for: turn == PGRES_POLLING_WRITING ? .writing : .reading, wakeup: wakeup, until: end)
            if found.isReadable || found.isWritable { turn = PQconnectPoll(pointer) }
        }
        PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        PQsetnonblocking(pointer, 1)
        try connection.undisturbed(for: max(end - .now, .milliseconds(1))) { try connection.setUp(configuration) }
        return connection
    }

    private func setUp(_ configuration: PostgresConfiguration) throws {
        let answers = try simple(configuration.sessionSQL)
        guard let role = configuration.role else { return }
        guard let row = answers.last?.first, try !row.get(0, as: Bool.self) else {
            throw PostgresError(.roleRefused, "role \"\(role)\" may bypass row security")
        }
    }

    private static func begin(_ parameters: [String: String]) throws -> OpaquePointer {
        let names = parameters.keys.map { strdup($0) }
        let values = parameters.values.map { strdup($0) }
        defer { for text in names + values { free(text) } }
        let keywords = names.map { UnsafePointer($0) } + [nil]
        guard let pointer = PQconnectStartParams(keywords, values.map { UnsafePointer($0) } + [nil], 0) else {
            throw PostgresError(.connectionLost, "no memory for a connection")
        }
        guard PQstatus(pointer) != CONNECTION_BAD else {
            defer { PQfinish(pointer) }
            throw refusal(pointer)
        }
        return pointer
    }

    /// Why no connection was made. The password is not in libpq's messages; should it ever be, it is not in ours.
    private static func refusal(_ pointer: OpaquePointer) -> PostgresError {
        var message = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
        let password = PQpass(pointer).map { String(cString: $0) } ?? ""
        if !password.isEmpty { message = message.split(separator: password, omittingEmptySubsequences: false).joined(separator: "…") }
        let lines = message.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        var error = PostgresError(.connectionLost, lines.joined(separator: "; "))
        // "…: FATAL:  28P01: password authentication failed for user …": after two spaces, in any language.
        error.sqlState = message.firstMatch(of: #/:  ([0-9A-Z]{5}): /#).map { String($0.1) }
        return error
    }
}
