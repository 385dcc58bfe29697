import Foundation
import JSONEnvelope
import Records
import Tenancy

/// `PUT /v1/sellers/{ext}/freeze`: no new lead for a seller, or new ones again (ACCESS-08). By the seller's manager, or an operator.
@Sendable func setFreeze(_ call: Call) async throws -> Answer {
    let seller = try call.externalID()
    let isOperator = call.principal?.role.includes(.operator) == true
    let now = Date()
    let (reason, key, wish) = try await call.wish { reader -> (isFrozen: Bool, until: Date?, by: String?) in
        let isFrozen = reader.bool("frozen", required: true) ?? false
        let until = reader.date("until")
        if until != nil, !isFrozen { reader.fail("until", .notAllowed, "is for a freeze only") }
        if let until, until <= now { reader.fail("until", .outOfRange, "has passed") }
        let named = reader.string("by", required: !isOperator && call.user == nil)
        if let user = call.user, let named, named != user { reader.fail("by", .notAllowed, "is whose key this is: \(user)") }
        return (isFrozen, until, call.user ?? named)
    }
    do {
        return try call.answer(
            try await call.records.setFreeze(
                FreezeWish(
                    seller: seller, isFrozen: wish.isFrozen, until: wish.until, by: wish.by, reason: reason, needsManager: !isOperator),
                of: call.tenant.id, by: call.actor, key: key, now: now
            ) { StoredAnswer(status: 200, body: $0.json) })
    } catch FreezeRefusal.noSeller {
        throw Problem.notFound
    } catch FreezeRefusal.notFrozen {
        throw Problem(409, "seller_not_frozen", "The seller is not frozen", detail: "There is nothing to thaw.")
    } catch FreezeRefusal.notManager {
        try await call.records.noteRefusal(
            of: call.actor, tenant: call.tenant.id, "PUT /v1/sellers/\(seller)/freeze by \(wish.by ?? "")", needed: .operator)
        throw Problem(
            403, "not_the_manager", "A seller is frozen by a manager",
            detail: "\"by\" must be who leads the seller's team or one above it; an operator's key needs no manager.")
    }
}

extension SellerFreeze {
    func write(to object: inout JSONWriter) {
        object.member("since", since)
        object.member("until", until)
        object.member("reason", reason)
        object.member("by", by)
    }
}
