import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let fuseEndpoints = [
        Endpoint(.get, "/v1/fuses/assignment", people: .harmless, answer: readFuse),
        Endpoint(.put, "/v1/fuses/assignment", .tenant(.operator), answer: setFuse),
        Endpoint(.get, "/v1/incidents", takesQuery: true, answer: listIncidents),
        Endpoint(.post, "/v1/leads/{id}/assign", people: .judged, answer: assignByHand),
    ]
}

/// `GET /v1/fuses/assignment`
@Sendable private func readFuse(_ call: Call) async throws -> Answer {
    let fuse = try await call.records.assignmentFuse(of: call.tenant.id)
    // What waits while it is closed waits for something else; how many of all cities is not for who is held to some.
    let isHeld = try await call.judge()?.isHeldToCities == true
    guard fuse.state == .open, !isHeld else { return Answer(200, fuse.json()) }
    async let waiting = call.records.leadsForPeople(of: call.tenant.id)
    async let running = call.records.rollouts(of: call.tenant.id, running: true)
    return Answer(200, fuse.json(waiting: try await waiting, tried: try await running.items.filter { $0.state == .canary }))
}

/// `PUT /v1/fuses/assignment`
@Sendable private func setFuse(_ call: Call) async throws -> Answer {
    let (reason, key, state) = try await call.wish { reader in
        reader.choice("state", of: AssignmentFuse.State.allCases.map(\.rawValue), required: true).flatMap(AssignmentFuse.State.init)
    }
    guard let state else { preconditionFailure("a state that is required was not read") }
    return try call.answer(
        try await call.records.setFuse(state, reason: reason, of: call.tenant.id, by: call.actor, key: key) {
            StoredAnswer(status: 200, body: $0.json())
        })
}

/// `GET /v1/incidents`
@Sendable private func listIncidents(_ call: Call) async throws -> Answer {
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    let now = Date()
    return .page(try await call.records.incidents(of: call.tenant.id, before: cursor ?? .max, limit: limit)) { $0.json(at: now) }
}

/// `POST /v1/leads/{id}/assign`
@Sendable private func assignByHand(_ call: Call) async throws -> Answer {
    let lead = try call.id()
    let (reason, key, (seller, isOverride, epoch)) = try await call.wish { reader in
        (
            reader.string("seller", required: true) ?? "", reader.bool("override") ?? false,
            reader.integer("assignment_epoch", in: 0...Int(Int32.max))
        )
    }
    if isOverride, call.principal?.role.includes(.operator) != true {
        try await call.records.noteRefusal(of: call.actor, tenant: call.tenant.id, "POST /v1/leads/{id}/assign", needed: .operator)
        throw Problem.forbidden(Role.operator.rawValue)
    }
    let wish = ManualAssignment(lead: lead, seller: seller, reason: reason, isOverride: isOverride, epoch: epoch)
    do {
        return try call.answer(
            try await call.records.assign(wish, of: call.tenant.id, by: call.actor, user: call.user, key: key) { epoch in
                StoredAnswer(
                    status: 200,
                    body: JSONWriter.object { object in
                        object.member("lead_id", String(lead))
                        object.member("owner", seller)
                        object.member("assignment_epoch", epoch)
                    })
            })
    } catch let refusal as ManualRefusal { throw Problem(refusal) }
}

extension Problem {
    fileprivate init(_ refusal: ManualRefusal) {
        switch refusal {
        case .noLead: self = .notFound
        case .noSeller: self = .invalid([FieldError("seller", .notFound, "there is no such seller")])
        case .sellerNotActive: self.init(409, "seller_not_active", "The seller is not active", detail: "Only who is active receives leads.")
        case .sellerFrozen:
            self.init(409, "seller_frozen", "The seller is frozen", detail: "Who is frozen gets no new lead until the freeze ends.")
        case .automatic:
            self.init(
                409, "automatic_assignment", "Leads are assigned automatically",
                detail: "By hand only while the assignment fuse is open, or with \"override\": true and an operator's key.")
        case .already: self.init(409, "already_owner", "The seller has the lead already", detail: "Nothing was changed.")
        case .reassigned(let owner):
            self.init(
                409, "lead_reassigned", "The lead was assigned again meanwhile",
                detail: owner.map { "It belongs to \($0) now." } ?? "Nobody has it now.")
        case .owned(let owner):
            self.init(
                409, "lead_owned", "The lead has an owner",
                detail: "It belongs to \(owner). With \"override\": true and an operator's key it is given to another.")
        }
    }
}

extension AssignmentFuse {
    /// - Parameters:
    ///   - waiting: how many leads wait for a person; nil: not told.
    ///   - tried: changes that decide some leads meanwhile, one of which may be why it opened; nil: not told.
    fileprivate func json(waiting: Int? = nil, tried: [RolloutRecord]? = nil) -> [UInt8] {
        JSONWriter.object { object in
            object.member("state", state.rawValue)
            object.member("reason", changedAt == nil ? nil : reason)
            object.member("set_by", changedAt == nil ? nil : setBy)
            object.member("changed_at", changedAt)
            if let waiting { object.member("waiting", waiting) }
            if let tried {
                object.array("canaries") { list in
                    for rollout in tried {
                        list.object {
                            $0.member("id", String(rollout.id))
                            $0.member("rule_version", "\(rollout.kind.rawValue)/\(rollout.name)@\(rollout.version)")
                        }
                    }
                }
            }
        }
    }
}

extension Incident {
    fileprivate func json(at now: Date) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("id", String(id))
            object.member("state", state.rawValue)
            object.member("cause", cause)
            object.member("reason", reason)
            object.member("opened_by", openedBy)
            object.member("detected_at", detectedAt)
            object.member("fuse_opened_at", fuseOpenedAt)
            object.member("fixed_at", fixedAt)
            object.member("fixed_by", fixedBy)
            object.member("fix", fix)
            object.member("drained_at", drainedAt)
            object.member("due_at", dueAt)
            object.member("late", isLate(at: now))
        }
    }
}
