import JSONEnvelope
import Records
import Tenancy

extension API {
    static let opportunityEndpoints = [
        Endpoint(.put, "/v1/opportunities/{ext}", module: .opportunities, answer: putOpportunity)
    ]
}

/// `PUT /v1/opportunities/{ext}`
@Sendable private func putOpportunity(_ call: Call) async throws -> Answer {
    let externalID = try call.externalID()
    let facts = try await call.object { reader in
        var facts = OpportunityFacts(
            owner: reader.string("owner"), industry: reader.string("industry"), stage: reader.string("stage", required: true) ?? "",
            won: reader.bool("won"), closedAt: reader.date("closed_at"))
        if let amount = reader.object("amount", members: 10) {
            var money = FieldReader(amount, path: "amount")
            facts.amountMinor = money.integer("amount_minor", in: 0...1_000_000_000_000_000, required: true).map(Int64.init)
            facts.currency = currency(&money)
            reader.add(money.finish())
        }
        if facts.won != nil && facts.closedAt == nil { reader.fail("closed_at", .missing, "is required when won is true or false") }
        if facts.won == nil && facts.closedAt != nil { reader.fail("won", .missing, "is required when closed_at is given") }
        return facts
    }
    let isNew = try await call.records.putOpportunity(externalID, facts, of: call.tenant.id)
    return Answer(isNew ? 201 : 200, facts.json(externalID))
}

/// Three capital letters, as ISO 4217 has them.
private func currency(_ reader: inout FieldReader) -> String? {
    guard let code = reader.string("currency", length: 3...3, required: true) else { return nil }
    guard code.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) else {
        reader.fail("currency", .badFormat, "must be three capital letters, such as CNY")
        return nil
    }
    return code
}

extension OpportunityFacts {
    fileprivate func json(_ externalID: String) -> [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("external_id", externalID)
            object.member("owner", owner)
            object.member("industry", industry)
            object.member("stage", stage)
            object.member("won", won)
            if let amountMinor {
                object.object("amount") { money in
                    money.member("amount_minor", amountMinor)
                    money.member("currency", currency)
                }
            } else {
                object.member("amount", String?.none)
            }
            object.member("closed_at", closedAt)
        }
    }
}
