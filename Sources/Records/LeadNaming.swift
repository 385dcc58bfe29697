import Foundation
import JSONEnvelope
import Rules

extension LeadRecord {
    /// What people call it: what its fields say under a usual name of a company's or person's name; nil: none of them does.
    public var name: String? {
        guard let fields = try? JSONEnvelope(fields.bytes, levels: 1, limits: .stored).root else { return nil }
        let known = fields.members.reduce(into: [String: String]()) { known, member in
            let name = Self.plain(member.key)
            guard known[name] == nil, let text = member.value.string?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty
            else { return }
            known[name] = text
        }
        return Self.usualNames.lazy.compactMap { known[$0] }.first
    }

    /// The most telling first: a company's, then a person's. What a pack's map reads as one is usual, too.
    private static let usualNames: [String] =
        [
            "company", "companyname", "公司", "公司名称", "企业名称", "客户名称", "customer", "customername", "account", "accountname",
            "organization", "organisation",
        ] + mapped(to: "company") + ["name", "fullname", "contact", "contactname", "联系人"] + mapped(to: "contact")

    private static func mapped(to field: String) -> [String] {
        let fields = RulePack.all.flatMap { pack -> [MappedField] in
            guard let source = pack.sources[.map], let map = try? RuleSet.parse(kind: .map, name: pack.name, source: source).get().map
            else { return [] }
            return map.fields
        }
        return fields.filter { $0.field.name == field }.flatMap(\.from).map(plain)
    }

    /// In small letters and without what stands between words.
    private static func plain(_ name: String) -> String { name.lowercased().filter { !" _-".contains($0) } }
}
