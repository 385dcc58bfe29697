import Permissions
import Sampling
import Testing

/// Who may do what, and by which policy (ACCESS-01, -02).
@Suite struct VerdictTests {
    private let create: Set<RecordAction> = [.createOpportunity]

    @Test func `where no policy speaks everything is allowed, and it is said so`() {
        let verdict = PolicyBook.empty.create(anna)

        #expect(verdict.isAllowed && verdict.producedBy == nil && verdict.cities == nil)
        #expect(verdict.text(in: .english) == "opportunity.create is allowed: no policy denies it.")
        #expect(verdict.text(in: .chinese) == "opportunity.create 允许：没有策略禁止。")
    }

    @Test func `a policy of a team holds for the teams below it, and for no other`() {
        let book = book(Policy("quiet", .deny, create, to: .init(team: "east")))

        #expect([anna, mia, otto].map { book.create($0).refusal } == [.permission, .permission, .permission])
        #expect(book.create(bert).isAllowed)
        #expect(book.create(anna).producedBy?.closeness.levels == 2)
        #expect(
            book.create(anna).text(in: .english)
                == "opportunity.create is denied by the policy “quiet” (inherited from the team east, 2 above).")
        #expect(book.create(anna).text(in: .chinese) == "opportunity.create 被策略“quiet”（继承自上 2 级团队 east）禁止。")
    }

    /// Each beats those before it.
    @Test func `the closest policy counts: a name before a team, a nearer team before one above, with a role before without`() {
        let subjects: [Policy.Subject] = [
            .everyone, .init(role: "seller"), .init(team: "east"), .init(team: "east", role: "seller"), .init(team: "north"),
            .init(team: "hill"), .init(team: "hill", role: "seller"), .init(user: "anna"), .init(user: "anna", role: "seller"),
            .init(user: "anna", team: "east"), .init(user: "anna", team: "hill"),
        ]
        for (low, high) in zip(subjects, subjects.dropFirst()) {
            for (weak, strong) in [(Policy.Effect.deny, Policy.Effect.allow), (.allow, .deny)] {
                let policies = [Policy("low", weak, create, to: low), Policy("high", strong, create, to: high)]
                for policies in [policies, policies.reversed()] {
                    let verdict = PolicyBook(policies: policies).create(anna)
                    #expect(verdict.isAllowed == (strong == .allow) && verdict.producedBy?.policy.id == "high", "\(low) \(high)")
                }
            }
        }
    }

    @Test func `of two that are as close and differ the denial counts, and names the other`() {
        for policies in [
            [Policy("yes", .allow, create, to: .init(team: "hill")), Policy("no", .deny, create, to: .init(team: "hill"))],
            [Policy("no", .deny, create, to: .init(team: "hill")), Policy("yes", .allow, create, to: .init(team: "hill"))],
        ] {
            let verdict = PolicyBook(policies: policies).create(anna)

            #expect(verdict.refusal == .permission && verdict.producedBy?.policy.id == "no")
            #expect(verdict.text(in: .english).hasSuffix("“yes” is as close and allows it; of equally close ones the denial counts."))
        }
    }

    /// FC-12.
    @Test func `a role of the tenant's own, and the roles everybody has by what they do`() {
        let readOnly = Policy("read-only", .deny, [.createOpportunity, .editOpportunity], to: .init(team: "east", role: "区域经理"))
        let book = PolicyBook(
            policies: [readOnly, Policy("no-sellers", .deny, [.createLead], to: .init(role: "seller"))], roles: ["区域经理": ["mia"]])

        #expect(book.create(mia).refusal == .permission)
        #expect(
            book.create(mia).text(in: .english)
                == "opportunity.create is denied by the policy “read-only” (inherited from the team east, 1 above, for the role 区域经理).")
        #expect(book.create(otto).isAllowed && book.verdict(on: .queryOpportunity, by: mia).isAllowed)
        #expect(book.verdict(on: .createLead, by: anna).refusal == .permission)
        #expect(book.verdict(on: .createLead, by: mia).isAllowed)
        #expect(book.roles(of: mia) == ["区域经理", "manager"])
    }

    @Test func `a data domain holds its people to its cities, and a record without a city is outside`() {
        let book = book(Policy("shanghai", .allow, create, to: .init(team: "north"), cities: cities("上海", "Hangzhou")))

        #expect(book.create(anna).isAllowed && book.create(anna).cities == cities("上海", "Hangzhou"))
        #expect(book.create(anna, in: .city(City(" 上海市 ")!)).isAllowed)
        #expect(book.create(anna, in: .city(City("HANGZHOU")!)).producedBy?.policy.id == "shanghai")
        let outside = book.create(anna, in: .city(City("北京")!))
        #expect(outside.refusal == .dataDomain && outside.producedBy?.policy.id == "shanghai")
        #expect(
            outside.text(in: .english)
                == "The city 北京 is in none of the data domains for opportunity.create: the policy “shanghai” (inherited from the team north, 1 above) has 上海, Hangzhou."
        )
        #expect(outside.text(in: .chinese).hasPrefix("城市“北京”不在 opportunity.create 的任何数据域内：策略“shanghai”"))
        #expect(book.create(anna, in: .unnamed).refusal == .dataDomain)
        #expect(book.create(bert, in: .city(City("北京")!)).isAllowed)
        #expect(book.verdict(on: .queryOpportunity, by: anna, in: .city(City("北京")!)).isAllowed)
        #expect(book.hasDomain(anna) && !book.hasDomain(bert))
    }

    @Test func `lists that are as close count together, a closer one instead of those above it`() {
        let wide = Policy("wide", .allow, create, to: .init(team: "east"), cities: cities("上海", "南京"))
        let own = Policy("own", .allow, create, to: .init(team: "hill"), cities: cities("杭州"))
        let more = Policy("more", .allow, create, to: .init(team: "hill"), cities: cities("宁波", "杭州"))

        #expect(book(wide, own).create(anna).cities == cities("杭州"))
        #expect(book(wide, own, more).create(anna).cities == cities("杭州", "宁波"))
        #expect(book(wide, own, more).create(anna, in: .city(City("宁波")!)).producedBy?.policy.id == "more")
        #expect(book(wide, own, more).create(mia).cities == cities("上海", "南京"))
    }

    @Test func `a denial counts before any data domain`() {
        let domain = Policy("domain", .allow, create, to: .init(user: "anna"), cities: cities("上海"))
        let verdict = book(domain, Policy("no", .deny, create, to: .everyone)).create(anna, in: .city(City("上海")!))

        #expect(verdict.refusal == .permission && verdict.producedBy?.policy.id == "no")
    }

    @Test func `a circle of teams ends, and a team nobody told of is one without a superior`() {
        let circle = Organisation([.init("a", superior: "b"), .init("b", superior: "c"), .init("c", superior: "a")])

        #expect(circle.person("x", isSeller: true, team: "a").teams == ["a": 0, "b": 1, "c": 2])
        #expect(circle.person("x", isSeller: true, team: "nowhere").teams == ["nowhere": 0])
        #expect(teams.person("mia", isSeller: true, team: "hill").teams == ["hill": 0, "north": 0, "east": 1])
    }

    /// Against the sentence itself: nothing closer, and no denial as close.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `whatever the policies, what decides is closest, and denies if anything as close does`(seed: UInt64) {
        var chance = SeededNumbers(seed: seed)
        let subjects: [Policy.Subject] = [
            .everyone, .init(role: "seller"), .init(role: "manager"), .init(team: "east"), .init(team: "north"), .init(team: "hill"),
            .init(team: "south"), .init(team: "east", role: "seller"), .init(user: "anna"), .init(user: "mia"),
        ]
        let policies = (0..<8).map { number in
            Policy(
                "p\(number)", Bool.random(using: &chance) ? .allow : .deny,
                Set(RecordAction.allCases.filter { _ in Bool.random(using: &chance) }), to: subjects.randomElement(using: &chance)!)
        }
        let book = PolicyBook(policies: policies)
        for person in [anna, bert, mia, otto] {
            for action in RecordAction.allCases {
                let verdict = book.verdict(on: action, by: person)
                let speaking = policies.filter { policy in
                    PolicyBook(policies: [policy]).verdict(on: action, by: person).decidedBy != nil
                }
                guard let decided = verdict.decidedBy else {
                    #expect(speaking.isEmpty && verdict.isAllowed)
                    continue
                }
                let closeness = speaking.compactMap { PolicyBook(policies: [$0]).verdict(on: action, by: person).decidedBy }
                #expect(closeness.allSatisfy { $0.closeness <= decided.closeness })
                let denied = closeness.contains { $0.closeness == decided.closeness && $0.policy.effect == .deny }
                #expect(verdict.isAllowed == !denied)
            }
        }
    }
}
