import Sampling

/// Leads as they come from forms, fairs and calls, with who they are known: seeded noise on companies.
///
/// Each share was set before anything was measured, and none was changed afterwards.
public struct LeadSample: Sendable {
    /// Of customers, the number of leads: 45 % one, 25 % two, 15 % three, the others four to six.
    static let repeats: [(share: Double, count: ClosedRange<Int>)] = [(0.45, 1...1), (0.25, 2...2), (0.15, 3...3), (0.15, 4...6)]

    /// Of customers whose mobile number was another's before, or is another's afterwards.
    var reassigned = 0.02
    /// Of customers who sit in a building with one exchange for a dozen firms and give its number now and then.
    var sharesExchange = 0.1
    // Of leads:
    var givesExchange = 0.3
    var hasAnotherPhone = 0.04
    var hasNoPhone = 0.03
    var phoneSlip = 0.02
    var hasNoCompany = 0.05
    var companySlip = 0.05
    var shortName = 0.08
    var otherForm = 0.35
    var formerName = 0.1
    var hasNoContact = 0.1
    var titleOnly = 0.06
    var hasEmail = 0.5
    var hasCode = 0.3

    public init() {}

    public func leads(of companies: [SampleCompany], name: String, seed: UInt64) -> TrialData {
        var random = SeededNumbers(seed: seed)
        var customers = companies.map { Customer(company: $0, &random) }
        for place in customers.indices where random.isHit(reassigned) {
            customers[place].mobile = customers.randomElement(using: &random)!.mobile
        }
        let exchanges = (0...(companies.count / 100)).map { _ in Self.landline(&random) }
        for place in customers.indices where random.isHit(sharesExchange) {
            customers[place].exchange = exchanges.randomElement(using: &random)
        }
        let records = customers.flatMap { customer in (0..<Self.count(&random)).map { _ in lead(of: customer, &random) } }
        return TrialData(name: name, records: records.shuffled(using: &random))
    }

    private struct Customer {
        let company: SampleCompany
        let contact: String
        var mobile: String
        let mobile2: String
        var exchange: String?
        let code: String
        let mailbox: String

        init(company: SampleCompany, _ random: inout SeededNumbers) {
            self.company = company
            contact = LeadSample.person(&random)
            mobile = LeadSample.mobile(&random)
            mobile2 = LeadSample.mobile(&random)
            code = CreditCode.completing([9, 1] + (0..<15).map { _ in Int.random(in: 0...9, using: &random) })
            let name = "u\(Int.random(in: 100_000...999_999, using: &random))"
            mailbox = company.domain.map { "\(name)@\($0)" } ?? "\(name)@\(["qq.com", "163.com"].randomElement(using: &random)!)"
        }
    }

    private func lead(of customer: Customer, _ random: inout SeededNumbers) -> TrialRecord {
        var values: [String: [String]] = [:]
        if !random.isHit(hasNoPhone) { values["phone"] = [phone(of: customer, &random)] }
        if !random.isHit(hasNoCompany) { values["company"] = [company(customer.company, &random)] }
        if random.isHit(titleOnly) {
            values["contact"] = [String(customer.contact.prefix(1)) + ["总", "经理", "女士", "先生"].randomElement(using: &random)!]
        } else if !random.isHit(hasNoContact) {
            values["contact"] = [customer.contact]
        }
        if random.isHit(hasEmail) { values["email"] = [customer.mailbox] }
        if random.isHit(hasCode) { values["credit_code"] = [customer.code] }
        // Nobody can be called who left nothing.
        if values["phone"] == nil, values["email"] == nil { values["phone"] = [customer.mobile] }
        return TrialRecord(values: values, entity: customer.company.id)
    }

    private func phone(of customer: Customer, _ random: inout SeededNumbers) -> String {
        if let exchange = customer.exchange, random.isHit(givesExchange) { return exchange }
        var number = Array(random.isHit(hasAnotherPhone) ? customer.mobile2 : customer.mobile)
        if random.isHit(phoneSlip) { number[Int.random(in: 2..<11, using: &random)] = "0123456789".randomElement(using: &random)! }
        let text = String(number)
        return switch Int.random(in: 0..<4, using: &random) {
        case 0: "+86 " + text
        case 1: "\(text.prefix(3))-\(text.dropFirst(3).prefix(4))-\(text.suffix(4))"
        default: text
        }
    }

    private func company(_ company: SampleCompany, _ random: inout SeededNumbers) -> String {
        if let short = company.short, random.isHit(shortName) { return short }
        var name = random.isHit(formerName) ? company.names.last! : company.names[0]
        if random.isHit(otherForm) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: name = Self.without(["集团股份有限公司", "股份有限公司", "有限责任公司", "集团有限公司", "有限公司"], name)
            case 1: name = name.replacingEnd("有限公司", by: "公司")
            case 2:
                name =
                    name.hasPrefix(company.city)
                    ? String(name.dropFirst(company.city.count + (name.dropFirst(company.city.count).hasPrefix("市") ? 1 : 0)))
                    : company.city + name
            default:
                name =
                    name.hasPrefix(company.city + "市") ? company.city + name.dropFirst(company.city.count + 1) : "（\(company.city)）" + name
            }
        }
        guard random.isHit(companySlip) else { return name }
        var characters = Array(name)
        let place = Int.random(in: 0..<max(1, characters.count - 4), using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: characters[place] = "里李理力立丽黎离".randomElement(using: &random)!
        case 1 where characters.count > 4: characters.remove(at: place)
        default: if place + 1 < characters.count { characters.swapAt(place, place + 1) }
        }
        return String(characters)
    }

    private static func without(_ forms: [String], _ name: String) -> String {
        forms.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    }

    private static func count(_ random: inout SeededNumbers) -> Int {
        var left = Double.random(in: 0..<1, using: &random)
        for (share, count) in repeats {
            if left < share { return Int.random(in: count, using: &random) }
            left -= share
        }
        return 1
    }

    private static func mobile(_ random: inout SeededNumbers) -> String {
        "1" + ["38", "39", "58", "86", "33", "77"].randomElement(using: &random)! + digits(8, &random)
    }

    private static func landline(_ random: inout SeededNumbers) -> String {
        ["0755", "021", "010", "0571"].randomElement(using: &random)! + "-8" + digits(7, &random)
    }

    private static func digits(_ count: Int, _ random: inout SeededNumbers) -> String {
        (0..<count).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
    }

    /// The common surnames are common here too.
    private static func person(_ random: inout SeededNumbers) -> String {
        let common = random.isHit(0.5)
        let surname = (common ? Array("王李张刘陈") : Array("杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许")).randomElement(using: &random)!
        let given = Array("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建国志文红梅小海婷宇浩晨欣怡")
        return String(surname) + (0..<(random.isHit(0.35) ? 1 : 2)).map { _ in String(given.randomElement(using: &random)!) }.joined()
    }
}

extension String {
    fileprivate func replacingEnd(_ end: String, by other: String) -> String { hasSuffix(end) ? dropLast(end.count) + other : self }
}
