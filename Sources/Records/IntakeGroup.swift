import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// One caller's lead on its way into a batch.
struct IntakeRequest: Sendable {
    let lead: NewLead
    let tenant: TenantID
    let asked = ContinuousClock.now
}

/// Takes leads of many callers in with one commit for each tenant.
struct IntakeGroup: Sendable {
    let engine: BoundedPool
    let ledger: Ledger

    /// Answers each request, in order.
    func commit(_ batch: [IntakeRequest]) async -> [Result<LeadReceipt, any Error>] {
        var answers = [Result<LeadReceipt, any Error>?](repeating: nil, count: batch.count)
        for places in Dictionary(grouping: batch.indices, by: { batch[$0].tenant }).values {
            for (place, answer) in zip(places, await commitOne(places.map { batch[$0] })) { answers[place] = answer }
        }
        return answers.map { $0! }  // every place belongs to one tenant
    }

    /// Requests of one tenant. When the database refuses what is in them, each half is tried by itself, so that a bad lead fails alone.
    private func commitOne(_ batch: [IntakeRequest]) async -> [Result<LeadReceipt, any Error>] {
        do {
            // Whoever waited behind a batch that hung has waited enough; a second is plenty for a server that is well.
            let waited = ContinuousClock.now - (batch.map(\.asked).min() ?? .now)
            let deadline = max(.seconds(1), engine.patience - waited)
            return try await engine.takeIn(batch.map(\.lead), of: batch[0].tenant, trigger: .created, ledger, deadline: deadline)
                .map { .success($0) }
        } catch  where batch.count > 1 && StoreFailure(error).isRefusal {
            let half = batch.count / 2
            return await commitOne(Array(batch[..<half])) + commitOne(Array(batch[half...]))
        } catch {
            return batch.map { _ in .failure(error) }
        }
    }
}

extension BoundedPool {
    /// Takes leads of one tenant in, in one transaction.
    func takeIn(
        _ leads: [NewLead], of tenant: TenantID, trigger: AssignmentTrigger, _ ledger: Ledger, deadline: Duration? = nil
    ) async throws -> [LeadReceipt] {
        let ids = try await ledger.reserve(leads.count)
        let (receipts, enqueued) = try await write(tenant, deadline: deadline) { transaction in
            try LeadIntake(leads, of: tenant, trigger: trigger, ledger: ledger, ids: ids).run(in: transaction)
        }
        if let enqueued { ledger.announce(enqueued) }
        return receipts
    }
}
