import Benchmarks
import Foundation
import Rules
import Sampling

/// A generated tenant of the demo: who sells, and what its leads look like. Its rules are those of a pack.
///
/// Everything is drawn from the seed, so the demo is the same every time but for its dates.
struct DemoTrade: Sendable {
    struct Seller: Sendable {
        var id: String
        var name: String
        var team: String
        var status: String
        var regions: [String]
        var industries: [String]
        var weight = 1
        var newcomer = false
    }

    struct Lead: Sendable {
        var source: String
        var fields: [String: String]
    }

    let slug: String
    let weight: Int
    let teams: [String: String]
    let regions: [String]
    let industries: [String]
    let sources: [String]
    let pack: RulePack
    let sellerCount: Int
    let seed: UInt64
    /// What a lead of this trade says, in the words of the forms the pack's map reads.
    let form: @Sendable (_ trade: DemoTrade, _ n: Int, _ chance: inout SeededNumbers) -> [String: String]

    static let all = [manufacturing, medical, education]
}

extension DemoTrade {
    private static let surnames = ["Chen", "Li", "Wang", "Zhang", "Liu", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun", "Ma"]
    private static let givenNames = ["Wei", "Fang", "Min", "Jing", "Lei", "Yan", "Tao", "Na", "Jun", "Ying", "Qiang", "Xin"]

    /// A name of the demo's people.
    static func name(_ chance: inout SeededNumbers) -> String {
        surnames.randomElement(using: &chance)! + " " + givenNames.randomElement(using: &chance)!
    }

    /// Most work here; the last but one has left and the last is on leave, so the receipts show why they get nothing.
    var sellers: [Seller] {
        var chance = SeededNumbers(seed: seed)
        let teamIDs = teams.keys.sorted()
        return (0..<sellerCount).map { n in
            let status = n == sellerCount - 2 ? "inactive" : n == sellerCount - 1 ? "leave" : "active"
            return Seller(
                id: "\(slug.prefix(3))-\(n + 1)",
                name: Self.name(&chance),
                team: teamIDs[n % teamIDs.count], status: status,
                regions: n % 3 == 0 ? [] : [regions[n % regions.count], regions[(n + 1) % regions.count]],
                industries: n % 4 == 0 ? [] : [industries[n % industries.count]], weight: n % 5 == 0 ? 2 : 1, newcomer: n % 6 == 5)
        }
    }

    /// A seller as people know them, with the number the rules know them by.
    func name(of seller: String?) -> String {
        guard let known = sellers.first(where: { $0.id == seller }) else { return seller ?? "nobody" }
        return "\(known.name) (\(known.id))"
    }

    /// Won and lost deals of the last half year, which rank the sellers.
    func deals(now: Date) -> [(seller: String, industry: String, won: Bool, closed: Date)] {
        var chance = SeededNumbers(seed: seed + 1)
        return sellers.flatMap { seller in
            let skill = Double.random(in: 0.15...0.6, using: &chance)
            return (0..<8).map { _ in
                (
                    seller.id, industries.randomElement(using: &chance)!, Double.random(in: 0..<1, using: &chance) < skill,
                    now.addingTimeInterval(-86_400 * Double.random(in: 1...170, using: &chance))
                )
            }
        }
    }

    func leads(_ count: Int) -> [Lead] {
        var chance = SeededNumbers(seed: seed + 2)
        return (0..<count).map { n in
            var fields = form(self, n, &chance)
            // Some forms send a field nobody mapped: it is kept, and an alarm names it once.
            if Double.random(in: 0..<1, using: &chance) < 0.02 { fields["utm_term"] = "autumn" }
            return Lead(source: sources.randomElement(using: &chance)!, fields: fields)
        }
    }
}

// MARK: - The trades

extension DemoTrade {
    static let manufacturing = DemoTrade(
        slug: "huadong-machines", weight: 3, teams: ["key-accounts": "大客户三组", "east": "East", "south": "South"],
        regions: ["江苏", "浙江", "上海", "广东"], industries: ["新能源汽车", "汽车零部件", "机械"],
        sources: ["exhibition", "website", "partner", "sem"], pack: .manufacturing, sellerCount: 14, seed: 11
    ) { trade, n, chance in
        let region = pick(trade.regions, &chance)
        var fields = [
            "company": "\(region)客户\(1_000 + n)", "contact": pick(surnames, &chance), "province": region,
            "industry_tag": pick(["新能源汽车", "汽车零部件", "机械", "电子", "包装"], &chance),
            "source_channel": pick(["展会扫码", "官网表单", "转介绍", "抖音留资"], &chance),
            "title": pick(["总经理", "厂长", "采购", "工程师"], &chance), "needed_in_days": pick(["14", "30", "90", "180"], &chance),
            "interactions": "\(Int.random(in: 0...7, using: &chance))", "signals": pick(["需求文档", "预约演示", "白皮书", "观看视频"], &chance),
        ]
        if Double.random(in: 0..<1, using: &chance) < 0.75 { fields["budget"] = "\(Int.random(in: 5...150, using: &chance) * 10_000)" }
        return fields
    }

    static let medical = DemoTrade(
        slug: "renhe-medical", weight: 1, teams: ["hospital-consultants": "Hospitals", "clinics": "Clinics"],
        regions: ["北京", "四川", "湖北"], industries: ["top_hospital", "hospital", "private_clinic"],
        sources: ["sem", "wechat", "referral"], pack: .medical, sellerCount: 10, seed: 22
    ) { trade, n, chance in
        let region = pick(trade.regions, &chance)
        var fields = [
            "institution_name": "\(region)医院\(1_000 + n)", "contact": pick(surnames, &chance), "province": region,
            "institution": pick(["三甲医院", "二级医院", "民营诊所", "体检中心"], &chance), "channel": pick(["搜索", "公众号", "学术会议"], &chance),
            "beds": pick(["40", "120", "300", "800"], &chance), "roles": pick(["科主任", "设备科", "院长"], &chance),
            "needed_in_days": pick(["30", "90", "180", "365"], &chance), "interactions": "\(Int.random(in: 0...6, using: &chance))",
        ]
        if Double.random(in: 0..<1, using: &chance) < 0.75 { fields["budget"] = "\(Int.random(in: 5...150, using: &chance) * 10_000)" }
        return fields
    }

    static let education = DemoTrade(
        slug: "qiming-education", weight: 1, teams: ["advisors": "Advisors"], regions: ["上海", "广东", "北京"],
        industries: ["k12", "vocational", "languages"], sources: ["douyin", "live_stream", "referral"], pack: .education,
        sellerCount: 8, seed: 33
    ) { trade, _, chance in
        var fields = [
            "parent_name": pick(surnames, &chance), "city": pick(trade.regions, &chance), "channel": pick(["抖音", "直播", "转介绍"], &chance),
            "course": pick(["雅思", "托福", "考研", "编程"], &chance), "relation": pick(["本人", "父母", "亲友"], &chance),
            "starts_in_days": pick(["7", "30", "60", "120"], &chance), "visits": "\(Int.random(in: 0...3, using: &chance))",
            "actions": pick(["预约试听", "提交需求", "下载资料", "观看直播", "浏览"], &chance),
        ]
        if Double.random(in: 0..<1, using: &chance) < 0.75 { fields["budget"] = "\(Int.random(in: 5...40, using: &chance) * 1_000)" }
        // Some know their advisor already, who may have left.
        if Double.random(in: 0..<1, using: &chance) < 0.15 { fields["advisor"] = pick(trade.sellers, &chance).id }
        return fields
    }

    private static func pick<Item>(_ items: [Item], _ chance: inout SeededNumbers) -> Item {
        items.randomElement(using: &chance)!  // no list here is empty
    }
}
