import JSONEnvelope
import Ledger
import Permissions
import Records
import SalesModel
import Tenancy

extension API {
    static let accessEndpoints = [
        Endpoint(.get, "/v1/access/effective", takesQuery: true, people: .judged, answer: readEffective),
        Endpoint(.get, "/v1/access/policies", .tenant(.operator), answer: readPolicies),
        Endpoint(.post, "/v1/access/check", .tenant(.operator), answer: checkPolicies),
        Endpoint(.post, "/v1/access/probe", .tenant(.operator), answer: probeAccess),
        Endpoint(.get, "/v1/access/versions", .tenant(.operator), takesQuery: true, answer: listVersions),
        Endpoint(.post, "/v1/access/versions", .tenant(.operator), answer: changePolicies),
        Endpoint(.get, "/v1/access/versions/{version}", .tenant(.operator), answer: readVersion),
        Endpoint(.post, "/v1/access/versions/{version}/restore", .tenant(.operator), answer: restoreVersion),
    ]

    /// Losses one answer lists.
    static let shownLosses = 2_000
}

extension Call {
    /// Who judges what is asked with a person's key; nil: it is nobody's in particular, and its role alone counts.
    func judge() async throws -> AccessJudge? {
        guard let user else { return nil }
        return try await records.accessJudge(of: user, of: tenant.id)
    }
}

// MARK: - What somebody may do

/// `GET /v1/access/effective`: with the policy it comes from.
@Sendable private func readEffective(_ call: Call) async throws -> Answer {
    let (user, action, city) = try call.query { query in
        let action = query.choice("action", of: RecordAction.self)
        _ = query.string("action", required: true)
        return (query.string("user", required: true) ?? "", action, query.string("city"))
    }
    guard let action else { throw Problem.unexpected }  // the reader refuses a query without
    // A person sees what they may do themselves.
    if let own = call.user, own != user { throw Problem.notForPeople }
    let judge = try await call.records.accessJudge(of: user, of: call.tenant.id)
    guard judge.isKnown else {
        throw Problem.invalid([FieldError("user", .notFound, "is not known: nobody of this name is a seller, leads a team or has a role")])
    }
    let place: PolicyBook.Place = city.flatMap { City($0) }.map { .city($0) } ?? .unasked
    return Answer(200, judge.verdict(on: action, in: place).json(user, city: city, version: judge.version))
}

extension Verdict {
    fileprivate func json(_ user: String, city: String?, version: Int) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("user", user)
            object.member("action", action.rawValue)
            object.member("city", city)
            object.member("allowed", isAllowed)
            object.member("code", refusal?.rawValue)
            if let producedBy { object.object("policy") { producedBy.write(to: &$0) } } else { object.member("policy", String?.none) }
            if let cities { object.member("cities", cities.map(\.name)) } else { object.member("cities", String?.none) }
            object.member("version", version)
            object.explain(text(in:))
        }
    }
}

extension JSONWriter {
    /// Why, in both languages.
    fileprivate mutating func explain(_ text: (Language) -> String) {
        object("explanation") { words in
            for language in Language.allCases { words.member(language.rawValue, text(language)) }
        }
    }
}

extension AppliedPolicy {
    fileprivate func write(to object: inout JSONWriter) {
        object.member("id", policy.id)
        object.member("effect", policy.effect.rawValue)
        object.member("user", policy.subject.user)
        object.member("team", policy.subject.team)
        object.member("levels_above", closeness.levels)
        object.member("role", policy.subject.role)
        object.member("origin", origin(in: .english))
    }
}

// MARK: - What the tenant says

/// `GET /v1/access/policies`: what counts now.
@Sendable private func readPolicies(_ call: Call) async throws -> Answer {
    guard let version = try await call.records.accessPolicies(of: call.tenant.id) else {
        return Answer(
            200,
            JSONWriter.object { object in
                object.member("version", 0)
                PolicyBook.empty.write(to: &object)
            })
    }
    return Answer(200, version.json(withBook: true))
}

/// `POST /v1/access/check`: what a change would take from whom; nothing is changed.
@Sendable private func checkPolicies(_ call: Call) async throws -> Answer {
    let book = try await call.object { PolicyBook.read(&$0) }
    let forecast = try await call.records.preFlight(book, of: call.tenant.id)
    return Answer(
        200,
        JSONWriter.object(capacity: 1_024) { object in
            object.member("base", forecast.base)
            forecast.preFlight.write(to: &object)
            object.array("warnings") { list in
                for one in forecast.unknown {
                    list.object {
                        $0.member("policy", one[0])
                        $0.member("message", "speaks of \(one[1]), whom nobody told of: it will concern nobody")
                    }
                }
            }
        })
}

/// `POST /v1/access/probe`: has it tried now what people may do (ACCESS-09).
@Sendable private func probeAccess(_ call: Call) async throws -> Answer {
    let job = try await call.records.enqueueAccessProbe(of: call.tenant.id)
    return Answer(202, JSONWriter.object { $0.member("id", job.description) })
}

/// `POST /v1/access/versions`: the next version, which counts from the next request on.
@Sendable private func changePolicies(_ call: Call) async throws -> Answer {
    let (reason, key, (book, base, confirmation)) = try await call.wish { reader in
        (PolicyBook.read(&reader), reader.integer("base", in: 0...Int(Int32.max)), reader.string("confirmation"))
    }
    return try await call.change(AccessChange(.book(book), base: base, confirmation: confirmation, reason: reason), key)
}

/// `POST /v1/access/versions/{version}/restore`: an earlier version is back, as the next.
@Sendable private func restoreVersion(_ call: Call) async throws -> Answer {
    let version = Int(try call.id())
    let (reason, key, confirmation) = try await call.wish { $0.string("confirmation") }
    return try await call.change(AccessChange(.restoring(version), confirmation: confirmation, reason: reason), key)
}

/// `GET /v1/access/versions`: the newest first, without what they say.
@Sendable private func listVersions(_ call: Call) async throws -> Answer {
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    return .page(try await call.records.accessVersions(of: call.tenant.id, before: cursor ?? .max, limit: limit)) {
        $0.json(withBook: false)
    }
}

/// `GET /v1/access/versions/{version}`
@Sendable private func readVersion(_ call: Call) async throws -> Answer {
    guard let version = try await call.records.accessVersion(Int(try call.id()), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, version.json(withBook: true))
}

extension Call {
    fileprivate func change(_ change: AccessChange, _ key: IdempotencyKey?) async throws -> Answer {
        do {
            return try answer(
                try await records.changeAccess(change, of: tenant.id, by: actor, key: key) { version, preFlight, isNew in
                    StoredAnswer(
                        status: isNew ? 201 : 200,
                        body: JSONWriter.object(capacity: 1_024) { object in
                            version.write(to: &object)
                            preFlight.write(to: &object)
                        })
                })
        } catch let refusal as AccessChangeRefusal {
            throw Problem(refusal)
        }
    }
}

extension AccessVersion {
    fileprivate func json(withBook: Bool) -> [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            write(to: &object)
            if withBook { book.write(to: &object) }
        }
    }

    fileprivate func write(to object: inout JSONWriter) {
        object.member("version", version)
        object.member("restored_from", restoredFrom)
        object.member("actor", actor)
        object.member("reason", reason)
        object.member("created_at", createdAt)
    }
}

extension PreFlight {
    fileprivate func write(to object: inout JSONWriter) {
        object.member("total_losses", losses.count)
        object.array("losses") { list in
            for loss in losses.prefix(API.shownLosses) { list.object { loss.write(to: &$0) } }
        }
        object.member("confirmation", confirmation)
    }
}

extension Loss {
    fileprivate func write(to object: inout JSONWriter) {
        object.member("user", user)
        object.member("action", verdict.action.rawValue)
        if let cities { object.member("cities", cities.map(\.name)) } else { object.member("cities", String?.none) }
        if let onlyIn { object.member("only_in", onlyIn.map(\.name)) } else { object.member("only_in", String?.none) }
        object.member("policy", causedBy?.policy.id)
        object.explain(text(in:))
    }
}

// MARK: - Refusals

extension Problem {
    init(_ refusal: AccessRefusal) {
        let verdict = refusal.verdict
        self.init(
            403, verdict.refusal?.rawValue ?? "permission",
            verdict.refusal == .dataDomain ? "It is outside of the data domain" : "The person may not do that",
            detail: "\(refusal.user): \(verdict.text(in: .english)) "
                + "Version \(refusal.version) of the permissions says so; whoever bears an operator's key can change it.")
    }

    fileprivate init(_ refusal: AccessChangeRefusal) {
        switch refusal {
        case .moved(let current):
            self.init(
                409, "version_changed", "The permissions were changed meanwhile",
                detail: "Version \(current) counts now. Read it, write the change into it, and name it as \"base\".")
        case .unconfirmed(let preFlight):
            let who = preFlight.withoutCreate.prefix(20).joined(separator: ", ") + (preFlight.withoutCreate.count > 20 ? ", …" : "")
            self = .invalid([
                FieldError(
                    "confirmation", code: "confirmation_needed",
                    "must be “\(preFlight.confirmation ?? "")”: \(who) would lose opportunity.create, at least in a city of theirs; "
                        + "a check of the change lists what else")
            ])
        case .noSuchVersion: self = .notFound
        case .isCurrent: self.init(409, "version_current", "That version counts already", detail: "There is nothing to bring back.")
        }
    }

    static let notForPeople = Problem(
        403, "not_for_people", "A person's key may not do that",
        detail: "Rules, teams and sellers are told of with a key that is nobody's in particular; "
            + "what others may do is not for a person to ask.")

    static func beyondDomain(_ user: String) -> Problem {
        Problem(
            403, "data_domain", "It is not held to data domains",
            detail: "\(user) has a data domain, and this shows or changes records of every city. Leads, opportunities and activities are "
                + "asked for and told of one by one.")
    }
}
