import Foundation
import JSONEnvelope

extension LeadRecord {
    /// What people call it: what its fields say under a usual name of a company's or person's name; nil: none of them does.
    public var name: String? {
        guard let fields = try? JSONEnvelope(fields.bytes, levels: 1, limits: .stored).root else { return nil }
        let known = fields.members.reduce(into: [String: String]()) { known, member in
            let name = member.key.lowercased().filter { !" _-".contains($0) }
            guard known[name] == nil, let text = member.value.string?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty
            else { return }
            known[name] = text
        }
        return Self.usualNames.lazy.compactMap { known[$0] }.first
    }

    /// In small letters and without what stands between words, the most telling first.
    private static let usualNames = [
        "company", "companyname", "公司", "公司名称", "企业名称", "客户名称", "customer", "customername", "account", "accountname",
        "organization", "organisation", "name", "fullname", "contact", "contactname", "联系人",
    ]
}
