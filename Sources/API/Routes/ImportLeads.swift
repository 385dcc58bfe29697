import Foundation
import JSONEnvelope
import Jobs
import Ledger
import Permissions
import Records
import Tenancy

extension API {
    /// Where bodies are taken as they come, however long that takes.
    static let streamedPath = "/v1/leads:import"

    static let importEndpoints = [
        Endpoint(.post, streamedPath, module: .imports, takesQuery: true, answer: importLeads),
        Endpoint(.get, "/v1/imports/{id}", module: .imports, answer: readImport),
    ]
}

/// `GET /v1/imports/{id}`
@Sendable private func readImport(_ call: Call) async throws -> Answer {
    guard let record = try await call.records.leadImport(try call.id(), of: call.tenant.id) else { throw Problem.notFound }
    let deferred = try await call.records.deferredJobs(of: record, of: call.tenant.id)
    let (dispatch, tenant) = (call.api.dispatch, call.tenant.id)
    let flows = deferred == 0 ? nil : await promptly { try await dispatch.state(of: tenant).flows }
    let drainTime = flows?.first { $0.name == NewJob.assignLeadKind }?.deferral?.drainTime
    return Answer(200, record.json(deferred: deferred, drainTime: drainTime))
}

/// `POST /v1/leads:import`: takes leads in as the file streams by, in chunks, each lead with a job of its own.
///
/// Memory holds one chunk, and the first ids by their hashes. A bad row is listed and the others go on; a file that cannot be read at all is refused before
/// anything is stored. The answer comes when the file has been read.
@Sendable private func importLeads(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["text/csv", "application/x-ndjson", "application/ndjson", "application/jsonl"])
    let isCSV = call.request.headers[.contentType]?.lowercased().hasPrefix("text/csv") ?? true
    let columns = try call.query { query in LeadColumns(&query, call) }
    // Row by row nobody is asked: whom a data domain holds was refused before.
    if let judge = try await call.judge() { for action in [RecordAction.createLead, .editLead] { try judge.require(action) } }
    let key = try call.idempotencyKey()
    try await call.api.quotas.admit([NewJob.assignLeadKind: 1], of: call.tenant)
    let reader: any LeadReading = isCSV ? CSVLeads(columns, call.limits) : NDJSONLeads(columns, call.limits)
    return try await LeadImport(call, source: columns.source, key: key, reader: reader).run()
}

extension LeadColumns {
    /// As the query tells of a file of the tenant's.
    init(_ query: inout QueryReader, _ call: Call) {
        source = query.string("source", required: true) ?? ""
        externalID = query.string("external_id", required: true) ?? ""
        receivedAt = query.string("received_at")
        personName = NameColumns(&query)
        times = TimeReader(
            order: query.choice("date_order", of: DateOrder.self) ?? .yearFirst,
            zone: TimeZone(identifier: call.tenant.settings.timeZone) ?? .gmt)
        now = Date()
    }
}

extension NameColumns {
    /// Nil when neither is told.
    fileprivate init?(_ query: inout QueryReader) {
        switch (query.string("given_name"), query.string("family_name")) {
        case (nil, nil): return nil
        case (let given?, let family?): self.init(given: given, family: family)
        case (nil, _), (_, nil):
            query.fail("given_name", .missing, "and family_name are told together: a name is joined of both")
            return nil
        }
    }
}

/// A fault of an import, as its record tells it.
private struct NotedFault {
    var line: Int
    var field: String?
    var message: String
}

/// One file on its way in.
private struct LeadImport: ~Copyable {
    private let call: Call
    private let source: String
    private let key: String?
    private var reader: any LeadReading
    private var digest: SHA256Digest
    private var bytes = 0
    private var waiting: [(line: Int, lead: NewLead)] = []
    private var count = ImportCount()
    private var faults: [NotedFault] = []
    private var known = KnownIDs()
    /// Nil until the first chunk is stored.
    private var id: Int64?
    private var isKeptUntil = ContinuousClock.now

    init(_ call: Call, source: String, key: String?, reader: any LeadReading) {
        self.call = call
        self.source = source
        self.key = key
        self.reader = reader
        digest = call.requestDigest()
    }

    consuming func run() async throws -> Answer {
        guard let key else { return try await imported() }
        switch try await call.records.beginOnce(key, of: call.tenant.id) {
        case .inFlight: throw Problem.keyInFlight
        case .answered: return try await replay(key)
        case .taken:
            let (call, name) = (call, IdempotencyKey(tenant: call.tenant.id, key: key, hash: []))
            do {
                return try await imported()
            } catch {
                try? await call.records.abandonOnce(name.key, of: name.tenant)
                throw error
            }
        }
    }

    /// Reads the file for its hash only, which tells whether it is the one that was answered.
    private consuming func replay(_ key: String) async throws -> Answer {
        let call = call
        for try await chunk in call.request.body { digest.update(Array(chunk.readableBytesView)) }
        return try call.answer(
            try await call.records.answered(IdempotencyKey(tenant: call.tenant.id, key: key, hash: digest.finish())))
    }

    private consuming func imported() async throws -> Answer {
        var state = ImportRecord.State.completed
        do {
            try await readAll()
        } catch let file as UnreadableFile {
            guard id != nil else { throw Problem(file) }
            state = .failed
            note(NotedFault(line: file.line, field: file.field, message: file.message))
        } catch {
            if id != nil { note(NotedFault(line: count.rows, message: "the upload broke off after this row. \(ImportRecord.repeating)")) }
            let (call, id, count, faults) = (call, id, count, faults)
            if let id { try? await call.records.noteImport(id, of: call.tenant.id, .failed, count, errors: faults.json) }
            throw error
        }
        return try await end(state)
    }

    private mutating func readAll() async throws {
        let declared = call.request.headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > call.limits.importBody { throw Problem.bodyTooLarge(call.limits.importBody) }
        for try await chunk in call.request.body {
            let piece = Array(chunk.readableBytesView)
            bytes += piece.count
            guard bytes <= call.limits.importBody else {
                throw UnreadableFile(
                    line: count.rows, message: "the file has more than \(call.limits.importBody) bytes; the rest was not read")
            }
            digest.update(piece)
            try await take(try reader.read(piece))
            try await keep()
        }
        guard declared == nil || declared == bytes else {
            throw UnreadableFile(line: count.rows, message: "the upload was cut short; what came whole was taken in")
        }
        try await take(try reader.finish())
        if !waiting.isEmpty { try await store() }
    }

    private mutating func take(_ rows: [ImportedRow]) async throws {
        for row in rows {
            count.rows += 1
            guard count.rows <= call.limits.importRows else {
                throw UnreadableFile(
                    line: count.rows, message: "the file has more than \(call.limits.importRows) rows; the rest was not read")
            }
            switch row {
            case .lead(let line, let lead):
                if let repeated = known.note(lead.externalID, in: line), count.repeated.count < call.limits.importErrors {
                    count.repeated.append(repeated)
                }
                waiting.append((line, lead))
                if waiting.count == call.limits.importChunk { try await store() }
            case .fault(let fault):
                if fault.isAboutEncoding, id == nil { throw UnreadableFile(line: fault.line, message: fault.message) }
                count.rejected += 1
                note(NotedFault(line: fault.line, field: fault.field, message: fault.message))
            }
        }
    }

    private mutating func note(_ fault: NotedFault) {
        if faults.count < call.limits.importErrors { faults.append(fault) }
    }

    /// Takes the waiting leads in, all in one transaction; should the database refuse one of them, each in its own.
    private mutating func store() async throws {
        let started = try await begun()
        do {
            try await takeIn(waiting.map(\.lead))
        } catch  where StoreFailure(error).isRefusal {
            try await storeOneByOne()
        }
        waiting.removeAll(keepingCapacity: true)
        try await call.records.noteImport(started, of: call.tenant.id, .running, count, errors: faults.json)
    }

    private mutating func takeIn(_ leads: [NewLead]) async throws {
        let call = call
        let receipts = try await call.enqueuing { trace in
            try await call.records.takeIn(leads.map { $0.traced(by: trace) }, of: call.tenant.id, trigger: .batchImport)
        }
        count.accepted += receipts.count
        count.updated += receipts.count { !$0.isNew }
    }

    private mutating func storeOneByOne() async throws {
        for (line, lead) in waiting {
            do {
                try await takeIn([lead])
            } catch {
                guard case .refused(let message) = StoreFailure(error) else { throw error }
                count.rejected += 1
                note(NotedFault(line: line, message: "was refused by the database: \(message)"))
            }
        }
    }

    private mutating func begun() async throws -> Int64 {
        if let id { return id }
        let id = try await call.records.beginImport(source: source, of: call.tenant.id)
        self.id = id
        return id
    }

    /// Says now and then that it goes on, however slowly rows come.
    private mutating func keep() async throws {
        guard isKeptUntil <= .now else { return }
        if let id { try await call.records.keepImport(id, of: call.tenant.id) }
        if let key { try await call.records.prolongOnce(key, of: call.tenant.id) }
        isKeptUntil = .now + .seconds(10)
    }

    private consuming func end(_ state: ImportRecord.State) async throws -> Answer {
        let started = try await begun()
        try await call.records.noteImport(started, of: call.tenant.id, state, count, errors: faults.json)
        let (call, key) = (call, key)
        let answer = StoredAnswer(
            status: 202,
            body: JSONWriter.object { object in
                object.member("import_id", String(started))
                call.api.deferral(of: call.tenant.id, CollectionOfOne(NewJob.assignLeadKind))?.write(to: &object)
            })
        if let key {
            try await call.records.endOnce(IdempotencyKey(tenant: call.tenant.id, key: key, hash: digest.finish()), answer)
        }
        return Answer(answer.status, answer.body)
    }
}

extension Problem {
    init(_ file: UnreadableFile) {
        self.init(
            422, "unreadable_file", "The file cannot be read", detail: "Line \(file.line): \(file.message). Nothing was stored.",
            errors: file.field.map { [FieldError($0, .notFound, file.message)] } ?? [])
    }
}

extension [NotedFault] {
    fileprivate var json: [UInt8] {
        JSONWriter.array { list in
            for fault in self {
                list.object { item in
                    item.member("line", fault.line)
                    item.member("field", fault.field)
                    item.member("message", fault.message)
                }
            }
        }
    }
}

extension ImportRecord {
    fileprivate func json(deferred: Int, drainTime: Duration?) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("import_id", String(id))
            object.member("source", source)
            object.member("state", state.rawValue)
            object.member("rows", rows)
            object.member("accepted", accepted)
            object.member("rejected", rejected)
            object.member("updated", updated)
            object.member("deferred", deferred)
            object.member("estimated_drain_seconds", drainTime.map(wholeSeconds))
            object.member("errors", json: errors.bytes)
            object.member("repeated", json: repeated.bytes)
            object.member("created_at", createdAt)
            object.member("finished_at", finishedAt)
        }
    }
}
