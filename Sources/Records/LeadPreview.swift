import Foundation
import Rules
import SalesModel
import Tenancy

/// What a tenant's live rules make of leads that are not stored.
public struct LeadPreview: Sendable {
    /// One for each lead, in their order.
    public let judgements: [Judgement]
    /// The rules that have a say in leads of their source.
    public let references: [RuleSetReference]
    private let names: [String]

    init(_ leads: [Lead], from source: String, under rules: TenantRules) {
        judgements = leads.map(rules.judgement)
        references = rules.references(for: source).read
        names = rules.table.names
    }

    /// What was mapped of a lead: our field and its value, by name; what nobody mapped or nobody sent is left out.
    public func fields(of judgement: Judgement) -> [(name: String, value: FieldValue)] {
        zip(names, judgement.mapped.values).filter { $1 != .unmapped && $1 != .empty }.map { ($0, $1) }
    }
}

extension Records {
    /// Maps, scores and routes leads under the rules that are live now; who would be free for them is not asked, and nothing is kept.
    public func preview(_ leads: [NewLead], from source: String, of tenant: Tenant) async throws -> LeadPreview {
        // Who they are is not asked.
        let live = try await liveRuleSets(of: tenant.id).filter { $0.ruleSet.kind.isOfDecisions && $0.ruleSet.kind != .match }
        let rules = TenantRules(live, timeZone: TimeZone(identifier: tenant.settings.timeZone) ?? .gmt)
        return LeadPreview(try leads.map(Lead.init), from: source, under: rules)
    }
}

extension Lead {
    /// As it would be read once it was stored.
    fileprivate init(_ new: NewLead) throws {
        self.init(id: LeadID(0), source: new.source, receivedAt: new.receivedAt, fields: try OutsideValue.fields(new.fields.bytes))
    }
}
