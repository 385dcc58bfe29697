import Sampling

/// A company as the generator of leads knows it.
public struct SampleCompany: Sendable, Hashable {
    public let id: String
    /// Registered names; the first is today's.
    public let names: [String]
    /// As people call it for short.
    public let short: String?
    public let city: String
    public let domain: String?

    public init(id: String, names: [String], short: String?, city: String, domain: String?) {
        self.id = id
        self.names = names
        self.short = short
        self.city = city
        self.domain = domain
    }

    /// Companies that nobody ever registered, named as small Chinese companies are: place, brand of two or three characters, trade, form.
    ///
    /// Brands come from 60 characters, so that some meet the same brand in the same trade, now and then in another city.
    public static func invented(_ count: Int, seed: UInt64) -> [SampleCompany] {
        var random = SeededNumbers(seed: seed)
        return (0..<count).map { number in
            let brand = (0..<(random.isHit(0.75) ? 2 : 3)).map { _ in brands.randomElement(using: &random)! }.map(String.init).joined()
            let (city, trade) = (cities.randomElement(using: &random)!, trades.randomElement(using: &random)!)
            let form = forms.randomElement(using: &random)!
            let place = random.isHit(0.6) ? city + "市" : random.isHit(0.7) ? city : ""
            let domain = random.isHit(0.6) ? "c\(number).\(random.isHit(0.7) ? "com.cn" : "cn")" : nil
            return SampleCompany(
                id: "c\(number)", names: [place + brand + trade + form], short: brand + String(trade.prefix(2)), city: city, domain: domain)
        }
    }

    private static let brands = Array("华明远达恒信诚通宏盛泰安康瑞丰利德源兴隆金鑫海天龙凯博卓越创新力科锐智联众合正大成东方中南北亚环宇星辰光云峰")
    private static let cities = [
        "深圳", "广州", "上海", "北京", "杭州", "苏州", "成都", "武汉", "南京", "青岛", "宁波", "东莞", "佛山", "长沙", "郑州", "合肥", "无锡", "常州",
    ]
    private static let trades = [
        "科技", "电子科技", "机械设备", "建材", "医疗器械", "贸易", "实业", "自动化设备", "环保工程", "网络科技", "信息技术", "生物科技", "装饰工程", "食品", "物流", "教育科技", "新材料", "精密模具",
    ]
    private static let forms = ["有限公司", "有限公司", "有限公司", "有限公司", "股份有限公司", "有限责任公司", "集团有限公司"]
}
