import SalesModel
import Testing

@Suite struct ReasonTests {
    private static let golden: [(Reason, english: String, chinese: String)] = [
        (
            Reason(.fieldUnmapped, ["field": "source_channel", "source": "form"]),
            "The rules read “source_channel”, but no map says what it is for leads from “form”.", "规则用到字段“source_channel”，但来源“form”没有它的映射。"
        ),
        (
            Reason(.typeMismatch, ["field": "budget", "outside": "b", "expected": "money"]),
            "The outside field “b” holds a value that is not an amount, such as 480000, 1,200.50 or 48万, as “budget” needs.",
            "外部字段“b”的值不是“budget”所需的金额（如 480000、1,200.50、48万）。"
        ),
        (
            Reason(.typeMismatch, ["field": "budget", "outside": "b", "expected": "money_from_zero", "value": "-500"]),
            "The outside field “b” holds “-500”, which is not an amount of zero or more, as “budget” needs.",
            "外部字段“b”的值“-500”不是“budget”所需的不为负的金额。"
        ),
        (
            Reason(
                .typeMismatch,
                [
                    "field": "budget", "outside": "b", "expected": "money_in", "value": "$48,000.00", "sign": "$",
                    "currencies": "USD, CAD, AUD", "asked": "CNY",
                ]),
            "The outside field “b” holds “$48,000.00”, which is not an amount in CNY, as “budget” needs: “$” may be USD, CAD, AUD or another. With its code before it, such as USD 500, an amount says which; rules that compare it with amounts in CNY need it in CNY.",
            "外部字段“b”的值“$48,000.00”不是“budget”所需的 CNY 金额：“$”可能表示 USD、CAD、AUD 等；在金额前写明币种代码（如 USD 500）即可区分，但规则按 CNY 比较时，须换算成 CNY 填写。"
        ),
        (
            Reason(
                .typeMismatch,
                [
                    "field": "budget", "outside": "b", "expected": "money_in", "value": "€5", "sign": "€", "currencies": "EUR",
                    "asked": "CNY",
                ]),
            "The outside field “b” holds “€5”, which is not an amount in CNY, as “budget” needs: “€” is EUR. With its code before it, such as EUR 500, an amount says which; rules that compare it with amounts in CNY need it in CNY.",
            "外部字段“b”的值“€5”不是“budget”所需的 CNY 金额：“€”表示 EUR；在金额前写明币种代码（如 EUR 500）即可区分，但规则按 CNY 比较时，须换算成 CNY 填写。"
        ),
        (
            Reason(.typeMismatch, ["field": "fair", "outside": "d", "expected": "day_of_calendar", "value": "2026-02-30"]),
            "The outside field “d” holds “2026-02-30”, which is not a day of the calendar, as “fair” needs.",
            "外部字段“d”的值“2026-02-30”不是“fair”所需的日期，日历上没有这一天。"
        ),
        (Reason(.fieldMissing, ["field": "company"]), "“company” is required and the lead does not have it.", "必填字段“company”缺失。"),
        (Reason(.notComparable, ["field": "budget"]), "“budget” could not be compared with what the rules ask.", "“budget”无法与规则要求的值比较。"),
        (
            Reason(.notComparable, ["field": "budget", "value": "USD 5000.00", "currency": "USD", "asked": "CNY"]),
            "“budget” (USD 5000.00) could not be compared with what the rules ask: it is in USD, and they compare with amounts in CNY.",
            "“budget”（USD 5000.00）无法与规则要求的值比较：其币种为 USD，规则按 CNY 比较。"
        ),
        (
            Reason(.fieldDefaulted, ["field": "source_channel", "value": "unknown"]),
            "“source_channel” was not given; its default “unknown” was taken.",
            "“source_channel”未提供，采用默认值“unknown”。"
        ),
        (Reason(.scoreBand, ["score": 82, "band": "high"]), "Lead score 82, high band.", "线索质量分 82，高分段。"),
        (Reason(.intentGrade, ["grade": "mid"]), "Intent grade: middle.", "意向等级：中意向。"),
        (Reason(.ruleMatched, ["rule": "fair"]), "Rule “fair” applies.", "命中规则“fair”。"),
        (
            Reason(.condition, ["field": "industry", "operator": "contains", "operand": "汽车", "value": "新能源汽车"]),
            "industry contains 汽车 (it is “新能源汽车”).", "industry 包含 汽车（实际为“新能源汽车”）。"
        ),
        (Reason(.condition, ["field": "budget", "operator": "empty"]), "budget is empty.", "budget 为空。"),
        (Reason(.noRouteRules), "No route rules are live for this tenant.", "该租户没有生效的分配规则。"),
        (Reason(.noScoreRules), "No score rules are live, so there is no score to route by.", "没有生效的评分规则，无法按分数分配。"),
        (
            Reason(.rulesUnreadable, ["rule_set": "route/main@2", "message": "rules[0].when: there is no field grade"]),
            "The live rules route/main@2 cannot be read (rules[0].when: there is no field grade): nobody is assigned until they or the map are mended.",
            "生效规则 route/main@2 无法读取（rules[0].when: there is no field grade）：修正规则或映射之前暂停分配。"
        ),
        (Reason(.regionMatched, ["region": "浙江"]), "Serves the lead's region 浙江.", "负责该线索所在区域 浙江。"),
        (Reason(.regionUnknown), "The lead's region is not known, so region did not count.", "线索区域未知，未按区域筛选。"),
        (Reason(.industryMatched, ["industry": "orthopaedics"]), "Serves the lead's industry orthopaedics.", "负责该线索所属行业 orthopaedics。"),
        (Reason(.industryUnknown), "The lead's industry is not known, so industry did not count.", "线索行业未知，未按行业筛选。"),
        (
            Reason(
                .closeRate,
                [
                    "industry": "orthopaedics", "months": 6, "rate": .number(0.38158), "won": 29, "closed": 76, "mean": .number(0.315),
                    "n": 3,
                ]),
            "Close rate in orthopaedics over the last 6 months: 38.2 % (29 of 76 deals), team mean 31.5 %; among the best 3.",
            "近 6 个月“orthopaedics”成交率 38.2 %（76 单成交 29 单），团队均值 31.5 %，位列前 3。"
        ),
        (
            Reason(.closeRate, ["months": 6, "rate": .number(0.5), "won": 5, "closed": 10, "n": 3]),
            "Close rate over the last 6 months: 50 % (5 of 10 deals); among the best 3.", "近 6 个月成交率 50 %（10 单成交 5 单），位列前 3。"
        ),
        (
            Reason(.dealsWon, ["months": 3, "won": 12, "mean": .number(7.25), "n": 3]),
            "Deals won over the last 3 months: 12, team mean 7.3; among the best 3.", "近 3 个月成交 12 单，团队均值 7.3，位列前 3。"
        ),
        (Reason(.fewestPending, ["pending": 2]), "Fewest leads waiting for a first touch: 2.", "待跟进线索最少：2 条。"),
        (
            Reason(.fewestPending, ["pending": 0, "alike": 3]),
            "Fewest leads waiting for a first touch: 0; of 3 alike first who is longest without a new one, then by id.",
            "待跟进线索最少：0 条；3 人并列，先取最久未分到新线索者，再按编号。"
        ),
        (Reason(.roundRobin, ["members": 1]), "Nobody else came into question.", "没有其他可选的销售。"),
        (Reason(.roundRobin, ["members": 4]), "Next in turn among 4 sellers.", "在 4 名销售中轮询到。"),
        (Reason(.dedicated), "Dedicated to this lead.", "该线索的专属客户经理。"),
        (Reason(.teamFirst, ["team": "key"]), "Team key comes first.", "优先分配至“key”。"),
        (Reason(.teamExhausted, ["team": "key"]), "Nobody in team key could take it, so others were asked.", "“key”无人可接，转由其他销售承接。"),
        (
            Reason(.targetExhausted, ["target": "key"]), "Nobody among “key” could be ranked this way; the next way was tried.",
            "“key”中没有可按该方式排名的销售，已改用后面的方式。"
        ),
        (
            Reason(.targetExhausted, ["target": "everyone"]), "Nobody could be ranked this way; the next way was tried.",
            "全体销售中没有可按该方式排名的销售，已改用后面的方式。"
        ),
        (Reason(.alternate, ["target": "anna"]), "Passed on to the alternate: anna.", "转给备选：anna。"),
        (Reason(.pooled, ["pool": "nurture"]), "Placed in the pool nurture.", "进入线索池“nurture”。"),
        (Reason(.toMarketing), "Handed to marketing to be completed.", "转市场部补充信息。"),
        (
            Reason(.fallbackPool, ["pool": "shared"]), "No seller could take it, so it went to the fallback pool shared.",
            "无销售可接，进入兜底池“shared”。"
        ),
        (
            Reason(.assignmentFailed, ["class": "poison", "message": "its worker died 3 times while running it"]),
            "Its assignment failed for good (poison): its worker died 3 times while running it.",
            "分配失败且不再重试（poison）：its worker died 3 times while running it。"
        ),
        (
            Reason(.fuseOpen), "Automatic assignment is stopped for this tenant: a person has to assign it.", "该租户的自动分配已熔断，转人工派发。"
        ),
        (
            Reason(.existingOwner, ["customer": "12", "seller": "anna"]), "Customer 12 already belongs to anna.", "客户 12 已归属 anna。"
        ),
        (
            Reason(.suspectedOwner, ["customer": "12", "seller": "anna", "percent": 91]),
            "It is probably customer 12 of anna (91 %): it goes to the same seller, and a person is asked.",
            "很可能是 anna 的客户 12（91%）：先分配给该销售，并提交人工确认。"
        ),
        (
            Reason(.ownerUnavailable, ["customer": "12", "seller": "anna"]),
            "Customer 12 belonged to anna, who is not active, so the rules decided.", "客户 12 原属 anna，该销售不在岗，按规则重新分配。"
        ),
        (Reason(.assignedByHand, ["reason": "she knows them"]), "Assigned by hand: she knows them.", "人工派发：she knows them。"),
        (
            Reason(.transferredOverdue, ["clock": "lead_first_touch", "late": 3]),
            "Nobody touched it in time (lead_first_touch, late by 3 min): it goes to the manager.",
            "超时未首触（lead_first_touch，超时 3 分钟），转交主管。"
        ),
        (
            Reason(.transferredOverdue, ["clock": "lead_first_touch", "late": 0]),
            "Nobody touched it in time (lead_first_touch, late by less than a minute): it goes to the manager.",
            "超时未首触（lead_first_touch，超时不足 1 分钟），转交主管。"
        ),
        (
            Reason(.manualQueue), "No seller could take it and there is no pool to fall back on: a person has to assign it.",
            "无销售可接且无兜底池，转人工派发。"
        ),
    ]

    @Test(arguments: golden)
    func `a reason reads well in both languages`(reason: Reason, english: String, chinese: String) {
        #expect(reason.text(in: .english) == english)
        #expect(reason.text(in: .chinese) == chinese)
    }

    @Test func `every reason has its golden text`() {
        #expect(Set(Self.golden.map(\.0.code)) == Set(Reason.Code.allCases))
    }

    @Test(arguments: Reason.Code.allCases, Language.allCases)
    func `what was not recorded is not claimed`(code: Reason.Code, language: Language) {
        #expect(Reason(code).text(in: language).allSatisfy { !$0.isNumber })
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "∞"), (-0.04, "0"), (0.05, "0.1"), (-1.25, "-1.3"), (1e300, "1e+300"), (12, "12"), (2.96, "3"),
    ])
    func `any number can be told`(number: Double, text: String) {
        let told = Reason(.dealsWon, ["months": 1, "won": 1, "n": 1, "mean": .number(number)]).text(in: .english)

        #expect(told.contains("team mean \(text);") || !number.isFinite, "\(told)")
    }
}
