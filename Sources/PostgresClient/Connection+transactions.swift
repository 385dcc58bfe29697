import CLibPQ

extension Connection {
    /// Runs `body` between BEGIN and COMMIT; ROLLBACK when it throws, or when its caller was cancelled.
    func transaction<R>(_ body: (PostgresTransaction) throws -> R) throws -> R {
        do {
            let transaction = PostgresTransaction(self)
            let result = try body(transaction)
            try transaction.commit()
            return result
        } catch {
            if !isBroken { try? rollBack() }
            throw error
        }
    }

    /// All of them in one transaction and one round trip.
    func atomically(_ statements: [Statement]) throws -> [Rows] {
        do {
            return try commit(with: statements)
        } catch let error as PostgresError where error.isStalePlan && !isBroken {
            // Nothing was kept, so all of it can be done again, prepared afresh.
            try rollBack()
            return try commit(with: statements)
        }
    }

    private func commit(with statements: [Statement]) throws -> [Rows] {
        try checkInterruption()
        return try committing { try receive(send(statements, before: [Self.begin], after: [Self.commit])) }
    }

    /// A link that dies after COMMIT was sent, and says nothing more, leaves the caller not knowing.
    func committing<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch var error as PostgresError where isBroken && !error.isRefusal {
            error.code = .unknownCommit
            error.mayHaveRun = true
            throw error
        }
    }

    /// A BEGIN by way of `query` would take in the neighbours' statements: the session is ended, and with it that transaction.
    func checkAutocommit(_ rows: Rows) throws {
        let tag = rows.tag
        guard tag != "BEGIN", tag != "START TRANSACTION" else {
            throw broken(PostgresError(.invalidRequest, "transactions are made by transaction and pipeline"))
        }
    }

    /// Back to no transaction, whatever state it is in.
    func rollBack() throws {
        try undisturbed {
            try settleCancellation()
            if PQtransactionStatus(pointer) != PQTRANS_IDLE { _ = try exchange([], before: [Self.rollback]) }
        }
    }
}
