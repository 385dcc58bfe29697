import Foundation
import Identity
import Ledger
import PostgresClient
import Tenancy

/// Why customers could not be joined or parted.
public enum CustomerRefusal: String, Error, Sendable, Hashable {
    case unknown
    /// They are one already.
    case same
    /// The lead is not this customer's, or is all there is of it.
    case notParted
    case alreadyUndone
    /// Something later rests on it and has to be taken back first.
    case buried
}

extension CustomerBook {
    /// One of two customers goes into the other; the eldest stays. Nothing is lost: what was said of the one that goes stays with it, too.
    ///
    /// - Returns: the survivor and the operation's number.
    func merge(
        _ a: CustomerID, _ b: CustomerID, by actor: String, reason: String, in transaction: PostgresTransaction
    ) throws -> (survivor: CustomerID, operation: Int64) {
        guard let first = try survivor(CustomerName(a.name)), let second = try survivor(CustomerName(b.name)) else {
            throw CustomerRefusal.unknown
        }
        guard first.id != second.id else { throw CustomerRefusal.same }
        let (survivor, loser) = first.id < second.id ? (first, second) : (second, first)
        let leads = try transaction.query(
            """
            UPDATE lead SET customer_id = \(survivor.id.rawValue)
            WHERE tenant_id = \(tenant.rawValue) AND customer_id = \(loser.id.rawValue)
            RETURNING id
            """
        ).map { try $0.get("id", as: Int64.self) }.sorted()
        try takeKeys(of: loser.said, from: loser.id)
        try write(SaidValues(survivor.said.values + loser.said.values), of: survivor, owner: survivor.owner ?? loser.owner)
        let rows = try transaction.pipeline([
            """
            UPDATE customer SET merged_into = \(survivor.id.rawValue), updated_at = now()
            WHERE tenant_id = \(tenant.rawValue) AND id = \(loser.id.rawValue)
            """,
            "UPDATE routing_state SET customers = customers - 1 WHERE tenant_id = \(tenant.rawValue)",
            """
            INSERT INTO customer_log (tenant_id, operation, customer_id, other_id, owner_before, leads, actor, reason)
            VALUES (\(tenant.rawValue), 'merge', \(loser.id.rawValue), \(survivor.id.rawValue), \(survivor.owner), \(leads), \(actor), \(reason))
            RETURNING id
            """,
            .audit(tenant, by: actor, "customer.merge", survivor.id.name, after: .encoding(["merged": loser.id.name]), reason: reason),
        ])
        return (survivor.id, try rows[2].first!.get("id"))
    }

    /// A lead leaves its customer for one of its own, with what came with it. The two are kept apart from then on.
    func separate(
        _ lead: Int64, from id: CustomerID, by actor: String, reason: String, in transaction: PostgresTransaction
    ) throws -> (made: CustomerID, operation: Int64) {
        guard let entry = try entry(id), entry.mergedInto == nil else { throw CustomerRefusal.unknown }
        let rows = try transaction.query(
            """
            SELECT l.owner_id, EXISTS (
                SELECT FROM lead o WHERE o.tenant_id = l.tenant_id AND o.customer_id = l.customer_id AND o.id <> l.id) AS has_others
            FROM lead l
            WHERE l.tenant_id = \(tenant.rawValue) AND l.id = \(lead) AND l.customer_id = \(id.rawValue)
            FOR UPDATE
            """)
        let (leaving, staying) = (entry.said.values.filter { $0.lead == lead }, entry.said.values.filter { $0.lead != lead })
        guard let row = rows.first, try row.get("has_others") || staying.contains(where: { $0.lead == nil }) else {
            throw CustomerRefusal.notParted
        }
        try write(SaidValues(staying), of: entry, owner: entry.owner)
        let made = try make(SaidValues(leaving), owner: try row.get("owner_id"))
        let written = try transaction.pipeline([
            "UPDATE lead SET customer_id = \(made.rawValue) WHERE tenant_id = \(tenant.rawValue) AND id = \(lead)",
            """
            INSERT INTO customer_review (tenant_id, customer_id, suspect_id, lead_id, percent, evidence, state, decided_by, reason, decided_at)
            VALUES (\(tenant.rawValue), \(made.rawValue), \(id.rawValue), \(lead), 0, '{}', 'apart', \(actor), \(reason), now())
            """,
            """
            INSERT INTO customer_log (tenant_id, operation, customer_id, other_id, leads, actor, reason)
            VALUES (\(tenant.rawValue), 'separate', \(id.rawValue), \(made.rawValue), \([lead]), \(actor), \(reason))
            RETURNING id
            """,
            .audit(
                tenant, by: actor, "customer.separate", id.name, after: .encoding(["lead": String(lead), "made": made.name]), reason: reason
            ),
        ])
        return (made, try written[2].first!.get("id"))
    }

    /// Restores exactly what an operation found.
    func undo(_ number: Int64, of id: CustomerID, by actor: String, reason: String, in transaction: PostgresTransaction) throws {
        let rows = try transaction.query(
            """
            SELECT id, operation, customer_id, other_id, owner_before, leads, actor, reason, at, undone_at
            FROM customer_log
            WHERE tenant_id = \(tenant.rawValue) AND id = \(number) AND (customer_id = \(id.rawValue) OR other_id = \(id.rawValue))
            """)
        guard let row = rows.first else { throw CustomerRefusal.unknown }
        let operation = try CustomerOperation(row)
        guard operation.undoneAt == nil else { throw CustomerRefusal.alreadyUndone }
        let later = try transaction.query(
            """
            SELECT id FROM customer_log
            WHERE tenant_id = \(tenant.rawValue) AND id > \(number) AND undone_at IS NULL
                AND (leads && \(operation.leads) OR customer_id = ANY(\([operation.customer.rawValue, operation.other.rawValue])))
            LIMIT 1
            """)
        guard later.isEmpty, let gone = try entry(operation.customer), let other = try entry(operation.other) else {
            throw CustomerRefusal.buried
        }
        switch operation.kind {
        case .merge: try part(gone, from: other, ownerBefore: try row.get("owner_before"), in: transaction)
        case .separate: try rejoin(other, to: gone, in: transaction)
        }
        _ = try transaction.pipeline([
            """
            UPDATE lead SET customer_id = \(operation.customer.rawValue) WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(operation.leads))
            """,
            """
            UPDATE customer_log SET undone_at = now(), undone_by = \(actor), undone_reason = \(reason)
            WHERE tenant_id = \(tenant.rawValue) AND id = \(number)
            """,
            .audit(tenant, by: actor, "customer.undo", id.name, after: .encoding(["operation": String(number)]), reason: reason),
        ])
    }

    /// A customer that went into another comes back, with what was said of it until then.
    private func part(_ gone: Entry, from survivor: Entry, ownerBefore: Int64?, in transaction: PostgresTransaction) throws {
        // An owner given since then stays.
        let owner = ownerBefore == nil && survivor.owner == gone.owner ? nil : survivor.owner
        try write(survivor.said.without(gone.said), of: survivor, owner: owner)
        try giveKeys(of: gone.said, to: gone.id)
        _ = try transaction.pipeline([
            "UPDATE customer SET merged_into = NULL, updated_at = now() WHERE tenant_id = \(tenant.rawValue) AND id = \(gone.id.rawValue)",
            "UPDATE routing_state SET customers = customers + 1 WHERE tenant_id = \(tenant.rawValue)",
        ])
    }

    /// A lead's own customer goes back into the one it left; its number leads there.
    private func rejoin(_ own: Entry, to former: Entry, in transaction: PostgresTransaction) throws {
        try takeKeys(of: own.said, from: own.id)
        try write(SaidValues(former.said.values + own.said.values), of: former, owner: former.owner)
        _ = try transaction.pipeline([
            """
            UPDATE customer SET merged_into = \(former.id.rawValue), updated_at = now()
            WHERE tenant_id = \(tenant.rawValue) AND id = \(own.id.rawValue)
            """,
            "UPDATE routing_state SET customers = customers - 1 WHERE tenant_id = \(tenant.rawValue)",
        ])
    }
}

extension SaidValues {
    /// These without one occurrence of each of those.
    fileprivate func without(_ others: SaidValues) -> SaidValues {
        var left = values
        for value in others.values { if let place = left.lastIndex(of: value) { left.remove(at: place) } }
        return SaidValues(left)
    }
}

extension Records {
    /// A lead gets a customer of its own.
    public func separate(
        _ lead: Int64, from customer: CustomerID, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (CustomerID, Int64) -> StoredAnswer
    ) async throws -> Once {
        let rules = try await findingRules(of: tenant)
        return try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let book = try CustomerBook(of: tenant, rules: rules, in: transaction)
                let (made, operation) = try book.separate(lead, from: customer, by: actor, reason: reason, in: transaction)
                return answer(made, operation)
            }
        }
    }

    /// Takes an operation on customers back.
    public func undoCustomerOperation(
        _ number: Int64, on customer: CustomerID, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        answer: @Sendable @escaping () -> StoredAnswer
    ) async throws -> Once {
        let rules = try await findingRules(of: tenant)
        return try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                try CustomerBook(of: tenant, rules: rules, in: transaction)
                    .undo(number, of: customer, by: actor, reason: reason, in: transaction)
                return answer()
            }
        }
    }
}
