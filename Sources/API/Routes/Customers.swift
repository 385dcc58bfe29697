import Foundation
import Identity
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let customerEndpoints = [
        Endpoint(.get, "/v1/customers/{ext}", answer: readCustomer),
        Endpoint(.put, "/v1/customers/{ext}", answer: putCustomer),
        Endpoint(.post, "/v1/customers:check_duplicate", answer: checkDuplicate),
        Endpoint(.post, "/v1/customers/{ext}/unlink", .tenant(.operator), answer: unlinkCustomer),
        Endpoint(.get, "/v1/customer-reviews", takesQuery: true, answer: listCustomerReviews),
        Endpoint(.post, "/v1/customer-reviews/{id}/link", .tenant(.operator)) { call in try await call.decideReview(asOne: true) },
        Endpoint(.post, "/v1/customer-reviews/{id}/keep-apart", .tenant(.operator)) { call in try await call.decideReview(asOne: false) },
    ]

    /// What identifies a customer.
    static let customerFields = ["company", "contact", "phone", "email", "credit_code"]
}

/// `GET /v1/customers/{ext}`
@Sendable private func readCustomer(_ call: Call) async throws -> Answer {
    guard let customer = try await call.records.customer(CustomerName(try call.externalID()), of: call.tenant.id) else {
        throw Problem.notFound
    }
    return Answer(200, customer.json)
}

/// `PUT /v1/customers/{ext}`
@Sendable private func putCustomer(_ call: Call) async throws -> Answer {
    let externalID = try call.externalID()
    guard CustomerID(name: externalID) == nil else {
        throw Problem.invalid([FieldError("path", .badFormat, "c and a number is how Kiteline itself numbers customers")])
    }
    let told = try await call.object { reader in
        CustomerFactsTold(
            said: reader.customerFields(required: false), owner: reader.string("owner"),
            linkTo: reader.string("link_to").map(CustomerName.init),
            newReason: reader.string("new_reason", length: 1...500))
    }
    // Of one that is known more need not be said.
    if told.said.isEmpty, try await call.records.customer(CustomerName(externalID), of: call.tenant.id) == nil {
        throw Problem.invalid([FieldReader.noCustomerField])
    }
    switch try await call.records.putCustomer(externalID, told, of: call.tenant.id, by: call.actor) {
    case .made(let id): return try await call.customer(id, status: 201)
    case .changed(let id): return try await call.customer(id, status: 200)
    case .alike(let likely): throw Problem.customerExists(likely)
    case .unknownSeller: throw Problem.invalid([FieldError("owner", .notFound, "there is no such seller")])
    case .cannotLink:
        throw Problem.invalid([
            FieldError("link_to", .notFound, "there is no such customer, or it has an external id of its own: tell of it under that one")
        ])
    }
}

/// `POST /v1/customers:check_duplicate`
@Sendable private func checkDuplicate(_ call: Call) async throws -> Answer {
    let said = try await call.object { $0.customerFields() }
    let rules = try await call.records.matchRules(of: call.tenant.id)
    let likely = try await call.records.likelyCustomers(said, of: call.tenant.id)
    return Answer(
        200,
        JSONWriter.object(capacity: 512) { object in
            object.array("duplicates") { list in for one in likely { list.element(json: one.json(rules)) } }
            object.member("invalid", rules.unusable(said))
        })
}

/// `POST /v1/customers/{ext}/unlink`
@Sendable private func unlinkCustomer(_ call: Call) async throws -> Answer {
    guard let customer = try await call.records.customer(CustomerName(try call.externalID()), of: call.tenant.id) else {
        throw Problem.notFound
    }
    let (reason, key, (lead, operation)) = try await call.wish { reader in
        let (lead, operation) = (reader.number("lead_id"), reader.number("operation_id"))
        if (lead == nil) == (operation == nil) { reader.fail("lead_id", .missing, "either this or operation_id is needed, not both") }
        return (lead, operation)
    }
    let id = customer.id
    return try await call.refusing {
        if let lead {
            return try await call.records.separate(lead, from: id, of: call.tenant.id, by: call.actor, reason: reason, key: key) {
                made, operation in
                .joined(made, operation: operation)
            }
        }
        return try await call.records.undoCustomerOperation(
            operation ?? 0, on: id, of: call.tenant.id, by: call.actor, reason: reason, key: key
        ) { .joined(id, operation: nil) }
    }
}

/// `GET /v1/customer-reviews`
@Sendable private func listCustomerReviews(_ call: Call) async throws -> Answer {
    let (state, cursor, limit) = try call.query { ($0.choice("state", of: CustomerReview.State.self), $0.cursor(), $0.limit()) }
    return .page(
        try await call.records.customerReviews(of: call.tenant.id, state: state ?? .open, before: cursor ?? .max, limit: limit), \.json)
}

extension Call {
    fileprivate func customer(_ id: CustomerID, status: Int) async throws -> Answer {
        guard let customer = try await records.customer(CustomerName(id.name), of: tenant.id) else { throw Problem.notFound }
        return Answer(status, customer.json)
    }

    fileprivate func decideReview(asOne: Bool) async throws -> Answer {
        let (review, (reason, key)) = (try id(), try await wish())
        return try await refusing {
            try await records.decide(review, asOne: asOne, of: tenant.id, by: actor, reason: reason, key: key) {
                .joined($0, operation: $1)
            }
        }
    }

    fileprivate func refusing(_ body: () async throws -> Once) async throws -> Answer {
        do {
            return try answer(try await body())
        } catch let refusal as CustomerRefusal {
            throw Problem(refusal)
        }
    }
}

extension StoredAnswer {
    fileprivate static func joined(_ customer: CustomerID, operation: Int64?) -> StoredAnswer {
        StoredAnswer(
            status: 200,
            body: JSONWriter.object { object in
                object.member("customer_id", customer.name)
                object.member("operation_id", operation.map { String($0) })
            })
    }
}

extension FieldReader {
    /// What identifies a customer.
    /// - Parameter required: whether at least one of it is needed.
    fileprivate mutating func customerFields(required: Bool = true) -> [String: [String]] {
        var said: [String: [String]] = [:]
        for field in API.customerFields { if let text = words(field, length: 1...500) { said[field] = [text] } }
        if said.isEmpty, required { add([Self.noCustomerField]) }
        return said
    }

    fileprivate static var noCustomerField: FieldError {
        FieldError("company", .missing, "one of \(API.customerFields.joined(separator: ", ")) is needed")
    }

    /// An id, which is a string.
    fileprivate mutating func number(_ name: String) -> Int64? {
        guard let text = string(name) else { return nil }
        guard let number = Int64(text), number > 0 else {
            fail(name, .badFormat, "must be an id")
            return nil
        }
        return number
    }
}

extension Problem {
    fileprivate static func customerExists(_ likely: [MatchDecision.Likely]) -> Problem {
        Problem(
            409, "customer_exists", "A customer like this is known",
            detail: "Say which one is meant with link_to, or with new_reason why this is another.",
            errors: likely.map { one in
                FieldError("link_to", .duplicate, "\(one.customer.name) is this customer to \(Int(one.evidence.percent)) %")
            })
    }

    fileprivate init(_ refusal: CustomerRefusal) {
        switch refusal {
        case .unknown: self = .notFound
        case .same: self.init(409, "customer_same", "They are one customer already")
        case .notParted:
            self.init(
                409, "customer_not_parted", "The lead cannot leave this customer",
                detail: "It is not this customer's, or is all there is of it.")
        case .alreadyUndone: self.init(409, "already_decided", "This was decided or taken back already")
        case .buried:
            self.init(
                409, "customer_buried", "Something later rests on this", detail: "Take back the later operations on this customer first.")
        }
    }
}

// MARK: - As JSON

extension MatchDecision.Likely {
    fileprivate func json(_ rules: MatchRules) -> [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("customer_id", customer.name)
            object.member("percent", (evidence.percent * 10).rounded() / 10)
            object.member("highlighted", evidence.isHighlighted(by: rules))
            object.member("same", evidence.standing == .same)
            object.member("evidence", json: evidence.json)
        }
    }
}

extension CustomerRecord {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            object.member("id", id.name)
            object.member("external_id", externalID)
            object.member("owner", owner)
            object.array("fields") { list in for field in fields { list.element(json: field.json(unusable: unusable.contains(field.name))) }
            }
            object.member("leads", leads.map { String($0) })
            object.member("merged", merged.map(\.name))
            object.array("operations") { list in for operation in operations { list.element(json: operation.json) } }
            object.member("created_at", createdAt)
            object.member("updated_at", updatedAt)
        }
    }
}

extension CustomerField {
    fileprivate func json(unusable: Bool) -> [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("name", name)
            object.member("value", value)
            object.member("conflict", isInConflict)
            object.member("invalid", unusable)
            object.array("values") { list in
                for value in values {
                    list.object { item in
                        item.member("value", value.value)
                        item.member("source", value.source)
                        item.member("at", value.at)
                        item.member("lead_id", value.lead.map { String($0) })
                    }
                }
            }
        }
    }
}

extension CustomerOperation {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("id", String(id))
            object.member("operation", kind.rawValue)
            object.member("customer_id", customer.name)
            object.member("other_id", other.name)
            object.member("leads", leads.map { String($0) })
            object.member("actor", actor)
            object.member("reason", reason)
            object.member("at", at)
            object.member("undone_at", undoneAt)
        }
    }
}

extension CustomerReview {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("id", String(id))
            object.member("customer_id", customer.name)
            object.member("suspect_id", suspect.name)
            object.member("lead_id", lead.map { String($0) })
            object.member("percent", (percent * 10).rounded() / 10)
            object.member("evidence", json: evidence.bytes)
            object.member("state", state.rawValue)
            object.member("decided_by", decidedBy)
            object.member("reason", reason)
            object.member("created_at", createdAt)
            object.member("decided_at", decidedAt)
        }
    }
}
