import Foundation
import JSONEnvelope
import Jobs
import Ledger
import Permissions
import PostgresClient
import Tenancy

/// What a round of the probe found.
public struct AccessProbeRound: Sendable {
    /// Of the permissions it was judged by; 0: the tenant has said nothing.
    public let version: Int
    public let tried: Int
    /// Beyond what one round tries.
    public let leftOut: Int
    public let failures: [ProbeFailure]
}

/// Does what people do, in their names, as their requests would: judged by the same code, written by the same statements. Each try is a
/// transaction of its own that is undone, so that nobody ever sees what it told of, and nobody is told.
public struct AccessProber: Sendable {
    /// Tries of one round; with some milliseconds each it ends within a minute.
    public static let most = 2_000
    /// A try that takes longer has failed: whoever waits for it has gone.
    private static let patience: Duration = .seconds(5)

    private let engine: PostgresPool
    private let ledger: Ledger

    /// - Parameter engine: a pool under the role `kiteline_engine`.
    public init(engine: PostgresPool, ledger: Ledger) {
        self.engine = engine
        self.ledger = ledger
    }

    /// Tries every action for each role and data domain of a tenant.
    /// - Throws: what keeps it from trying at all.
    public func round(of tenant: TenantID) async throws -> AccessProbeRound {
        let (version, book, holders) = try await engine.transaction { transaction in
            _ = try transaction.query(.tenants([tenant]))
            let current = try transaction.currentAccess(of: tenant)
            return (current?.version ?? 0, current?.book ?? .empty, try AccessCensus(of: tenant, in: transaction).holders)
        }
        let probes = book.probes(of: holders)
        let ids = try await ledger.reserve(min(probes.count, Self.most))
        var failures: [ProbeFailure] = []
        for (probe, id) in zip(probes, ids) {
            let trial = AccessTrial(probe, of: tenant, cityField: book.cityFields.first, ledger: ledger, job: id)
            if let failure = book.failure(of: probe, answering: try await answer(to: trial)) { failures.append(failure) }
        }
        return AccessProbeRound(
            version: version, tried: ids.count, leftOut: max(0, probes.count - ids.count), failures: failures)
    }

    private func answer(to trial: AccessTrial) async throws -> ProbeAnswer {
        struct Undone: Error {}
        do {
            let _: Never = try await engine.transaction(deadline: Self.patience) { transaction in
                try trial.run(in: transaction)
                throw Undone()
            }
        } catch is Undone {
            return .done
        } catch let refusal as AccessRefusal {
            return .refused(refusal.verdict.refusal ?? .permission)
        } catch let error as PostgresError where error.saysNothingOfTheTrial {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            return .failed("\(error)")
        }
    }
}

extension PostgresError {
    /// The server is away, or nobody waits any more: everything would fail.
    fileprivate var saysNothingOfTheTrial: Bool {
        switch code {
        case .connectionLost, .unknownCommit, .cancelled, .poolExhausted, .closed, .roleRefused: true
        case .server, .deadline, .decoding, .invalidRequest: false
        }
    }
}

/// One action in somebody's name, in a transaction that somebody else undoes.
private struct AccessTrial: Sendable {
    private static let source = "kiteline-probe"

    private let probe: AccessProbe
    private let tenant: TenantID
    private let ledger: Ledger
    private let job: JobID
    private let lead: NewLead
    private let opportunity: OpportunityFacts

    /// - Parameter job: a number nobody else has; it names the records too.
    init(_ probe: AccessProbe, of tenant: TenantID, cityField: String?, ledger: Ledger, job: JobID) {
        func fields(_ name: String?) -> [UInt8] {
            JSONWriter.object { object in if let name, let city = probe.city { object.member(name, city.name) } }
        }
        self.probe = probe
        self.tenant = tenant
        self.ledger = ledger
        self.job = job
        lead = NewLead(source: Self.source, externalID: "probe-\(job)", receivedAt: Date(), fields: fields(cityField))
        opportunity = OpportunityFacts(owner: probe.person.id, stage: "new", fields: fields(OpportunityFacts.cityFields.first))
    }

    private var user: String { probe.person.id }

    func run(in transaction: PostgresTransaction) throws {
        _ = try transaction.query(.tenants([tenant]))
        switch probe.action {
        case .createLead:
            try transaction.admit(lead, by: user, of: tenant)
            try takeIn(transaction)
        case .editLead:
            try takeIn(transaction)
            try transaction.admit(lead, by: user, of: tenant)
            try takeIn(transaction, isKnown: true)
        case .queryLead:
            try takeIn(transaction)
            try findLead(transaction)
        case .createOpportunity: try tell(transaction, inTheirName: true)
        case .editOpportunity:
            try tell(transaction, inTheirName: false)
            try tell(transaction, inTheirName: true)
        case .queryOpportunity:
            try tell(transaction, inTheirName: false)
            try findOpportunity(transaction)
        case .createActivity:
            try takeIn(transaction)
            let note = NewActivity(subjectType: .lead, subject: lead.externalID, source: Self.source, type: "tag_set", at: Date())
            _ = try transaction.record([note], of: tenant, by: user)
        }
    }

    /// - Parameter isKnown: it has its job already.
    private func takeIn(_ transaction: PostgresTransaction, isKnown: Bool = false) throws {
        _ = try LeadIntake([lead], of: tenant, trigger: .created, ledger: ledger, ids: isKnown ? [] : [job]).run(in: transaction)
    }

    /// By its id, and in the list of the cities they may see.
    private func findLead(_ transaction: PostgresTransaction) throws {
        let judge = try transaction.accessJudge(of: user, of: tenant)
        try judge.require(.queryLead, ofLead: lead.fields.bytes)
        let within = judge.verdict(on: .queryLead).cities.map { LeadCities($0, named: judge.book.cityFields) }
        let listed = try transaction.query(
            LeadRecord.list(of: tenant, state: nil, source: Self.source, externalID: lead.externalID, within: within, limit: 1))
        guard listed.count == 1 else { throw NotFound() }
    }

    private func tell(_ transaction: PostgresTransaction, inTheirName: Bool) throws {
        var telling = try OpportunityTelling(
            "probe-\(job)", since: nil, of: tenant, by: Self.source, at: Date(), in: transaction)
        if inTheirName { try transaction.admit(opportunity, over: telling.known, by: user, of: tenant) }
        try telling.tell(opportunity)
    }

    private func findOpportunity(_ transaction: PostgresTransaction) throws {
        let found = try transaction.query(
            "SELECT fields FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND external_id = \("probe-\(job)")")
        guard let row = found.first else { throw NotFound() }
        let fields = try row.get("fields", as: JSONBytes.self).bytes
        try transaction.accessJudge(of: user, of: tenant).require(.queryOpportunity, ofOpportunity: fields)
    }

    private struct NotFound: Error, CustomStringConvertible {
        var description: String { "what was told was not found" }
    }
}
