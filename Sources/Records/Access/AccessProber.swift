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
    public var version = 0
    public var tried: [AccessProbe] = []
    /// Whether everything was tried there is.
    public var isComplete = true
    public var failures: [ProbeFailure] = []
    /// Whether the tenant's permissions can be read: by those that cannot, nobody may do anything.
    public var isReadable = true
}

/// Does what people do, in their names, as their requests would: judged by the same code, written by the same statements. Each try is a
/// transaction of its own that is undone, so that nobody ever sees what it told of, and nobody is told.
public struct AccessProber: Sendable {
    /// Tries of one round; with some milliseconds each it ends within a minute.
    private static let most = 2_000
    /// How long a round goes on where tries hang. Well within its job's time: what was found is told.
    private static let patience: Duration = .seconds(150)
    /// After so many tries of one action that took too long, it is not tried again in this round.
    private static let stuck = 3

    private let records: Records

    public init(_ records: Records) { self.records = records }

    private struct Basis: Equatable {
        let version: Int
        let book: PolicyBook
        let holders: [Holder]
        let actions: [RecordAction]
    }

    /// Tries every action for each role and data domain of a tenant.
    /// - Throws: what keeps it from trying at all; a `Failure` where permissions or people changed meanwhile, so that nothing is found by
    ///   what no longer counts.
    public func round(of tenant: TenantID, turn: Int = Int(Date().timeIntervalSince1970 / 3_600)) async throws -> AccessProbeRound {
        var round = AccessProbeRound()
        let basis: Basis
        do { basis = try await self.basis(of: tenant) } catch is UnreadablePolicies {
            round.isReadable = false
            return round
        }
        let plan = basis.book.plan(for: basis.holders, actions: basis.actions, limit: Self.most, turn: turn)
        round.version = basis.version
        round.isComplete = plan.isComplete
        let end = ContinuousClock.now + Self.patience
        var slow: [RecordAction: Int] = [:]
        for (probe, id) in zip(plan.probes, try await records.ledger.reserve(plan.probes.count)) {
            guard ContinuousClock.now < end, slow[probe.action, default: 0] < Self.stuck else {
                round.isComplete = false
                continue
            }
            try Task.checkCancellation()
            let trial = AccessTrial(probe, of: tenant, cityField: basis.book.cityFields.first, records: records, job: id)
            let answer = try await answer(to: trial)
            if answer == .failed(Self.tooSlow) { slow[probe.action, default: 0] += 1 }
            if let failure = basis.book.failure(of: probe, answering: answer) { round.failures.append(failure) }
            round.tried.append(probe)
        }
        if !round.failures.isEmpty, try await self.basis(of: tenant) != basis {
            throw Failure(.transient, "permissions or people changed while they were tried")
        }
        return round
    }

    private func basis(of tenant: TenantID) async throws -> Basis {
        try await records.write(tenant, on: records.engine) { transaction in
            let current = try transaction.currentAccess(of: tenant)
            let book = current?.book ?? .empty
            let off: [String] = try transaction.query("SELECT modules_off FROM tenant WHERE id = \(tenant.rawValue)").first!.get(
                "modules_off")
            return Basis(
                version: current?.version ?? 0, book: book,
                holders: try AccessCensus(of: tenant, in: transaction).holders(inCitiesOf: book, of: tenant, in: transaction),
                // A module that is off answers nobody.
                actions: RecordAction.allCases.filter { !off.contains(Module.opportunities.rawValue) || !$0.isOfOpportunities })
        }
    }

    private static let tooSlow = "it took too long"

    private func answer(to trial: AccessTrial) async throws -> ProbeAnswer {
        struct Undone: Error {}
        do {
            let _: Never = try await records.write(trial.tenant, on: records.engine) { transaction in
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
        } catch let error as PostgresError where error.code == .deadline {
            return .failed(Self.tooSlow)
        } catch {
            return .failed(String("\(error)".prefix(300)))
        }
    }
}

extension RecordAction {
    fileprivate var isOfOpportunities: Bool { [.createOpportunity, .editOpportunity, .queryOpportunity].contains(self) }
}

extension PostgresError {
    /// The server is away or busy, or nobody waits any more: everything would fail.
    fileprivate var saysNothingOfTheTrial: Bool {
        switch code {
        case .connectionLost, .unknownCommit, .cancelled, .poolExhausted, .closed, .roleRefused: true
        case .deadline: !mayHaveRun
        case .server: isRetryable
        case .decoding, .invalidRequest: false
        }
    }
}

/// One action in somebody's name, in a transaction that somebody else undoes.
private struct AccessTrial: Sendable {
    private static let source = "kiteline-probe"

    let tenant: TenantID
    private let probe: AccessProbe
    private let records: Records
    private let job: JobID
    private let lead: NewLead
    private let opportunity: OpportunityFacts

    /// - Parameter job: a number nobody else has; it names the records too.
    init(_ probe: AccessProbe, of tenant: TenantID, cityField: String?, records: Records, job: JobID) {
        func fields(_ name: String?) -> [UInt8] {
            JSONWriter.object { object in if let name, let city = probe.city { object.member(name, city.name) } }
        }
        self.probe = probe
        self.tenant = tenant
        self.records = records
        self.job = job
        lead = NewLead(source: Self.source, externalID: "probe-\(job)", receivedAt: Date(), fields: fields(cityField))
        opportunity = OpportunityFacts(owner: probe.person.id, stage: "new", fields: fields(OpportunityFacts.cityFields.first))
    }

    private var user: String { probe.person.id }
    private var name: String { "probe-\(job)" }

    func run(in transaction: PostgresTransaction) throws {
        switch probe.action {
        case .createLead:
            try transaction.admit(lead, by: user, of: tenant)
            _ = try takeIn(transaction)
        case .editLead:
            _ = try takeIn(transaction)
            try transaction.admit(lead, by: user, of: tenant)
            _ = try takeIn(transaction, isKnown: true)
        case .queryLead:
            let id = try takeIn(transaction)
            try find(lead: id, transaction)
        case .createOpportunity: try tell(transaction, user)
        case .editOpportunity:
            try tell(transaction, nil)
            try tell(transaction, user)
        case .queryOpportunity:
            try tell(transaction, nil)
            try findOpportunity(transaction)
        case .createActivity:
            _ = try takeIn(transaction)
            try becomeApplication(transaction)
            let note = NewActivity(subjectType: .lead, subject: lead.externalID, source: Self.source, type: "tag_set", at: Date())
            _ = try transaction.record([note], of: tenant, by: user)
        }
    }

    /// As the requests do that need no more.
    private func becomeApplication(_ transaction: PostgresTransaction) throws { _ = try transaction.query("SET LOCAL ROLE kiteline_app") }

    /// - Parameter isKnown: it has its job already.
    private func takeIn(_ transaction: PostgresTransaction, isKnown: Bool = false) throws -> Int64 {
        let intake = LeadIntake([lead], of: tenant, trigger: .created, ledger: records.ledger, ids: isKnown ? [] : [job])
        return try intake.run(in: transaction).receipts[0].lead
    }

    /// By its number, and in the list of the cities they may see.
    private func find(lead id: Int64, _ transaction: PostgresTransaction) throws {
        try becomeApplication(transaction)
        let found = try transaction.query(LeadRecord.one(id, of: tenant)).first.map(LeadRecord.init)
        guard let found else { throw NotFound() }
        let judge = try transaction.accessJudge(of: user, of: tenant)
        try judge.require(.queryLead, ofLead: found.fields.bytes)
        var search = LeadSearch()
        search.source = Self.source
        search.externalID = lead.externalID
        search.within = judge.verdict(on: .queryLead).cities.map { LeadCities($0, named: judge.book.cityFields) }
        let listed = try transaction.query(LeadRecord.list(search, of: tenant, limit: 1))
        guard listed.count == 1 else { throw NotFound() }
    }

    private func tell(_ transaction: PostgresTransaction, _ user: String?) throws {
        _ = try transaction.tell(name, opportunity, of: tenant, by: Self.source, user: user, gates: records.gates, at: Date())
    }

    private func findOpportunity(_ transaction: PostgresTransaction) throws {
        try becomeApplication(transaction)
        let rows = try transaction.pipeline(Opportunity.statements(name, tenant))
        guard let found = try Opportunity(name, rows) else { throw NotFound() }
        try transaction.accessJudge(of: user, of: tenant).require(.queryOpportunity, ofOpportunity: found.facts.fields)
    }

    private struct NotFound: Error, CustomStringConvertible {
        var description: String { "what was told was not found" }
    }
}
