import CLibPQ

/// Statements sent under one Sync: what the server will answer, in order.
struct Exchange {
    enum Step {
        case preparation(PreparedStatements.Key)
        /// BEGIN, COMMIT and the like, whose answers nobody asked for.
        case control(PreparedStatements.Key)
        case statement(PreparedStatements.Key)
        case housekeeping
        /// What came before stands for itself.
        case sync
    }

    fileprivate(set) var steps: [Step] = []
}

extension Connection {
    static let begin: Statement = "BEGIN"
    static let commit: Statement = "COMMIT"
    static let rollback: Statement = "ROLLBACK"

    /// Statements and their answers in one round trip; the first error undoes all since the last Sync, if no BEGIN came before.
    func exchange(_ statements: [Statement], before: [Statement] = [], after: [Statement] = []) throws -> [Rows] {
        try checkInterruption()
        return try receive(send(statements, before: before, after: after))
    }

    /// Sends statements and a Sync.
    func send(_ statements: [Statement], before: [Statement] = [], after: [Statement] = []) throws -> Exchange {
        try enterPipeline()
        var exchange = Exchange()
        try keepHouse(in: &exchange)
        for statement in before { try send(statement, in: &exchange, as: Exchange.Step.control) }
        for statement in statements { try send(statement, in: &exchange, as: Exchange.Step.statement) }
        for statement in after { try send(statement, in: &exchange, as: Exchange.Step.control) }
        try check(PQpipelineSync(pointer))
        return exchange
    }

    /// Reads all the answers to an exchange, and throws the first error among them.
    func receive(_ exchange: Exchange) throws -> [Rows] {
        var rows: [Rows] = []
        var failure: PostgresError?
        do {
            for step in exchange.steps {
                if case .sync = step {
                    while let result = try nextAnswerToSync() {
                        if let error = try outcome(of: result, step) { failure = failure ?? error }
                    }
                    continue
                }
                while let result = try nextResult() {
                    if let error = try outcome(of: result, step) { failure = failure ?? error }
                    if case .statement = step { rows.append(Rows(result)) }
                }
            }
            // A constraint checked at commit fails only now.
            while let result = try nextAnswerToSync() {
                if let error = try outcome(of: result, .housekeeping) { failure = failure ?? error }
            }
        } catch {
            // The server's refusal says more than the link's death after it.
            throw failure ?? error
        }
        if let failure { throw failure }
        return rows
    }
}

extension Connection {
    private func send(_ statement: Statement, in exchange: inout Exchange, as step: (PreparedStatements.Key) -> Exchange.Step) throws {
        let key = PreparedStatements.Key(sql: statement.sql, types: statement.parameters.map(\.type))
        let name = try prepared.name(for: key) ?? prepare(key, in: &exchange)
        try statement.withPointers { values, lengths, formats in
            try check(PQsendQueryPrepared(pointer, name, Int32(statement.parameters.count), values, lengths, formats, 1))
        }
        exchange.steps.append(step(key))
    }

    private func prepare(_ key: PreparedStatements.Key, in exchange: inout Exchange) throws -> String {
        if prepared.isFull { try deallocateAll(in: &exchange) }
        let name = prepared.add(key)
        let types = key.types.map(\.rawValue)
        try check(PQsendPrepare(pointer, name, key.sql, Int32(types.count), types))
        exchange.steps.append(.preparation(key))
        return name
    }

    /// Has the server forget statements when they are too many, and plans when tables have outgrown them.
    private func keepHouse(in exchange: inout Exchange) throws {
        if prepared.isFull {
            try deallocateAll(in: &exchange)
        } else if PQtransactionStatus(pointer) == PQTRANS_IDLE, Instant.now >= nextPlanCheck {
            try keepHouse(Self.planCheck, in: &exchange)
        } else {
            return
        }
        nextPlanCheck = .now + planCheckInterval
        // Under a Sync of its own: CREATE DATABASE and its like refuse to follow anything.
        try check(PQpipelineSync(pointer))
        exchange.steps.append(.sync)
    }

    /// Forgets all plans when a table has doubled (or halved) since the last look: one below 64 KiB counts as empty. The session
    /// itself remembers the sizes, each table's own: of their sum one that grew and one that is gone could leave nothing to see. Where somebody holds a table for
    /// themselves (a VACUUM FULL, a long ALTER TABLE), its size cannot be asked for: then nothing is done until the next look, lest every
    /// statement wait. About a millisecond for a hundred tables; to plan thirty statements anew takes ten times that.
    private static let planCheck = """
        DO $$
        DECLARE
            sizes text;
        BEGIN
            PERFORM set_config('lock_timeout', '20ms', true);
            SELECT COALESCE(md5(string_agg(oid || ' ' || floor(log(2, size)), ',' ORDER BY oid)), '-') INTO sizes
                FROM (SELECT oid, pg_relation_size(oid) AS size FROM pg_class
                    WHERE relkind = 'r' AND relnamespace <> 'pg_catalog'::regnamespace) t
                WHERE size >= 65536;
            IF sizes IS DISTINCT FROM current_setting('kiteline.table_sizes', true) THEN
                PERFORM set_config('kiteline.table_sizes', sizes, false);
                EXECUTE 'DISCARD PLANS';
            END IF;
        EXCEPTION WHEN lock_not_available THEN NULL;
        END $$
        """

    private func deallocateAll(in exchange: inout Exchange) throws {
        try keepHouse("DEALLOCATE ALL", in: &exchange)
        prepared.forgetAll()
    }

    private func keepHouse(_ command: String, in exchange: inout Exchange) throws {
        try check(PQsendQueryParams(pointer, command, 0, nil, nil, nil, nil, 1))
        exchange.steps.append(.housekeeping)
    }

    /// libpq would not take it: the link is dead, or in a state we do not know.
    private func check(_ isSent: Int32) throws {
        guard isSent == 1 else { throw lost() }
    }

    private func nextAnswerToSync() throws -> ResultHandle? {
        while true {
            guard let result = try nextResult() else { continue }
            if PQresultStatus(result.pointer) == PGRES_PIPELINE_SYNC { return nil }
            return result
        }
    }

    /// The error a result stands for, if it does. One that ends the connection is thrown.
    private func outcome(of result: ResultHandle, _ step: Exchange.Step) throws -> PostgresError? {
        switch PQresultStatus(result.pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return nil
        case PGRES_PIPELINE_ABORTED:
            if case .preparation(let key) = step { prepared.forget(key) }
            return nil
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            throw broken(PostgresError(.invalidRequest, "COPY is only done by copyIn and copyOut"))
        default:
            return try failure(result, step)
        }
    }

    private func failure(_ result: ResultHandle, _ step: Exchange.Step) throws -> PostgresError {
        var error = PostgresError(result: result.pointer)
        if error.code == .connectionLost { throw broken(error) }
        switch step {
        case .preparation(let key): prepared.forget(key)
        case .statement(let key) where error.isStalePlan, .control(let key) where error.isStalePlan: prepared.forget(key)
        default: break
        }
        // 57014 is what a cancelled statement says.
        if error.sqlState == "57014", let reason = interruption() { error.code = reason }
        return error
    }
}

// MARK: - The simple protocol

extension Connection {
    /// Several statements in one text, without parameters; their answers are read as text. One transaction unless they say otherwise.
    @discardableResult
    func simple(_ sql: String) throws -> [Rows] {
        try startSimple(sql)
        return try simpleAnswers()
    }

    func startSimple(_ sql: String) throws {
        try checkInterruption()
        try exitPipeline()
        try check(PQsendQuery(pointer, sql))
    }

    func simpleAnswers() throws -> [Rows] {
        var rows: [Rows] = []
        var failure: PostgresError?
        while let result = try nextResult() {
            if let error = try outcome(of: result, .housekeeping) { failure = failure ?? error }
            rows.append(Rows(result))
        }
        if let failure { throw failure }
        return rows
    }

    private func enterPipeline() throws {
        if PQpipelineStatus(pointer) == PQ_PIPELINE_OFF { try check(PQenterPipelineMode(pointer)) }
    }

    private func exitPipeline() throws {
        if PQpipelineStatus(pointer) != PQ_PIPELINE_OFF { try check(PQexitPipelineMode(pointer)) }
    }
}
