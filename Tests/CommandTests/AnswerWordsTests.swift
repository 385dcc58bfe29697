import Foundation
import Testing

@testable import kiteline

/// What the API answers, in the words of the command line.
@Suite struct AnswerWordsTests {
    @Test func `what a person may not do is said in words`() throws {
        let body =
            #"{"title":"The person may not do that","code":"permission","detail":"li: lead.edit is denied by the policy “p” (for everyone)."}"#
        let refusal = try JSONDecoder().decode(Refusal.self, from: Data(body.utf8))

        let said = refusal.forCommandLine("PUT /v1/leads/1", tenant: nil).description

        #expect(said == "The person may not do that (permission). li: “edit a lead” is denied by the policy “p” (for everyone).")
    }

    @Test(
        arguments: [
            (
                #""share_received":0.125,"share_entitled":0.5"#,
                "The tenant got 12.5 % of all worker-time lately, and its weight gives it 50.0 % among those that have work now."
            ),
            (#""share_received":0.125,"share_entitled":null"#, "The tenant got 12.5 % of all worker-time lately; it has no work now."),
            (#""share_received":null,"share_entitled":null"#, nil),
        ] as [(String, String?)])
    func `what a tenant gets of the workers is said once for all its kinds`(shares: String, said: String?) throws {
        let body = #"{"index":"up","items":[{"kind":"a",\#(shares)},{"kind":"b",\#(shares)}]}"#

        #expect(try JSON.read(QueueCommand.List.Page.self, from: Data(body.utf8)).share == said)
    }

    @Test(arguments: [
        (#""verdict":"routed","goes_to":"pool","pool":"shared","rule":"rest""#, "to the pool shared, by rest", "进入线索池 shared（规则 rest）"),
        (#""verdict":"held_mapping_error""#, "Held: a field cannot be mapped", "暂挂：有字段无法映射"),
        (#""verdict":"unrouted""#, "no rules place it", "没有规则可以分配"), (#""verdict":"rejected""#, "rejected", "拒收"),
        (#""verdict":"unrouted","score":82,"band":"high""#, "no rules place it, score 82 (high band)", "没有规则可以分配，质量分 82（高分段）"),
    ])
    func `what would become of a row is said in words`(verdict: String, english: String, chinese: String) throws {
        let body = #"{"line":2,"external_id":"L1","reasons":[],\#(verdict)}"#
        let row = try JSON.read(ImportCommand.Leads.Preview.Row.self, from: Data(body.utf8))

        #expect(row.text(.of(option: "en")) == "line 2, L1: \(english)")
        #expect(row.text(.of(option: "zh")) == "第 2 行，L1：\(chinese)")
    }

    @Test func `a worker drains since a whole second`() throws {
        let body = #"""
            {"items":[{"id":"3","host":"a","pid":7,"running":1,"started_at":"2026-01-31T08:00:00Z","beat_at":"2026-01-31T09:00:00Z",
             "drain_asked_at":"2026-01-31T08:59:00.788926Z"}]}
            """#
        let worker = try #require(try JSON.read(WorkerCommand.List.Page.self, from: Data(body.utf8)).items.first)

        #expect(worker.state(now: Date(timeIntervalSince1970: 1_769_850_000)) == "drains since 2026-01-31T08:59:00Z")
    }

    @Test func `a worker that gave no sign for a minute is silent, be its last at a fraction of a second`() throws {
        let body = #"""
            {"items":[{"id":"3","host":"a","pid":7,"running":1,"started_at":"2026-01-31T08:00:00Z","beat_at":"2026-01-31T09:00:00.482913Z"}]}
            """#
        let worker = try #require(try JSON.read(WorkerCommand.List.Page.self, from: Data(body.utf8)).items.first)

        #expect(worker.state(now: Date(timeIntervalSince1970: 1_769_850_030)) == "works")
        #expect(worker.state(now: Date(timeIntervalSince1970: 1_769_850_090)) == "silent")
    }

    @Test func `leads are listed in the language asked for, in columns that stand below each other`() throws {
        let body = #"""
            {"id":"5","source":"fair","external_id":"L1","name":"风筝","state":"held","held_reason":"held_missing_data",
             "received_at":"2026-01-31T08:00:00Z","explanation":{"en":[],"zh":[]},"left_out":{"en":[],"zh":[]},"clocks":[]}
            """#
        let lead = try JSON.read(ShownLead.self, from: Data(body.utf8))
        func table(_ language: String) -> String {
            Table(ShownLead.heads(.of(option: language)), [lead.cells(.of(option: language))]).description
        }

        #expect(
            table("en") == """
                number  source  external id  name  state                   owner  rule  score  received
                5       fair    L1           风筝  held: data are missing                      2026-01-31T08:00:00Z
                """)
        #expect(
            table("zh") == """
                编号  来源  外部编号  名称  状态            负责人  命中规则  质量分  接收时间
                5     fair  L1        风筝  暂挂：缺少数据                            2026-01-31T08:00:00Z
                """)
    }

    @Test(arguments: [
        (#"{"outcome":"assigned","matched_rule":"vip","reasons":[{"code":"rule_matched","params":{"rule":"vip"}}]}"#, "vip", "vip"),
        (#"{"outcome":"assigned_existing_owner","matched_rule":null}"#, "Its customer's owner", "随客户归属"),
        (#"{"outcome":"assigned","reasons":[{"code":"assigned_by_hand","params":{"reason":"fair"}}]}"#, "By hand", "人工分配"),
        (
            #"{"outcome":"assigned","reasons":[{"code":"transferred_overdue","params":{"clock":"lead_first_touch","late":5}}]}"#,
            "Handed on when late", "超时转交"
        ), (#"{"outcome":"assigned","reasons":[{"code":"yet_unknown","params":{}}]}"#, "", ""), ("null", "", ""),
    ])
    func `a lead that came to its owner by no rule says in the table how it came`(decision: String, english: String, chinese: String) throws
    {
        let body = #"""
            {"id":"5","source":"fair","external_id":"L1","state":"assigned","owner":"anna","received_at":"2026-01-31T08:00:00Z",
             "assignment":\#(decision),"explanation":{"en":[],"zh":[]},"left_out":{"en":[],"zh":[]},"clocks":[]}
            """#
        let lead = try JSON.read(ShownLead.self, from: Data(body.utf8))

        #expect(lead.cells(.of(option: "en"))[6] == english)
        #expect(lead.cells(.of(option: "zh"))[6] == chinese)
    }

    @Test(arguments: [
        (#""clock":"lead_grade_response","level":"breach""#, "response by intent deadline"),
        (#""clock":"fair_interview","level":"cto""#, "first technical interview CTO"), (#""clock":"Our_own","level":null"#, "Our_own"),
    ])
    func `a clock is called by its name, one that a tenant made by theirs`(clock: String, said: String) throws {
        let body = #"{\#(clock),"due_at":"2026-01-31T10:00:00Z","state":"missed"}"#

        #expect(
            try JSON.read(ShownLead.Clock.self, from: Data(body.utf8)).text(.of(option: "en")) == "\(said) 2026-01-31T10:00:00Z, missed")
    }

    @Test func `why a lead was handed on when late names the clock in words`() throws {
        let body = #"""
            {"id":"5","source":"fair","external_id":"L1","state":"assigned","owner":"anna","received_at":"2026-01-31T08:00:00Z",
             "assignment":{"outcome":"assigned","reasons":[{"code":"transferred_overdue","params":{"clock":"lead_first_touch","late":0}}]},
             "explanation":{
               "en":["Nobody touched it in time (lead_first_touch, late by less than a minute): it goes to the manager.","Rule one."],
               "zh":["超时未首触（lead_first_touch，超时不足 1 分钟），转交主管。","规则一。"]},
             "left_out":{"en":[],"zh":[]},"clocks":[]}
            """#
        let lead = try JSON.read(ShownLead.self, from: Data(body.utf8))
        let (english, chinese) = (lead.text(.of(option: "en")), lead.text(.of(option: "zh")))

        #expect(english.contains("  – Nobody touched it in time (first touch, late by less than a minute): it goes to the manager."))
        #expect(english.contains("  – Rule one."))
        #expect(chinese.contains("  – 超时未首触（首触，超时不足 1 分钟），转交主管。\n  – 规则一。"))
    }

    @Test func `many open alerts of one code are one line, and what is over stands for itself`() throws {
        func alert(_ id: Int, _ code: String, _ subject: String, over: String = "null") -> String {
            #"{"id":"\#(id)","code":"\#(code)","subject":"\#(subject)","first_at":"2026-01-31T08:00:0\#(id)Z","detail":{"message":"why"},"count":2,"resolved_at":\#(over)}"#
        }
        let body = [
            alert(9, "manual_queue", "vip"), alert(8, "schema_drift", "web/d"), alert(7, "schema_drift", "web/c"),
            alert(6, "manual_queue", "east"), alert(5, "schema_drift", "web/b"), alert(4, "schema_drift", "web/a"),
            alert(3, "schema_drift", "web/old", over: #""2026-01-31T09:00:00Z""#),
        ]
        let alerts = try JSON.read([AlertCommand.Item].self, from: Data("[\(body.joined(separator: ","))]".utf8))

        let rows = AlertCommand.rows(alerts)

        #expect(rows.map { $0[0] } == ["9", "4 alerts", "6", "3"])
        #expect(rows[1][1] == "schema_drift" && rows[1][3] == "web/d, web/c, web/b and 1 more")
        #expect(rows[1][4] == "8" && rows[1][5] == "2026-01-31T08:00:04Z", "how often, since the first")
        #expect(rows[1][7] == "no map names it: name it, or list it under ignore" && rows[0][7] == "why")
    }

    @Test func `that the fuse left a lead to a person is said once`() throws {
        let body = #"""
            [{"decided_at":"2026-01-31T07:50:00Z","outcome":"manual_queue_fuse","explanation":{"en":["A person has to."],"zh":["该租户的自动分配已熔断，转人工派发。"]}}]
            """#
        let earlier = try JSON.read([ShownLead.Earlier].self, from: Data(body.utf8))

        #expect(ShownLead.Earlier.lines(earlier, .of(option: "en")) == ["2026-01-31T07:50:00Z left to a person: the fuse is open"])
        #expect(ShownLead.Earlier.lines(earlier, .of(option: "zh")) == ["2026-01-31T07:50:00Z 转人工派发：自动分配已熔断"])
    }

    @Test func `a lead is told in the language asked for, its headings as well`() throws {
        let body = #"""
            {"id":"5","source":"fair","external_id":"L1","name":"Kite","state":"assigned","owner":"anna","received_at":"2026-01-31T08:00:00.5Z",
             "touched_at":"2026-01-31T09:00:00Z","score":60,"explanation":{"en":["Rule one."],"zh":["规则一。"]},
             "left_out":{"en":["ben is away."],"zh":["ben 不在岗。"]},
             "assignment":{"rule_version":"route/default@3","matched_rule":"key","arm":"stable",
               "score":{"industry_match":20,"urgency":0,"missing":["urgency"]},"candidate_count":2,
               "candidates":[{"seller_id":"anna","pending":2,"metric":0.5},{"seller_id":"chen","pending":3}]},
             "earlier":[{"decided_at":"2026-01-31T07:50:00Z","outcome":"held_missing_data","explanation":{"en":["A.","B."],"zh":["甲。","乙。"]}},
               {"decided_at":"2026-01-31T07:00:00Z","outcome":"held_missing_data","explanation":{"en":["A.","B."],"zh":["甲。","乙。"]}},
               {"decided_at":"2026-01-31T06:00:00Z","outcome":"assigned","owner":"ben","explanation":{"en":[],"zh":[]}}],
             "clocks":[{"clock":"lead_first_touch","level":"reminder","due_at":"2026-01-31T10:00:00Z","state":"running"}]}
            """#
        let lead = try JSON.read(ShownLead.self, from: Data(body.utf8))

        #expect(
            lead.text(.of(option: "en")) == """
                lead 5 (fair/L1, Kite): assigned, with anna
                received 2026-01-31T08:00:00Z, first touched 2026-01-31T09:00:00Z, score 60
                decided by route/default@3, rule key, arm stable
                scored industry 20, need 0 (nothing known); 20 each at most

                why
                  – Rule one.

                compared (2)
                  – anna: 2 waiting, figure 0.5; got it
                  – chen: 3 waiting

                left out, not ranked, or not in turn
                  – ben is away.

                decided before
                  – 2026-01-31T07:00:00Z held: data are missing: A. B. (2 times in a row, last 2026-01-31T07:50:00Z)
                  – 2026-01-31T06:00:00Z assigned, ben

                due
                  – first touch reminder 2026-01-31T10:00:00Z, running
                """)
        #expect(
            lead.text(.of(option: "zh")) == """
                线索 5（fair/L1，Kite）：已分配，负责人 anna
                接收于 2026-01-31T08:00:00Z，首触 2026-01-31T09:00:00Z，质量分 60
                依据 route/default@3，规则 key，属于稳定组
                评分：行业匹配 20、需求紧迫度 0（无信息）；每项满分 20

                原因
                  – 规则一。

                参与比较的销售（2）
                  – anna：待跟进 2 条，指标 0.5；已获得
                  – chen：待跟进 3 条

                未入选、未参与排名或未轮到的销售
                  – ben 不在岗。

                此前的判定
                  – 2026-01-31T07:00:00Z 暂挂：缺少数据：甲。乙。（连续 2 次，最近一次 2026-01-31T07:50:00Z）
                  – 2026-01-31T06:00:00Z 已分配，ben

                时限
                  – 首触提醒 2026-01-31T10:00:00Z，计时中
                """)
    }
}
