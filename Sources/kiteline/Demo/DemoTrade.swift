import Benchmarks
import Foundation

/// A generated tenant of the demo: who sells, by what rules, and what its leads look like.
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
    let map: String
    let score: String
    let route: String
    let sellerCount: Int
    let seed: UInt64

    static let all = [manufacturing, medical, education]
}

extension DemoTrade {
    private static let surnames = ["Chen", "Li", "Wang", "Zhang", "Liu", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun", "Ma"]
    private static let givenNames = ["Wei", "Fang", "Min", "Jing", "Lei", "Yan", "Tao", "Na", "Jun", "Ying", "Qiang", "Xin"]

    /// Most work here; the last but one has left and the last is on leave, so the receipts show why they get nothing.
    var sellers: [Seller] {
        var chance = SeededGenerator(seed: seed)
        let teamIDs = teams.keys.sorted()
        return (0..<sellerCount).map { n in
            let status = n == sellerCount - 2 ? "inactive" : n == sellerCount - 1 ? "leave" : "active"
            return Seller(
                id: "\(slug.prefix(3))-\(n + 1)",
                name: Self.surnames.randomElement(using: &chance)! + " " + Self.givenNames.randomElement(using: &chance)!,
                team: teamIDs[n % teamIDs.count], status: status,
                regions: n % 3 == 0 ? [] : [regions[n % regions.count], regions[(n + 1) % regions.count]],
                industries: n % 4 == 0 ? [] : [industries[n % industries.count]], weight: n % 5 == 0 ? 2 : 1, newcomer: n % 6 == 5)
        }
    }

    /// Won and lost deals of the last half year, which rank the sellers.
    func deals(now: Date) -> [(seller: String, industry: String, won: Bool, closed: Date)] {
        var chance = SeededGenerator(seed: seed + 1)
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
        var chance = SeededGenerator(seed: seed + 2)
        return (0..<count).map { n in
            var fields = [
                "company": "\(regions.randomElement(using: &chance)!)客户\(1_000 + n)",
                "contact": Self.surnames.randomElement(using: &chance)!,
                "industry": industries.randomElement(using: &chance)!, "region": regions.randomElement(using: &chance)!,
                "role": ["buyer", "engineer", "director", "owner"].randomElement(using: &chance)!,
                "days": "\([7, 14, 30, 90, 180].randomElement(using: &chance)!)", "visits": "\(Int.random(in: 0...6, using: &chance))",
            ]
            if Double.random(in: 0..<1, using: &chance) < 0.75 { fields["budget"] = "\(Int.random(in: 2...80, using: &chance) * 10_000)" }
            // Some forms send a field nobody mapped: it is kept, and an alarm names it once.
            if Double.random(in: 0..<1, using: &chance) < 0.02 { fields["utm_term"] = "autumn" }
            return Lead(source: sources.randomElement(using: &chance)!, fields: fields)
        }
    }
}

// MARK: - The rules

extension DemoTrade {
    private static let commonMap = """
        sources: ["*"]
        fields:
          company: { from: company, optional: true }
          contact: { from: contact, optional: true }
          contact_role: { from: role, optional: true }
          industry: { from: industry }
          region: { from: region }
          budget: { from: budget, currency: CNY, optional: true }
          needed_in_days: { from: days, optional: true }
          interactions: { from: visits, optional: true }
        """

    private static func card(best: [String]) -> String {
        """
        dimensions:
          industry_match: { cases: [{ when: { field: industry, in: [\(best.joined(separator: ", "))] }, points: 20 }], otherwise: 8 }
          budget_clarity:
            cases:
              - { when: { field: budget, gte: CNY 300000 }, points: 20 }
              - { when: { field: budget, present: true }, points: 12 }
          decision_chain:
            cases:
              - { when: { field: contact_role, in: [director, owner] }, points: 20 }
              - { when: { field: contact_role, present: true }, points: 10 }
          urgency:
            cases:
              - { when: { field: needed_in_days, lte: 14 }, points: 20 }
              - { when: { field: needed_in_days, lte: 30 }, points: 12 }
            otherwise: 4
          interaction:
            cases:
              - { when: { field: interactions, gte: 4 }, points: 20 }
              - { when: { field: interactions, gte: 1 }, points: 10 }
        """
    }

    static let manufacturing = DemoTrade(
        slug: "huadong-machines", weight: 3, teams: ["key-accounts": "大客户三组", "east": "East", "south": "South"],
        regions: ["江苏", "浙江", "上海", "广东"], industries: ["new-energy-vehicle", "packaging", "metal"],
        sources: ["exhibition_scan", "website", "referral", "sem"], map: commonMap, score: card(best: ["new-energy-vehicle", "metal"]),
        route: """
            rules:
              - id: fair-nev
                when: { all: [{ field: source, equals: exhibition_scan }, { field: industry, contains: new-energy-vehicle }] }
                to: { team: key-accounts }
                by: group_first
              - id: website-without-budget
                when: { all: [{ field: source, equals: website }, { field: budget, empty: true }] }
                to: marketing
            filters: [region, industry]
            strategy:
              high: { by: top_n_by_close_rate, n: 3, window_months: 6, active_only: true, min_closed: 1 }
              mid: { by: fewest_pending }
              low: { to: { pool: nurture } }
            """, sellerCount: 14, seed: 11)

    static let medical = DemoTrade(
        slug: "renhe-medical", weight: 1, teams: ["hospitals": "Hospitals", "clinics": "Clinics"], regions: ["北京", "四川", "湖北"],
        industries: ["hospital", "clinic", "dental"], sources: ["sem", "wechat", "referral"], map: commonMap,
        score: card(best: ["hospital"]),
        route: """
            filters: [region]
            strategy:
              high: { by: top_n_by_close_rate, metric: deals_won, n: 3, window_months: 6, active_only: true }
              mid: { by: round_robin }
              low: { to: newcomers, by: round_robin }
            fallback: { pool: overflow }
            """, sellerCount: 10, seed: 22)

    static let education = DemoTrade(
        slug: "qiming-education", weight: 1, teams: ["consultants": "Consultants"], regions: ["上海", "广东", "北京"],
        industries: ["k12", "vocational", "languages"], sources: ["douyin", "live_stream", "referral"], map: commonMap,
        score: card(best: ["vocational"]),
        route: """
            rules:
              - { id: referrals, when: { field: source, equals: referral }, to: everyone, by: round_robin }
            strategy:
              high: { by: fewest_pending }
              mid: { by: round_robin }
              low: { to: { pool: nurture } }
            """, sellerCount: 8, seed: 33)
}
