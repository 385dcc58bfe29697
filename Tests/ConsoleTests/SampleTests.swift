import Foundation
import JSONEnvelope
import SalesModel
import Tenancy
import Testing

@testable import Console

/// Each view, made of an answer of the API, has all that the sample has which its template was drawn with.
@Suite struct SampleTests {
    private static let rollout = #"""
        {"id":"7","kind":"route","name":"default","version":4,"state":"canary","percent":5,
        "arms":{"stable":{"version":3,"n":11530,"failures":29},"canary":{"version":4,"n":612,"failures":1}},
        "decision":"continue","words":"first touch: 212 of 500 leads","guards":[
        {"name":"technical","e_value":18.2,"threshold":333,"decision":"continue","n":612,"missing":4,"lower_bound_points":-6.14,"words":"1 of 612"}],
        "shadow":{"leads":1204,"different":38,"failures":0},
        "stages":[{"number":1,"percent":5,"stable_customers":904,"canary_customers":47,"stable_touches_due":10871,"stable_touches_late":1102,"canary_touches_due":212,"canary_touches_late":29}],
        "promotion":"manual","started_by":"key:7","started_at":"2026-03-18T01:20:05Z","ended_at":null,"end_reason":null,
        "history":[{"at":"2026-03-18T01:20:00Z","actor":"key:7","action":"start","percent":0,"reason":"try"},
        {"at":"2026-03-18T04:03:00Z","actor":"key:7","action":"canary","percent":5,"reason":"nothing odd"}],
        "differences":[{"lead_id":"4711","at":"2026-03-18T06:29:05Z","arm":"canary","decided":"assigned a","otherwise":"assigned b","now":"pooled c"}]}
        """#
    private static let sellers =
        #"{"items":[{"external_id":"s1","name":"Chen Wei","team":"East","team_name":"East team","status":"active","pending":2},{"external_id":"s2","name":"Li Fang","team":"East","status":"active","pending":3}],"next_cursor":null}"#

    private func compare(_ view: View, _ samples: String...) throws {
        for sample in samples {
            #expect(view.lacks(try Contexts.view(sample)) == [], "\(sample)")
            let template = String(sample.prefix { $0 != "." })
            #expect(Templates.all.page(template, view).contains("</html>"))
        }
    }

    @Test func `now`() throws {
        let (layout, clerk) = frame()
        let queues =
            #"{"items":[{"kind":"probe","ready":3,"running":1,"parked":2,"deferred":10,"estimated_drain_seconds":40,"oldest_claimable_ms":4200,"share_received":0.6,"share_entitled":0.5,"limit":null,"paused":true,"paused_reason":"month end","paused_since":"2026-03-18T06:00:00Z","parked_by":[]}],"next_cursor":null,"index":"up"}"#
        let flow =
            #"{"from":"2026-03-18T06:30:00Z","minutes":2,"kinds":[{"kind":"probe","completed":[3,1],"failed":[0,1]}],"failures":[{"cause":"permanent","count":1,"last_at":"2026-03-18T06:31:00Z","error":"no"}]}"#
        let facts = NowView.Facts(
            queues: try node(queues), flow: try node(flow),
            alerts: try node(
                #"{"items":[{"id":"1","code":"failure_rate","subject":"probe","detail":{},"first_at":"2026-03-18T06:08:05Z"},{"id":"2","code":"rollout_aborted","subject":"4","detail":{},"first_at":"2026-03-18T06:08:05Z"},{"id":"3","code":"mapping_error","subject":"web/n","detail":{"lead_id":"88"},"first_at":"2026-03-18T06:08:05Z"}],"codes":[{"code":"failure_rate","open":1},{"code":"rollout_aborted","open":1},{"code":"mapping_error","open":1}]}"#
            ),
            breakers: try node(#"{"items":[{"key":"erp","state":"open","reason":"x","changed_at":"2026-03-18T06:08:05Z"}]}"#),
            fuse: try node(#"{"state":"open","reason":"wrong","changed_at":"2026-03-18T06:08:05Z","waiting":12}"#),
            rollouts: try node(#"{"items":[]}"#),
            board: try node(#"{"late":12,"latest_by":5400}"#),
            notices: try node(
                #"{"items":[{"id":"9","recipient":"role:seller","code":"seller_frozen","subject":"a","text":"x","text_zh":"x","at":"2026-03-18T06:20:00Z"},{"id":"8","recipient":"role:seller","code":"rules_changed","subject":"route/default@4","text":"Version 4. Why: south\nrule south","text_zh":"第 4 版\n· 规则 south","at":"2026-03-18T06:08:05Z"}]}"#
            ), weight: 3)

        let view = NowView.page(layout, clerk, facts, once: "x")

        try compare(view, "now")
        var promoted = facts
        let why = "第 4 版。原因：sure (before the evidence: every guard finds it good enough)"
        promoted.notices = try node(
            #"{"items":[{"id":"8","code":"rules_changed","text":"","text_zh":"\#(why)","at":"2026-03-18T06:08:05Z"}]}"#)
        let (chineseLayout, chineseClerk) = frame(.chinese)
        #expect(
            NowView.page(chineseLayout, chineseClerk, promoted, once: "x")["banner"]?["bannerText"] == "第 4 版。原因：sure（证据充分之前：全部护栏均已通过）",
            "what the service says in it is said in the reader's language")
        #expect(view["attention"]?.items.count == 7)
        var tried = facts
        tried.fuse = try node(
            #"{"state":"open","reason":"wrong","changed_at":"2026-03-18T06:08:05Z","waiting":12,"canaries":[{"id":"7","rule_version":"route/default@6"}]}"#
        )
        let warned = "\(NowView.page(layout, clerk, tried, once: "x")["attention"]?.items[0]["itemText"] ?? .nothing)"
        #expect(warned.contains("wrong. Being tried meanwhile: route/default@6. If that is the cause, abort it"), "\(warned)")
        var stopped = facts
        stopped.queues = try node(queues.replacing(#""index":"up""#, with: #""index":"up","workers":"none""#))
        let (ofPlatform, _) = frame(role: .platform)
        let (told, led) = (
            [layout, ofPlatform].map { NowView.page($0, clerk, stopped, once: "x")["attention"]?.items.first }, "/console/workers"
        )
        #expect(told.allSatisfy { $0?["itemText"] == .text(layout.words["now_no_worker_words"]) })
        #expect(told.map { $0?["itemHref"] } == [.nothing, .text(led)], "who may not see the workers is not led there")
        #expect(view["firstSteps"] == View.nothing)
        var new = facts
        new.begun = NowView.Beginning(hasSellers: true, hasRules: false, hasLeads: false)
        let steps = NowView.page(layout, clerk, new, once: "x")["firstSteps"]?["steps"]?.items ?? []
        #expect(
            steps.map { $0["isOpen"] } == [.flag(false), .flag(true), .flag(true)] && steps.map { $0["stepHref"] }[1] == "/console/rules")
        #expect(view["attention"]?.items[0]["itemText"] == "12 leads wait for a person. Leads are not assigned automatically: wrong")
        #expect(view["attention"]?.items[4]["itemText"] == "12 leads were not touched in time, the longest 1\u{A0}h 30\u{A0}min past due")
        #expect(view["attention"]?.items[4]["itemHref"] == "/console/overdue")
        #expect(
            view["attention"]?.items[1...3].map { $0["itemHref"] } == [
                "/console/dead-letters?kind=probe", "/console/rollouts/4", "/console/leads/88",
            ])
        #expect(view["attention"]?.items[1]["endForm"]?["action"] == "/console/alerts/1/resolve")
        #expect(view["banner"]?["bannerText"] == "Version 4. Why: south" && view["banner"]?["rulesHref"] == "/console/rules/route/default")
        #expect(view["banner"]?["changes"]?.items == ["rule south"])
        #expect(view["flowChart"]?["bars"]?.items.map { $0["height"] } == ["60", "20", "20"])
        #expect(view["flowChart"]?["bars"]?.items.map { $0["y"] } == ["40", "80", "60"])
        #expect(view["shares"]?.items.first?["received"] == "60\u{A0}%")
    }

    @Test func `more than three alerts of one code are one item, which opens to each of them`() throws {
        let (layout, clerk) = frame()
        func alert(_ id: Int, _ code: String) -> String {
            #"{"id":"\#(id)","code":"\#(code)","subject":"web/\#(id)","detail":{},"first_at":"2026-03-18T06:08:05Z"}"#
        }
        let alerts =
            (10...40).reversed().map { alert($0, "schema_drift") } + [alert(8, "mapping_error"), alert(2, "mapping_error")]
        let codes =
            #"[{"code":"schema_drift","open":131,"newest_id":"131"},{"code":"mapping_error","open":2},{"code":"manual_queue","open":1},{"code":"index_full","open":0}]"#
        let none = try node(#"{"items":[]}"#)
        let facts = NowView.Facts(
            queues: none, flow: none, alerts: try node(#"{"items":[\#(alerts.joined(separator: ","))],"codes":\#(codes)}"#), breakers: none,
            fuse: try node(#"{"state":"closed"}"#), rollouts: none, board: none, notices: none, weight: nil)

        let view = NowView.page(layout, clerk, facts, once: "x")
        let refused = NowView.page(
            layout, clerk, facts, once: "x", refusal: Refusal(status: 422, code: "invalid", title: "no", formID: "alert-30"))

        let items = view["attention"]?.items ?? []
        #expect(
            items.map { $0["itemText"] } == [
                "No map names web/40, web/39, web/38, web/37, web/36 and 126 more: name each in a map, or list it under ignore",
                "A field cannot be mapped: web/8", "A field cannot be mapped: web/2",
                // What newer ones of another code keep from being read is counted all the same.
                "Leads are left to a person: 1 of them",
            ])
        #expect(items.first?["itemHref"] == "/console/rules")
        let alike = items.first?["alike"]
        #expect(alike?["alikeItems"]?.items.count == 20 && alike?["more"] == "And 111 more; they come up here as these end.")
        #expect(alike?["alikeItems"]?.items.first?["endForm"]?["action"] == "/console/alerts/40/resolve")
        #expect(items.first?["endForm"]?["endLabel"] == "End all 131" && items.first?["endForm"]?["newest"] == "131")
        #expect(items.first?["endForm"]?["action"] == "/console/alert-codes/schema_drift/resolve")
        #expect(alike?["isOpen"] == .flag(false) && refused["attention"]?.items.first?["alike"]?["isOpen"] == .flag(true))
        #expect(items.last?["alike"] == View.nothing)
        #expect(Templates.all.page("now", refused).contains("<details open><summary>End this alert<span class=\"hidden-words\">: web/30"))
    }

    @Test func `fields no map names are one item that lists them, from two on`() throws {
        let (layout, clerk) = frame()
        func texts(_ subjects: [String]) throws -> [View?] {
            let alerts = subjects.enumerated().map { place, subject in
                #"{"id":"\#(place)","code":"schema_drift","subject":"\#(subject)","detail":{},"first_at":"2026-03-18T06:08:05Z"}"#
            }
            let codes = #"[{"code":"schema_drift","open":\#(subjects.count),"newest_id":"9"}]"#
            let none = try node(#"{"items":[]}"#)
            let facts = NowView.Facts(
                queues: none, flow: none, alerts: try node(#"{"items":[\#(alerts.joined(separator: ","))],"codes":\#(codes)}"#),
                breakers: none, fuse: try node(#"{"state":"closed"}"#), rollouts: none, board: none, notices: none, weight: nil)
            return (NowView.page(layout, clerk, facts, once: "x")["attention"]?.items ?? []).map { $0["itemText"] }
        }

        #expect(try texts(["fair/colour"]).contains("A field no map names: fair/colour"))
        #expect(
            try texts(["fair/colour", "fair/size"]).contains(
                "No map names fair/colour, fair/size: name each in a map, or list it under ignore"))
    }

    @Test func `kinds with nothing to do are folded, those that cannot be counted are not`() throws {
        let (layout, clerk) = frame()
        func queue(_ kind: String, _ ready: String) -> String {
            #"{"kind":"\#(kind)","ready":\#(ready),"running":\#(ready),"parked":\#(ready),"deferred":\#(ready),"paused":false,"parked_by":[]}"#
        }
        let none = try node(#"{"items":[]}"#)
        func page(_ queues: String...) throws -> View {
            let facts = NowView.Facts(
                queues: try node(#"{"items":[\#(queues.joined(separator: ","))]}"#), flow: none, alerts: none, breakers: none,
                fuse: try node(#"{"state":"closed"}"#), rollouts: none, board: none, notices: none, weight: nil)
            return NowView.page(layout, clerk, facts, once: "x")
        }

        let some = try page(queue("probe", "1"), queue("generate_report", "0"), queue("assign_lead", "null"))

        #expect(some["kinds"]?.items.map { $0["kindName"] } == ["Probe", "Assign a lead"])
        #expect(some["idleKinds"]?.items.map { $0["kindHref"] } == ["/console/jobs?kind=generate_report"])
        #expect(try page(queue("probe", "0"))["hasKinds"] == .flag(false))
    }

    @Test func `rollouts`() throws {
        let (layout, clerk) = frame()
        let ended = Self.rollout.replacing(#""state":"canary""#, with: #""state":"aborted""#).replacing(
            #""end_reason":null"#, with: #""end_reason":"no""#)
        let sets =
            #"{"items":[{"kind":"route","name":"default","live_version":3,"newest_version":5,"newest_state":"draft","saved_at":"2026-03-18T04:32:05Z","saved_by":"key:7","can_be_rolled_out":true,"rounds_passed":3,"rounds_required":3}]}"#
        let view = RolloutsView.page(
            layout, clerk, running: try node(#"{"items":[\#(Self.rollout)]}"#),
            all: try node(#"{"items":[\#(Self.rollout),\#(ended)],"next_cursor":"4"}"#),
            ruleSets: try node(sets), isFirst: true, once: "k")

        try compare(view, "rollouts")
        #expect(view["start"]?["draftOptions"]?.items.map { $0["value"] } == ["route/default@5"])
        #expect(view["ended"]?.items.count == 1)
        let underWay = RolloutsView.page(
            layout, clerk, running: try node(#"{"items":[\#(Self.rollout)]}"#), all: try node(#"{"items":[]}"#),
            ruleSets: try node(sets.replacing(#""newest_version":5"#, with: #""newest_version":4"#)), isFirst: true, once: "k")
        #expect(underWay["start"] == View.nothing && underWay["noStart"] == .text(layout.words["rollouts_no_draft"]))
        let early = RolloutsView.page(
            layout, clerk, running: try node(#"{"items":[]}"#), all: try node(#"{"items":[]}"#),
            ruleSets: try node(sets.replacing(#""rounds_passed":3"#, with: #""rounds_passed":1"#)), isFirst: true, once: "k")
        #expect(early["start"] == View.nothing && early["noStart"] == .text(layout.words["rollouts_none_ready"]))
        #expect(early["early"]?.items.map { $0["earlyRounds"] } == ["Rounds passed: 1 of 3"])
        let tenant = frame(role: .tenant)
        let seen = RolloutsView.page(
            tenant.0, tenant.1, running: try node(#"{"items":[]}"#), all: try node(#"{"items":[]}"#), ruleSets: try node(sets),
            isFirst: true, once: "k")
        #expect(seen["start"] == View.nothing && seen["noStart"] == .text(layout.words["rollouts_no_role"]))
    }

    @Test func `a rollout`() throws {
        let (layout, clerk) = frame()
        let round =
            #"{"round_id":"1","from":"2025-12-18T00:00:00Z","to":"2026-03-18T00:00:00Z","state":"passed","replayed":200,"differing":20,"finished_at":"2026-03-18T00:32:05Z","result":{"passed":true,"findings":[{"code":"x","message":"y"}],"replayed":200,"differing":20,"live":{"unmatched_share":0.006,"to_inactive":0},"candidate":{"unmatched_share":0.005,"to_inactive":0},"by_seller":[{"name":"Chen","live":10,"candidate":5}]}}"#
        let facts = RolloutView.Facts(
            rollout: try node(Self.rollout),
            diff: try node(#"{"from":3,"to":4,"changes":[{"path":"rules[0]","en":"rule added","zh":"新增规则"}]}"#),
            rounds: try node(#"{"passed":3,"required":3,"items":[]}"#), round: try node(round),
            sellers: SellerNames(try node(#"{"items":[{"external_id":"Chen","name":"陈晓"}]}"#)))

        let view = RolloutView.page(layout, clerk, facts, once: "k")

        // Where no reading was kept there is a bar.
        #expect(view.lacks(try Contexts.view("rollout")) == [])
        try compare(view, "rollout")
        #expect(view["replay"]?["replaySellers"]?.items.first?["sellerName"] == "陈晓")
        #expect(view["guards"]?.items.first?["guardBar"]?["barX"] == "49.95")
        #expect(view["differences"]?.items.first?["nowPlace"] == "In a pool: c" && view["differences"]?.items.first?["armName"] == "Canary")
        func share(_ rollout: String) throws -> (chosen: [View?], other: View?) {
            var other = facts
            other.rollout = try node(Self.rollout.replacing(#""state":"canary","percent":5"#, with: rollout))
            let control = RolloutView.page(layout, clerk, other, once: "k")["control"]
            let options = control?["percentOptions"]?.items.filter { $0["isChosen"] == .flag(true) } ?? []
            return (options.map { $0["value"] }, control?["otherPercent"])
        }
        #expect(try share(#""state":"canary","percent":20"#).chosen == ["20"], "as it is")
        #expect(try share(#""state":"canary","percent":12.5"#).chosen == [])
        #expect(try share(#""state":"canary","percent":12.5"#).other == "12.5")
        #expect(try share(#""state":"shadow","percent":0"#).chosen == [], "nobody leaves the shadow by not choosing")
        #expect(view["takenBack"] == View.nothing && view["fuseNote"] == View.nothing)
        var stopped = facts
        stopped.isFuseOpen = true
        #expect(RolloutView.page(layout, clerk, stopped, once: "k")["fuseNote"] == .text(layout.words["rollout_fuse_open"]))
        #expect(view["guardNote"] == View.nothing)
        var blind = facts
        blind.rollout = try node(
            Self.rollout.replacing(#""state":"canary""#, with: #""state":"canary","warnings":["technical: it is blind"]"#))
        #expect(RolloutView.page(layout, clerk, blind, once: "k")["guardNote"] == "Failures: it is blind")
        var ended = facts
        let leads = #""state":"aborted","taken_back":{"elsewhere":40,"again":37,"touched":2,"waiting":1}"#
        ended.rollout = try node(Self.rollout.replacing(#""state":"canary""#, with: leads))
        #expect(
            RolloutView.page(layout, clerk, ended, once: "k")["takenBack"]
                == "It had put 40 leads elsewhere: 37 have been decided again, 2 had been touched and stayed, 1 waits to be decided again.")
        #expect(view["lifeSteps"]?.items.map { $0["stepClass"] } == ["done", "done", "done", "done", "here", ""])
        #expect(view["arms"]?.items.map { $0["touchX"] } == ["10.14", "13.68"])
        let tenant = frame(role: .tenant)
        let seen = RolloutView.page(tenant.0, tenant.1, facts, once: "k")
        #expect([seen["control"], seen["promote"], seen["abort"]].allSatisfy { $0 == .nothing })
    }

    @Test func `a rollout that has judged too few says so, and one that was replaced since says by what`() throws {
        let (layout, clerk) = frame()
        func page(_ rollout: String, live: Int64? = nil) throws -> View {
            let facts = RolloutView.Facts(
                rollout: try node(rollout), diff: nil, rounds: nil, round: nil, live: live, sellers: SellerNames(nil))
            return RolloutView.page(layout, clerk, facts, once: "k")
        }
        let promoted = Self.rollout.replacing(#""state":"canary""#, with: #""state":"live""#)

        let early = try page(Self.rollout.replacing(#"{"id":"7""#, with: #"{"id":"7","least_judged":100000"#))
        let enough = try page(Self.rollout.replacing(#"{"id":"7""#, with: #"{"id":"7","least_judged":1"#))

        #expect(early["verdictTitle"] == .text(layout.words["rollout_verdict_too_few"]))
        #expect(early["guards"]?.items.first?["decision"]?["label"] == "Not enough yet")
        #expect(early["guards"]?.items.first?["judgedLeast"] == "at least 100,000 needed")
        #expect(enough["guards"]?.items.first?["decision"]?["label"] == "Goes on")
        #expect(enough["guards"]?.items.first?["judgedLeast"] == View.nothing)
        #expect(try page(promoted, live: 4)["verdictTitle"] == "It was promoted to everybody")
        #expect(try page(promoted, live: 3)["verdictTitle"] == "It was promoted, and has been replaced since: version 3 is live now")
        #expect(try page(promoted, live: 3)["verdictTone"] == "info")
        #expect(try page(promoted, live: 3)["state"]?["label"] == "Replaced since")
        let harm = Self.rollout.replacing(#"{"id":"7""#, with: #"{"id":"7","least_judged":100000"#)
            .replacing(#""decision":"continue","words":"first"#, with: #""decision":"abort","words":"first"#)
        #expect(try page(harm)["verdictTitle"] == .text(layout.words["rollout_verdict_abort"]), "harm is harm, however little was judged")
    }

    @Test func `a round tells which decisions would have been others`() throws {
        let (layout, clerk) = frame()
        let round =
            #"{"round_id":"12","rule_version":"route/default@5","from":"2025-12-18T00:00:00Z","to":"2026-03-18T00:00:00Z","state":"passed","replayed":200,"differing":1,"finished_at":"2026-03-18T00:32:05Z","result":{"passed":true,"findings":[],"replayed":200,"differing":1,"live":{},"candidate":{},"by_seller":[]}}"#
        let differences =
            #"{"items":[{"place":"1","lead_id":"7","decided_at":"2026-03-17T00:00:00Z","live":{"outcome":"assigned","seller_or_pool":"s1","rule":"all"},"candidate":{"outcome":"pooled","seller_or_pool":"shared","rule":null}}],"next_cursor":"1"}"#
        let facts = RoundView.Facts(
            round: try node(round), rounds: nil, differences: try node(differences), sellers: SellerNames(try node(Self.sellers)),
            isFirst: true)

        let view = RoundView.page(layout, clerk, facts)

        try compare(view, "round")
        #expect(view["heading"] == "Replay of route/default, version 5")
        let difference = view["differences"]?.items.first
        #expect(difference?["leadHref"] == "/console/leads/7")
        #expect(difference?["livePlace"] == "Assigned: Chen Wei" && difference?["liveRule"] == "by rule all")
        #expect(difference?["candidatePlace"] == "In a pool: shared" && difference?["candidateRule"] == View.nothing)
        #expect(view["pager"]?["nextHref"] == "/console/rounds/12?cursor=1")
        #expect("\(view)".contains("200 decisions, finished"), "\(view)")
        var repeated = facts
        repeated.round = try node(round.replacing(#""result":{"#, with: #""result":{"leads":180,"#))
        #expect("\(RoundView.page(layout, clerk, repeated))".contains("200 decisions about 180 leads"))
        repeated.round = try node(round.replacing(#""result":{"#, with: #""result":{"leads":1,"#))
        #expect("\(RoundView.page(layout, clerk, repeated))".contains("200 decisions about one lead"))
        var broken = facts
        broken.differences = try node(#"{"items":[],"next_cursor":null}"#)
        broken.round = try node(
            #"{"round_id":"12","rule_version":"route/default@5","from":"2025-12-18T00:00:00Z","to":"2026-03-18T00:00:00Z","state":"failed","actor":"key:7","finished_at":"2026-03-18T00:32:05Z","result":{"error":"the disk is full","error_class":"internal"}}"#
        )
        let none = RoundView.page(layout, clerk, broken)
        #expect(none["failure"] == "Nothing was decided again: the disk is full" && none["differencesNone"] == "Not known")
        #expect(!Templates.all.page("round", none).contains("Still running"), "a replay that did not run is not running")
        #expect(Templates.all.page("round", none).contains("asked for by key\u{A0}7"))
        let nowhere = Templates.all.page(
            "round", RoundView.page(layout, clerk, broken, fault: .search("cursor", "must be the next_cursor of an earlier page")))
        #expect(nowhere.contains("There is no such page in this list") && !nowhere.contains("Not known"))
    }

    @Test(
        arguments: [
            (#"{"passed":0,"required":0}"#, false, "A draft needs no round to become live.", "草稿无需回放即可生效。"),
            (#"{"passed":1,"required":3}"#, true, "Rounds passed so far: 1 of the 3 asked for.", "已通过 1 轮，要求 3 轮。"),
            (#"{"passed":3,"required":3}"#, false, "Rounds passed so far: 3; no more are asked for.", "已通过 3 轮，达到要求。"),
            (nil, false, nil, nil),
        ] as [(String?, Bool, String?, String?)])
    func `a round tells how many are still asked for, and that fewer may be where some are wanting`(
        rounds: String?, isWanting: Bool, english: String?, chinese: String?
    ) throws {
        let round = try node(
            #"{"round_id":"12","result":{"passed":false,"findings":[],"replayed":0,"differing":0,"live":{},"candidate":{},"by_seller":[]}}"#
        )
        for (language, counted) in [(Language.english, english), (.chinese, chinese)] {
            let (_, clerk) = frame(language)
            let words = clerk.words

            let view = RoundView.view(try rounds.map(node), round, SellerNames(nil), clerk)

            #expect(view["replayVerdict"] == .text(words.passage([words["round_nothing"], counted].compactMap(\.self))))
            let fewer = isWanting ? [words["round_nothing_fewer"]] : []
            #expect(view["replayAdvice"] == .text(words.passage([words["round_nothing_do"]] + fewer)))
        }
    }

    @Test(
        arguments: [
            (3, "Replaced since", "Version 3 is live by now"), (4, "Promoted", nil),
            (6, "Replaced since", "Version 6 is live by now"),
        ] as [(Int, String, String?)])
    func `in the list a promoted rollout says whether it is live still, or what came in its place`(
        live: Int, state: String, said: String?
    ) throws {
        let (layout, clerk) = frame()
        let promoted = Self.rollout.replacing(#""state":"canary""#, with: #""state":"live""#)
        let sets = #"{"items":[{"kind":"route","name":"default","live_version":\#(live),"newest_version":6,"newest_state":"draft"}]}"#

        let view = RolloutsView.page(
            layout, clerk, running: try node(#"{"items":[]}"#), all: try node(#"{"items":[\#(promoted)]}"#), ruleSets: try node(sets),
            isFirst: true, once: "k")

        #expect(view["ended"]?.items.first?["state"]?["label"] == .text(state))
        #expect(view["ended"]?.items.first?["replacedBy"] == .text(said))
    }

    @Test func `a rollout that began at 0 % shows its shadow as done, one that began beyond as skipped`() throws {
        let (layout, clerk) = frame()
        func shadow(_ rollout: String) throws -> View? {
            let facts = RolloutView.Facts(rollout: try node(rollout), diff: nil, rounds: nil, round: nil, sellers: SellerNames(nil))
            return RolloutView.page(layout, clerk, facts, once: "k")["lifeSteps"]?.items.first { $0["stepLabel"] == "Shadow" }
        }
        let began = #""action":"start","percent":0"#

        let done = try shadow(Self.rollout)
        let skipped = try shadow(Self.rollout.replacing(began, with: #""action":"start","percent":1"#))

        #expect(Self.rollout.contains(began))
        #expect(done?["stepClass"] == "done" && done?["stepWords"] == "Done")
        #expect(skipped?["stepClass"] == "" && skipped?["stepWords"] == "Skipped")
    }

    @Test func `a rollout of a warning model speaks of teams and warnings, and of nothing before the first`() throws {
        let (layout, clerk) = frame()
        let model = Self.rollout.replacing(#""kind":"route","name":"default""#, with: #""kind":"warning_model","name":"spi""#)
            .replacing(#""stable":{"version":3"#, with: #""stable":{"version":null"#)
        let facts = RolloutView.Facts(rollout: try node(model), diff: nil, rounds: nil, round: nil, sellers: SellerNames(nil))

        let view = RolloutView.page(layout, clerk, facts, once: "k")

        #expect(view["heading"] == "Warning model, version 4" && view["membersLabel"] == "Teams")
        #expect(view["unitsLabel"] == "Warnings" && view["judgedLabel"] == "Warnings judged")
        #expect(view["diffLead"] == View.nothing && view["diffNoneWhy"] == "First model; nothing before it.")
        #expect(
            view["abort"]?["abortConsequence"]
                == "Nobody is warned from now on. Managers are told that open warnings of version 4 are withdrawn.")
    }

    @Test(arguments: ["shadow", "canary", "aborted", "live"], Language.allCases)
    func `nothing on the page of a model's rollout speaks of leads or customers`(state: String, language: Language) throws {
        let (layout, clerk) = frame(language)
        let differences = try #require(Self.rollout.firstRange(of: #""differences":["#))
        let model = (Self.rollout[..<differences.upperBound] + "]}")
            .replacing(#""kind":"route","name":"default""#, with: #""kind":"warning_model","name":"spi""#)
            .replacing(#""state":"canary""#, with: #""state":"\#(state)""#)
            .replacing("first touch: 212 of 500 leads", with: "too early to tell")
            .replacing(#""name":"technical""#, with: #""name":"false_warnings""#)
            .replacing(#""1 of 612"}]"#, with: #""1 of 612"},{"name":"sample_ratio","threshold":9,"decision":"continue","n":3}]"#)
        let facts = RolloutView.Facts(rollout: try node(String(model)), diff: nil, rounds: nil, round: nil, sellers: SellerNames(nil))

        let page = Templates.all.page("rollout", RolloutView.page(layout, clerk, facts, once: "k"))

        let main = page[try #require(page.firstRange(of: "<main")).lowerBound...]
        let text = main.replacing(/data-live-on="[^"]*"/, with: "").lowercased()
        for word in ["lead", "customer", "线索", "客户"] { #expect(!text.contains(word), "\(word)") }
    }

    @Test func `leads`() throws {
        let (layout, clerk) = frame()
        let lead =
            #"{"id":"4711","external_id":"L-1","source":"web","received_at":"2026-03-18T06:30:05Z","fields":{"company":"江苏客户","utm":"x"},"state":"assigned","held_reason":null,"owner":"s1","pool":null,"score":86,"touched_at":null,"job_id":"9","earlier":[{"number":1,"decided_at":"2026-03-18T06:30:05Z","outcome":"held_missing_data","owner":null,"pool":null,"job_id":"8"}],"clocks":[{"clock":"fair_interview","level":"todo","due_at":"2026-03-18T06:30:05Z","state":"running","provisional":false},{"clock":"lead_first_touch","level":"reminder","due_at":"2026-03-18T06:34:05Z","state":"running","provisional":true},{"clock":"fair_interview","level":"manager","due_at":"2026-03-18T06:22:05Z","state":"missed","late_by":60,"pending":true}],"assignment":{"outcome":"assigned","matched_rule":"all","rule_version":"route/default@3","rule_sets":["route/default@3","score/default@2"],"arm":"stable","reasons":[{"code":"close_rate","params":{"n":3,"rate":0.382}}],"score":{"total":86,"industry_match":20,"budget_clarity":16,"missing":["urgency"]},"band":"high","candidates":[{"seller_id":"s1","metric":0.382,"pending":2},{"seller_id":"s2","metric":null,"pending":3}],"candidate_count":2,"excluded":[{"seller_id":"s9","code":"over_load"}],"excluded_count":1,"unmapped":["utm"]},"explanation":{"en":["It is due at 2026-03-18T06:34:05.25Z."],"zh":["规则适用。"]}}"#
        let names = SellerNames(try node(Self.sellers))
        let list = LeadsView.page(layout, clerk, page: try node(#"{"items":[\#(lead)],"next_cursor":"1"}"#), sellers: names, query: .init())
        let facts = LeadView.Facts(
            lead: try node(lead), sellers: names,
            job: try node(
                #"{"id":"9","kind":"assign_lead","state":"completed","outcome":"assigned","created_at":"2026-03-18T06:30:05Z","finished_at":"2026-03-18T06:30:06Z"}"#
            ),
            escalations: try node(
                #"{"items":[{"clock":"lead_first_touch","level":"manager","due_at":"2026-03-18T06:31:05Z","told_at":"2026-03-18T06:33:00Z","state":"open","recipients":["s2"]}]}"#
            ), fuse: try node(#"{"state":"closed"}"#))

        let view = LeadView.page(layout, clerk, facts, once: "k")

        try compare(list, "leads")
        #expect(list["leads"]?.items.first?["touch"]?["label"] == "Due in 2\u{A0}min")
        let old = lead.replacing(
            #""due_at":"2026-03-18T06:34:05Z","state":"running","provisional":true"#,
            with: #""due_at":"2026-03-18T06:14:05Z","state":"missed","late_by":60,"pending":true,"history":true"#)
        #expect(
            LeadWords.touch(try node(old), clerk) == .chip(.idle, "Over when it was taken in here"),
            "as the board has it: nobody is to blame")
        let taken = old.replacing(#""touched_at":null"#, with: #""touched_at":null,"created_at":"2026-03-18T06:31:05Z""#)
        for (language, words) in [
            (Language.english, "Was due 2026-03-18 14:14:05, before the lead was taken in here (2026-03-18 14:31:05)"),
            (.chinese, "应于 2026-03-18 14:14:05，录入时（2026-03-18 14:31:05）已超时"),
        ] {
            let (layout, clerk) = frame(language)
            var backdated = facts
            backdated.lead = try node(taken)
            let said = LeadView.page(layout, clerk, backdated, once: "k")["clocks"]?.items.map { $0["dueWords"] }
            #expect(said?.contains(View.text(words)) == true, "\(said ?? [])")
        }
        try compare(view, "lead")
        #expect(view["score"]?["scoreOf"] == "Of 20")
        var overdue = facts
        overdue.escalations = try node(
            #"{"items":[{"clock":"lead_grade_response","level":"breach","due_at":"2026-03-18T06:31:05Z","state":"open","recipients":["s2"]}]}"#
        )
        #expect("\(LeadView.page(layout, clerk, overdue, once: "k"))".contains("Response by intent missed: deadline"))
        #expect(view["clocks"]?.items.last?["dueWords"] == "Was due 2026-03-18 14:22:05, 10\u{A0}min ago")
        #expect(view["reasons"] == ["It is due at 2026-03-18 14:34:05."])
        #expect(view["candidates"]?.items.map { $0["isOwner"] } == [true, false])
        #expect(view["candidates"]?.items.map { $0["metric"] } == ["38.2\u{A0}%", "–"] && view["metricName"] == "Close rate")
        #expect(Templates.all.page("lead", view).contains(#"href="/console/leads/4711?decision=1""#))
        var past = facts
        past.number = 1
        past.earlier = try node(
            lead.replacing(#""seller_id":"s1","metric""#, with: #""seller_id":"s7","metric""#).replacing(
                #""outcome":"assigned","matched"#, with: #""outcome":"assigned","seller_id":"s7","matched"#))
        let then = LeadView.page(layout, clerk, past, once: "k")
        #expect(then["past"]?["pastTitle"] == "Decided before: Assigned" && then["whyTitle"] == "Why s7")
        #expect(then["candidates"]?.items.map { $0["isOwner"] } == [true, false] && then["summary"] == view["summary"])
        #expect(then["facts"]?.items.contains { $0["factHref"] == "/console/jobs/8" } == true, "the job of that decision")
        #expect(then["story"] == view["story"] && then["clocks"] == view["clocks"])
        var unranked = facts
        unranked.lead = try node(lead.replacing(#""metric":0.382"#, with: #""metric":null"#))
        let plain = LeadView.page(layout, clerk, unranked, once: "k")
        #expect(plain["metricName"] == View.nothing, "no column of dashes")
        #expect(!Templates.all.page("lead", plain).contains(#"data-label="Close rate""#))
        #expect(Templates.all.page("lead", view).contains(#"data-label="Close rate""#))
        #expect(view["score"]?["scoreParts"]?.items.map { $0["pointsX"] } == ["100", "80", "0", "0", "0"])
        #expect(view["fields"]?.items.map { $0["fieldNote"] } == [View.nothing, "Not mapped"])
        #expect(view["assign"]?["sellerOptions"]?.items.map { $0["value"] } == ["", "s2"])
        #expect(view["story"]?.items.count == 4)
        #expect(Templates.all.page("lead", view).contains(", 2026-03-18 14:33:00"), "told two minutes after it was due")
        #expect(Templates.all.page("lead", view).contains("Decided before: Held: data are missing"))
        #expect(
            view["changes"]?["sentences"]?.items == [
                "More leads waiting with Chen Wei, by 2: then Li Fang would have had it.",
                "A waiting lead of s9 touched, or a higher capacity.",
            ])
        // A text may hold braces; what was not recorded is not told.
        let others = #"{"code":"field_defaulted","params":{"field":"note","value":"{x}"}},{"code":"condition","params":{}}"#
        let defaulted = lead.replacing(#"{"code":"close_rate","params":{"n":3,"rate":0.382}}"#, with: others)
        let decision = try #require(try node(defaulted)["assignment"])
        let told = LeadChanges(decision: decision, sellers: names, clerk: clerk).sentences
        #expect(told.first == "“note” told with the lead: it had none and counted as “{x}”." && told.count == 2)
        let held = LeadView.page(
            frame(role: .tenant).0, clerk,
            .init(
                lead: try node(
                    #"{"id":"1","external_id":"L","source":"web","received_at":"2026-03-18T06:30:05Z","fields":{},"state":"held","held_reason":"held_mapping_error","owner":null,"explanation":{"en":["why"]}}"#
                ),
                sellers: names, job: nil, escalations: try node(#"{"items":[]}"#), fuse: try node(#"{"state":"closed"}"#)), once: "k")
        try compare(held, "lead.held")
        #expect(held["held"]?["heldTitle"] == "It is held: a field cannot be mapped")
        #expect(held["held"]?["heldHref"] == "/console/rules")
        #expect(
            held["held"]?["heldWords"]
                == "why Send it again with the field put right, or mend the map: it is decided at once." && held["assign"] == View.nothing)
    }

    @Test(arguments: [(0, false), (3, true)])
    func `how often a breaker opened in a row is told of one that did`(openings: Int, isTold: Bool) throws {
        let (layout, clerk) = frame()
        let breakers = try node(#"{"items":[{"key":"erp","state":"closed","openings":\#(openings)}],"pauses":[]}"#)
        let nothing = try node(#"{"items":[]}"#)
        let facts = BreakersView.Facts(fuse: try node(#"{"state":"closed"}"#), breakers: breakers, queues: nothing, incidents: nothing)

        let page = Templates.all.page("breakers", BreakersView.page(layout, clerk, facts, once: "k"))

        #expect(page.contains("<dt>Openings in a row</dt><dd>\(openings)</dd>") == isTold)
        #expect(page.contains("Openings in a row") == isTold)
    }

    @Test func `breakers and dead letters`() throws {
        let (layout, clerk) = frame()
        let breaker =
            #"{"key":"erp","scope":"tenant","state":"open","forced":false,"limit":0,"until":"2026-03-18T06:34:00Z","openings":1,"reason":"31 of 60 failed","set_by":null,"changed_at":"2026-03-18T06:14:05Z","events":[{"at":"2026-03-18T06:14:07Z","state":"open","reason":"31 of 60","set_by":null}]}"#
        let facts = BreakersView.Facts(
            fuse: try node(#"{"state":"closed","reason":null,"set_by":null,"changed_at":null}"#),
            breakers: try node(
                #"{"items":[\#(breaker)],"pauses":[{"dependency":"crm","scope":"all","reason":"r","set_by":"key:1","since":"2026-03-18T06:14:05Z"}]}"#
            ),
            queues: try node(
                #"{"items":[{"kind":"probe","paused":true,"paused_reason":"x","paused_since":"2026-03-18T06:14:05Z","parked":2},{"kind":"assign_lead","paused":false}]}"#
            ),
            incidents: try node(
                #"{"items":[{"id":"1","state":"drained","cause":"permanent","reason":"r","detected_at":"2026-03-18T02:00:00Z","fixed_at":"2026-03-18T02:19:00Z","fixed_by":"key:7","fix":"mapped","drained_at":"2026-03-18T02:27:00Z","late":false}]}"#
            ))
        let dead = DeadLettersView.Facts(
            letters: try node(
                #"{"items":[{"id":"7","kind":"probe","error":{"class":"permanent","message":"no"},"attempts":1,"lost":0,"last_at":"2026-03-18T06:01:05Z"}],"next_cursor":"7"}"#
            ),
            groups: try node(#"{"items":[{"kind":"probe","error_class":"permanent","count":19,"newest_at":"2026-03-18T06:01:05Z"}]}"#),
            redrives: try node(#"{"items":[{"id":"1","count":1204,"done":731,"per_second":50}]}"#),
            plan: try node(#"{"count":19,"first":[{"id":"7","error":{"message":"no"}}]}"#))
        var query = DeadLettersView.Query()
        query.kind = "probe"

        try compare(BreakersView.page(layout, clerk, facts, once: "k"), "breakers")
        try compare(DeadLettersView.page(layout, clerk, dead, kinds: ["probe"], query: .init(), once: "k"), "dead-letters")
        let preview = DeadLettersView.page(layout, clerk, dead, kinds: ["probe"], query: query, once: "k")
        try compare(preview, "dead-letters.preview")
        #expect(preview["preview"]?["redrive"]?["hiddenFields"]?.items == [["name": "kind", "value": "probe"]])
    }

    @Test func `sellers`() throws {
        let (layout, clerk) = frame()
        func seller(_ id: String, _ status: String, pending: Int, freeze: String = "null") -> String {
            #"{"external_id":"\#(id)","name":"Li <\#(id)>","team":"ka3","team_name":"Key accounts 3","status":\#(status),"regions":["广东"],"industries":["medical"],"capacity":8,"weight":1,"newcomer":true,"channels":{"wecom":"x"},"pending":\#(pending),"assigned":312,"last_assigned_at":"2026-03-18T06:02:05Z","has_shift":false,"freeze":\#(freeze)}"#
        }
        let freeze = #"{"since":"2026-03-11T01:00:00Z","until":null,"reason":"three too late","by":null}"#
        let page = try node(
            #"{"items":[\#(seller("a", #""active""#, pending: 3)),\#(seller("b/1", #""active""#, pending: 9, freeze: freeze)),\#(seller("c", "null", pending: 0))],"next_cursor":"3"}"#
        )
        var query = SellersView.Query()
        query.team = "ka3"

        let view = SellersView.page(layout, clerk, page: page, known: SellerNames(page), query: query)
        let rows = view["sellers"]?.items ?? []

        try compare(view, "sellers", "sellers.empty")
        #expect(rows.map { $0["state"]?["label"] } == ["At work", "Frozen", "Not told"])
        #expect(rows.map { $0["waitingTone"] } == ["one", "warn", "one"] && rows[1]["sellerHref"] == "/console/sellers/b%2F1")
        #expect(view["pager"]?["nextHref"] == "/console/sellers?team=ka3&cursor=3")

        let load = try node(
            #"{"external_id":"b/1","pending":9,"capacity":8,"overdue":2,"won_this_week":1,"lost_this_week":0,"week_since":"2026-03-15T16:00:00Z","paused":false}"#
        )
        let one = SellerView.page(
            layout, clerk,
            SellerView.Facts(
                seller: try #require(page["items"]?.elements[1]), load: load, fuse: try node(#"{"state":"open"}"#)),
            once: "k")
        try compare(one, "seller", "seller.frozen")
        let gets = one["getsWords"]?.items ?? []
        #expect(gets.count == 3 && gets[1] == "Frozen since 2026-03-11 09:00:00, until somebody thaws them: three too late")
        let forms = one["freezes"]?.items ?? []
        #expect(forms.map { $0["frozen"] } == ["false", "true"], "thawed, or frozen until another time")
        func thawed(_ status: String, _ shift: String) throws -> View? {
            let frozen = try node(#"{"name":"Ann","status":"\#(status)","has_shift":\#(shift),"freeze":{}}"#)
            let facts = SellerView.Facts(seller: frozen, load: load, fuse: try node(#"{"state":"closed"}"#))
            return SellerView.page(layout, clerk, facts, once: "k")["freezes"]?.items.first?["freezeWords"]
        }
        #expect(try thawed("active", "false") == "Ann gets new leads again from the next decision on.")
        #expect(try thawed("active", "true") == "Ann gets new leads again within their shift, from the next decision on.")
        #expect(try thawed("leave", "false") == "The freeze ends; Ann gets new leads once they are at work again.")
        #expect(forms.map { $0["asksUntil"] } == [.flag(false), .flag(true)] && forms[0]["asksBy"] == .flag(false))
        #expect(one["leadsHref"] == "/console/leads?owner=b%2F1")
        let free = SellerView.page(
            frame(role: .tenant).0, clerk,
            .init(
                seller: try #require(page["items"]?.elements[0]), load: try node(#"{"pending":3,"capacity":8}"#),
                fuse: try node(#"{"state":"closed"}"#)),
            once: "k")
        #expect(free["getsWords"]?.items.count == 1)
        #expect(free["freezes"]?.items.first?["asksBy"] == .flag(true), "who is no operator names the manager")
    }

    @Test func `overdue`() throws {
        let (layout, clerk) = frame()
        let facts = OverdueView.Facts(
            board: try node(
                #"{"late":2,"people":[{"owner":"s1","name":"Chen","team":"East","late":2,"latest_by":3660},{"owner":null,"name":null,"team":null,"late":1,"latest_by":60}],"teams":[{"team":"East","late":2}],"reasons":[{"reason":"busy","count":4}],"unspecified":1}"#
            ),
            map: try node(
                #"{"month":"2026-03","time_zone":"Asia/Shanghai","cells":[{"weekday":1,"slot":"12:30","leads":10,"late":8},{"weekday":7,"slot":"13:45","leads":2,"late":1,"greyed":true},{"weekday":2,"slot":"09:00","leads":10,"late":0},{"weekday":3,"slot":"09:00","leads":6,"open":6,"late":0,"unclocked":5},{"weekday":4,"slot":"09:00","leads":6,"open":6,"late":0,"unclocked":6}]}"#
            ),
            escalations: try node(
                #"{"items":[{"id":"91","subject_type":"lead","subject_id":"4710","clock":"lead_first_touch","level":"manager","state":"open","due_at":"2026-03-18T06:23:05Z","late_by":540,"told":"told","recipients":["s2"],"owner":"s1","team":"East","reason":null}],"next_cursor":"91"}"#
            ),
            leads: try node(#"{"items":[{"id":"4710","external_id":"L-1","name":"江苏客户"}]}"#),
            clocks: ["lead_quote"], sellers: SellerNames(try node(Self.sellers)), clock: "lead_first_touch", month: "2026-03", cursor: nil)

        let view = OverdueView.page(layout, clerk, facts, once: "k")

        #expect(
            view["escalations"]?.items.first?["subjectName"] == "江苏客户" && view["escalations"]?.items.first?["subjectNumber"] == "Lead 4710")
        #expect(view["people"]?.items.first?["personTeam"] == "East team" && view["teams"]?.items.first?["teamName"] == "East team")
        #expect(view["teamOptions"]?.items.map { $0["optionLabel"] } == ["All teams", "East team"])
        var west = facts
        west.team = "West"
        west.board = try node(#"{"late":0,"latest_by":null,"history":13,"people":[],"teams":[],"reasons":[],"unspecified":0}"#)
        #expect(OverdueView.page(layout, clerk, west, once: "k")["hasPeople"] == .flag(false))
        #expect(
            !Templates.all.page("overdue", OverdueView.page(layout, clerk, west, once: "k")).contains("id=\"teams-title\""),
            "of one team nothing is told by team")
        #expect(
            OverdueView.page(layout, clerk, west, once: "k")["tiles"]?.items.map { $0["tileNote"] } == [
                "West: nobody has touched them yet; 13 more whose time was over when they were taken in here", "West: past due",
                "West: of 22 leads, 2026-03",
            ])
        #expect(OverdueView.page(layout, clerk, west, once: "k")["reasonsLead"] == "West: of leads that came in 2026-03, as sellers said")

        var early = facts
        early.board = west.board
        let nobody = Templates.all.page("overdue", OverdueView.page(layout, clerk, early, once: "k"))
        #expect(!nobody.contains("id=\"teams-title\"") && nobody.contains("id=\"teams\""), "nobody is late, which is said once")
        #expect(Templates.all.page("overdue", view).contains("id=\"teams-title\""))

        var alone = facts
        alone.isConnected = false
        #expect(Templates.all.page("overdue", OverdueView.page(layout, clerk, alone, once: "k")).contains("No connector is set up"))

        let map = Templates.all.page("overdue", view)
        let bounds = ["Under 20 %", "20 % to under 40 %", "40 % to under 60 %", "60 % to under 80 %", "80 % and more"]
        for (shade, said) in zip(1...5, bounds) {
            #expect(map.contains(#"<rect class="heat-\#(shade)" width="18" height="10"/></svg>\#(said)"#), "what it stands for")
        }

        try compare(view, "overdue")
        #expect(view["heat"]?["cells"]?.items.map { $0["cellTone"] } == ["heat-5", "few", "heat-0", "unknown", "unclocked"])
        #expect(
            view["heat"]?["cells"]?.items.suffix(2).map { $0["cellWords"] } == [
                "Wed 09:00: not known yet whether in time", "Thu 09:00: untouched, and no clock runs",
            ])
        #expect(map.contains(#"<rect class="unclocked" width="18" height="10"/></svg>Untouched, and no clock runs"#), "what it stands for")
        #expect(view["heat"]?["cells"]?.items.first?["x"] == "58.33" && view["heat"]?["cells"]?.items.first?["y"] == "0")
        #expect(view["heat"]?["worstSlots"]?.items.map { $0["slotName"] } == ["Mon 12:30"])
        #expect(view["monthOptions"]?.items.map { $0["value"] } == ["2026-03", "2026-02", "2026-01", "2025-12", "2025-11", "2025-10"])
    }

    @Test func `what is still being counted is said, and no number stands for it`() throws {
        let (layout, clerk) = frame()
        let none = try node(#"{"items":[]}"#)
        let queues = try node(
            #"{"items":[{"kind":"probe","ready":1,"running":0,"parked":0,"deferred":0,"paused":false,"parked_by":[]}]}"#)
        let now = NowView.page(
            layout, clerk,
            .init(
                queues: queues, flow: nil, alerts: none, breakers: none, fuse: try node(#"{"state":"closed"}"#), rollouts: none, board: nil,
                notices: none, weight: nil), once: "k")
        let overdue = OverdueView.page(
            layout, clerk,
            .init(
                board: nil, map: nil, escalations: none, clocks: [], sellers: SellerNames(none), clock: "lead_first_touch",
                month: "2026-03", cursor: nil), once: "k")

        #expect(now["tiles"]?.items.map { $0["tileValue"] } == ["0", "1", "0", "–", "…", "…"])
        #expect(now["kinds"]?.items.first?["lastHour"] == "…" && now["kinds"]?.items.first?["failedShare"] == "…")
        #expect(now["attention"]?.items.map { $0["itemText"] } == ["Leads that are late"], "and not that nothing needs anybody")
        #expect(overdue["tiles"]?.items.map { $0["tileValue"] } == ["…", "…", "…"])
        for (page, view, regions) in [
            ("now", now, ["attention", "numbers", "flow", "kinds", "failures"]),
            ("overdue", overdue, ["overdue-numbers", "people", "teams", "reasons", "heat"]),
        ] {
            let shown = Templates.all.page(page, view)
            for region in regions { #expect(shown.contains("id=\"\(region)\" data-counting>"), "\(page): \(region)") }
        }
    }

    @Test func `a lead that was given by hand keeps its score`() throws {
        let (layout, clerk) = frame()
        let lead = try node(
            #"{"id":"1","external_id":"L","source":"web","received_at":"2026-03-18T06:30:05Z","state":"assigned","owner":"s1","score":86,"fields":{},"assignment":{"outcome":"assigned","reasons":[{"code":"assigned_by_hand","params":{"reason":"asked","by":"key:1"}}]}}"#
        )
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(try node(Self.sellers)), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let view = LeadView.page(layout, clerk, facts, once: "k")

        #expect(view["facts"]?.items.contains { $0["factLabel"] == "Lead score" && $0["factValue"] == "86" } == true)
    }

    @Test func `what would change a decision is what it went by, the score or the intent grade`() throws {
        let (_, clerk) = frame()
        func sentences(_ rule: String) throws -> [String] {
            let decision = try node(
                #"{"matched_rule":"\#(rule)","band":"high","intent_grade":"low","reasons":[{"code":"score_band","params":{"score":92,"band":"high"}}]}"#
            )
            return LeadChanges(decision: decision, sellers: SellerNames(nil), clerk: clerk).sentences
        }

        #expect(try sentences("strategy.high") == ["Another score: 92 put it into its band."])
        #expect(try sentences("strategy.low") == ["Another intent grade: it came to the strategy of “low”."])
        #expect(try sentences("large-houses") == [])
    }

    @Test func `who gives a lead by hand reads that its first touch is late, though a later level is not`() throws {
        let (layout, clerk) = frame()
        let level = #"{"clock":"lead_first_touch","level":"%","due_at":"2026-03-18T0%:00:00Z","state":"running"}"#
        let levels = [("reminder", 5), ("care", 7)].map { level.replacing("0%", with: "0\($1)").replacing("%", with: $0) }
        let lead = try node(
            #"{"id":"1","external_id":"L","source":"web","state":"awaiting_assignment","clocks":[\#(levels.joined(separator: ","))]}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(try node(Self.sellers)), job: nil, escalations: nil, fuse: try node(#"{"state":"open"}"#))

        let form = AssignForm(layout: layout, clerk: clerk, facts: facts, once: "k", refusal: nil).view

        let told = "\(form["assignConsequence"] ?? .nothing)"
        #expect(told.contains("late since 2026-03-18 13:00") && told.contains("next level is due 2026-03-18 15:00"), "\(told)")
    }

    @Test func `who gives a lead by hand reads what limit it sets aside`() throws {
        let (layout, clerk) = frame()
        let sellers = [("Ada", 8), ("Bo", 9)].map { name, pending in
            #"{"external_id":"\#(name)","name":"\#(name)","status":"active","pending":\#(pending),"capacity":8}"#
        }
        let lead = try node(#"{"id":"1","external_id":"L","source":"web","state":"pooled","clocks":[]}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(try node(#"{"items":[\#(sellers.joined(separator: ","))]}"#)), job: nil, escalations: nil,
            fuse: try node(#"{"state":"closed"}"#))

        let form = AssignForm(layout: layout, clerk: clerk, facts: facts, once: "k", refusal: nil).view

        #expect(
            form["sellerOptions"]?.items.map { $0["optionLabel"] } == [
                "Choose a seller", "Ada, 8 waiting of at most 8", "Bo, 9 waiting: over the limit of 8",
            ])
    }

    @Test func `a decision before that gave a lead to nobody says why, in the words of the page`() throws {
        let reasons = #"[{"code":"field_missing","params":{"field":"source_channel"}}]"#
        let told = #"{"en":["“source_channel” is required and the lead does not have it."]}"#
        let earlier =
            #"{"number":1,"decided_at":"2026-03-18T06:30:05Z","outcome":"held_missing_data","owner":null,"pool":null,"reasons":\#(reasons),"explanation":\#(told)}"#
        let lead = try node(#"{"id":"1","external_id":"L","source":"web","state":"held","clocks":[],"earlier":[\#(earlier)]}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(nil), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let steps = LeadStory(facts: facts, owner: nil, clerk: frame().1).steps

        #expect("\(steps)".contains("“source channel” is required and the lead does not have it."), "\(steps)")
    }

    @Test func `that the fuse left a lead to a person is said once`() throws {
        let told = #"{"en":["Automatic assignment is stopped for this tenant: a person has to assign it."]}"#
        let earlier =
            #"{"number":1,"decided_at":"2026-03-18T06:30:05Z","outcome":"manual_queue_fuse","owner":null,"pool":null,"reasons":[{"code":"fuse_open","params":{}}],"explanation":\#(told)}"#
        let lead = try node(#"{"id":"1","external_id":"L","source":"web","state":"held","clocks":[],"earlier":[\#(earlier)]}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(nil), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let steps = LeadStory(facts: facts, owner: nil, clerk: frame().1).steps

        #expect(steps.map { $0["stepTitle"] } == ["Decided before: Left to a person: the fuse is open"])
        #expect(steps.map { $0["stepDetail"] } == [View.nothing])
    }

    @Test func `of a lead that was given a moment ago it is not said yet that no clock runs`() throws {
        let (layout, clerk) = frame()
        func told(_ seconds: Double) throws -> View? {
            let at = clerk.now.addingTimeInterval(-seconds).ISO8601Format()
            let lead = try node(
                #"{"id":"1","external_id":"L","source":"web","state":"assigned","owner":"s1","decided_at":"\#(at)","clocks":[]}"#)
            let facts = LeadView.Facts(
                lead: lead, sellers: SellerNames(try node(Self.sellers)), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#)
            )
            return LeadView.page(layout, clerk, facts, once: "k")["clocksNoneWhy"]
        }

        #expect(try told(5) == .text(layout.words["lead_clocks_soon"]))
        #expect(try told(90) == .text(layout.words["lead_clocks_none_why"]))
    }

    @Test func `decisions in a row that came out alike are one step of a lead's story`() throws {
        func decision(_ number: Int, _ outcome: String, owner: String = "null") -> String {
            #"{"number":\#(number),"decided_at":"2026-03-18T0\#(number):00:00Z","outcome":"\#(outcome)","owner":\#(owner),"pool":null,"reasons":[],"explanation":{}}"#
        }
        let earlier = [
            decision(5, "assigned", owner: #""s1""#), decision(4, "held_missing_data"), decision(3, "held_missing_data"),
            decision(2, "held_missing_data"), decision(1, "assigned", owner: #""s1""#),
        ]
        let lead = try node(
            #"{"id":"1","external_id":"L","source":"web","state":"held","clocks":[],"earlier":[\#(earlier.joined(separator: ","))]}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(try node(Self.sellers)), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let steps = LeadStory(facts: facts, owner: nil, clerk: frame().1).steps

        #expect(steps.count == 3, "\(steps)")
        #expect("\(steps[0])".contains("Chen Wei") && "\(steps[2])".contains("Chen Wei"))
        #expect("\(steps[1])".contains("Decided before, 3 times until 2026-03-18 12:00"), "\(steps[1])")
        #expect("\(steps[1])".contains("leads/1?decision=4"), "the newest of them is shown whole")
    }

    @Test func `leads that came to their owner by no rule say how they came`() throws {
        let (layout, clerk) = frame()
        func way(_ assignment: String) throws -> View? {
            let page = try node(#"{"items":[{"id":"1","external_id":"L","source":"web","state":"assigned","assignment":\#(assignment)}]}"#)
            return LeadsView.page(layout, clerk, page: page, sellers: SellerNames(try node(Self.sellers)), query: .init())["leads"]?
                .items.first?["rule"]
        }

        #expect(try way(#"{"outcome":"assigned","matched_rule":"vip"}"#) == "vip")
        #expect(try way(#"{"outcome":"assigned_existing_owner"}"#) == "Its customer's owner")
        #expect(try way(#"{"outcome":"assigned","reasons":[{"code":"assigned_by_hand"}]}"#) == "By hand")
        #expect(try way(#"{"outcome":"assigned","reasons":[{"code":"transferred_overdue"}]}"#) == "Handed on when late")
        #expect(try way("null") == "–")
    }

    @Test func `a forecast`() throws {
        let (layout, clerk) = frame()
        let zero = #"{"count":0,"amount_minor":0,"forecast_minor":0}"#
        let body =
            #"{"open":96,"won":{"count":9,"amounts":[{"currency":"CNY","count":7,"amount_minor":250000}]},"excluded":{"amount_missing":2,"unknown_stage":0},"currencies":["CNY"],"totals":[{"currency":"CNY","committed":{"count":31,"amount_minor":402000,"forecast_minor":402000},"weighted":{"count":44,"amount_minor":780000,"forecast_minor":215000},"at_risk":{"count":17,"amount_minor":331000,"forecast_minor":0},"self_entered_expected":\#(zero),"forecast_total_minor":617000}],"by_stage":[{"stage":"quoted","count":19,"stalled_count":4,"amounts":[{"currency":"CNY","amount_minor":390000}],"conversion":0.58,"dwell_p50_days":11}],"by_seller":[{"seller":"s1","currency":"CNY","committed":{"forecast_minor":1},"weighted":{"forecast_minor":2},"at_risk":{"amount_minor":3}}],"stalled":[{"opportunity_id":"d-17","stage":"quoted","amount_minor":90000,"currency":"CNY","days":11,"reason":"no_recent_action"}],"moved":{"since":"6","changes":[{"currency":"CNY","new":{"count":4,"amount_minor":48000},"lost":{"count":1,"amount_minor":-63000},"sum_minor":-15000}]},"outlook":{"wins":{"expected_open":33,"expected_new":5,"interval_low":29,"interval_high":47},"amounts":[{"currency":"CNY","p10_minor":510000,"p50_minor":640000,"p90_minor":800000}],"errors_learnt":18}}"#
        func forecast(_ id: String, _ day: String, total: Int) -> String {
            #"{"id":"\#(id)","period":{"from":"2026-01-01","to":"2026-03-31"},"scope":[],"as_of":"\#(day)T22:00:00Z","reason":"scheduled","current":true,"forecast":\#(body.replacing("617000", with: "\(total)"))}"#
        }
        let facts = ForecastView.Facts(
            forecast: try node(forecast("7", "2026-03-17", total: 617_000)),
            earlier: try node(
                #"{"items":[\#(forecast("7", "2026-03-17", total: 617_000)),\#(forecast("6", "2026-03-16", total: 632_000))]}"#),
            sellers: SellerNames(try node(Self.sellers)))

        let view = ForecastView.page(layout, clerk, facts, once: "k")

        #expect(view.lacks(try Contexts.view("forecast")).filter { !$0.hasPrefix("pager") } == [])
        try compare(view, "forecast")
        #expect(
            view["tiles"]?.items[1]["tileValue"] == "2,500.00"
                && view["tiles"]?.items[1]["tileNote"] == "9 deals won in the period, 7 of them with an amount in CNY")
        #expect(view["leftOut"]?.items.map { $0["leftHref"] } == ["/console/forecast/7/deals?class=amount_missing"])
        let deals = ForecastDealsView.Facts(
            forecast: try #require(facts.forecast),
            page: try node(
                #"{"items":[{"external_id":"d-17","seller":"s1","stage":"quoted","class":"at_risk","amount_minor":90000,"currency":"CNY","odds":0.3,"forecast_minor":0,"stalled_days":11,"opened_at":"2026-03-01T02:00:00Z"},{"external_id":"d-18","seller":null,"stage":"quoted","class":"amount_missing","amount_minor":0,"currency":"CNY","odds":0.1,"forecast_minor":0,"stalled_days":null}],"next_cursor":"18"}"#
            ), sellers: facts.sellers, standing: "at_risk", cursor: nil)
        let list = ForecastDealsView.page(layout, clerk, deals)
        try compare(list, "forecast-deals")
        #expect(list["deals"]?.items.map { $0["amount"] } == ["900.00 CNY", "–"] && list["deals"]?.items[1]["className"] == "No amount")
        #expect(list["pager"]?["nextHref"] == "/console/forecast/7/deals?class=at_risk&cursor=18")
        let moved = view["moved"]?.items ?? []
        #expect(moved.map { $0["moveAmount"] } == ["6,320.00", "+480.00", "−630.00", "6,170.00"])
        #expect(moved.map { $0["edgeX"] } == ["92.94", "100", "90.74", "90.74"])
        #expect(view["earlier"]?.items.count == 1 && view["earlierChart"]?["lastX"] == "100")
        let nothing = ForecastView.page(
            layout, clerk, .init(forecast: nil, earlier: try node(#"{"items":[]}"#), sellers: SellerNames(nil)), once: "k")
        try compare(nothing, "forecast.empty")
    }

    @Test func `process health`() throws {
        let (layout, clerk) = frame()
        func week(_ name: String, _ spi: Double, below: Bool, _ earlier: String = "") -> String {
            #"{"seller_id":"s1","team":"East","iso_week":"\#(name)","status":"ok","spi":\#(spi),"interval":[55.1,98.9],"below_baseline":\#(below),"streak_weeks":2,"d1":{"name":"conversion","num":8,"den":18,"rate":0.44,"target":0.65,"pass":false},"d2":{"name":"rhythm","num":33,"den":40,"rate":0.82,"target":0.8,"pass":true},"d3":{"name":"key_actions","num":1,"den":1,"rate":1,"target":1,"pass":true},"earlier":[\#(earlier)]}"#
        }
        func warning(_ outcome: String) -> String {
            #"{"id":"1","seller_id":"s1","iso_week":"2026-W11","probability":0.63,"outcome":"\#(outcome)","detail":{"contributions":[{"feature":"headroom_slope_4","weight":0.9}],"suggestion":{"with_seller_id":"s2"}}}"#
        }
        let report =
            #"{"f1":{"value":0.62,"low":0.589,"high":0.649},"always_f1":0.248,"level_f1":0.265,"two_conditions_f1":0.444,"confusion":{"hits":11,"false_alarms":8,"misses":5,"rest":90}}"#
        let behind = week("2026-W11", 70, below: true).replacing("\"s1\"", with: "\"s2\"")
        let facts = ProcessHealthView.Facts(
            weeks: ["2026-W10", "2026-W11"],
            page: try node(#"{"items":[\#(week("2026-W11", 98, below: false, week("2026-W10", 73, below: true))),\#(behind)]}"#),
            summary: try node(#"{"week":"2026-W11","with_index":30,"at_base_line":16,"below_two_weeks":5,"attainment":0.53}"#),
            diagnoses: try node(
                #"{"items":[{"id":"1","seller_id":"s1","iso_week":"2026-W11","since":"2026-W09","as_of":"2026-03-16T00:00:00Z","report":{"abnormal_nodes":[{"kind":"long_stay","customer":"d-17","stage":"sample","at":"2026-03-10T00:00:00Z","hours":264,"limit_hours":120,"excess":2.2}],"timelines":[{"customer":"d-17","steps":[{"at":"2026-01-21T00:00:00Z","what":"visit"},{"at":"2026-03-12T00:00:00Z","what":"follow_up"}]}]}}]}"#
            ),
            predictions: try node(
                #"{"items":[\#(["fell", "stayed", "pending"].map(warning).joined(separator: ","))]}"#
            ),
            quality: try node(
                #"{"status":"ok","reasons":[],"live_version":3,"last_version":3,"outcomes":{"hits":11,"false_alarms":8,"misses":5,"rest":90,"pending":4},"report":\#(report)}"#
            ),
            sellers: SellerNames(try node(Self.sellers)), team: "")

        let view = ProcessHealthView.page(layout, clerk, facts)

        #expect(view.lacks(try Contexts.view("process-health")).filter { !$0.hasPrefix("pager") } == [])
        try compare(view, "process-health")
        #expect(view["sellers"]?.items.first?["cells"]?.items.map { $0["cellTone"] } == ["bad", "warn"])
        #expect(view["dimensions"]?.items.map { $0["dimensionSeller"] } == ["Li Fang"], "the parts of who is below stand first")
        #expect(view["others"]?.items.map { $0["dimensionSeller"] } == ["Chen Wei"])
        let outcomes = ["warnings", "judged"].flatMap { view[$0]?.items.compactMap { $0["outcome"] } ?? [] }
        #expect(outcomes.map { $0["tone"] } == ["idle", "bad", "good"], "those that hold now, then those that are judged")
        #expect(outcomes.map { $0["label"] } == ["Not over", "Fell", "Stayed healthy"])
        #expect(view["judgedTitle"] == "Judged lately: 2 warnings, and what came of them")
        #expect(view["warnings"]?.items.first?["warningWhy"] == "trend over 4 weeks +0.9")
        #expect(view["quality"]?["ways"]?.items.map { $0["f1X"] } == ["62", "44.4", "26.5", "24.8"])
    }

    @Test func `rules`() throws {
        let (layout, clerk) = frame()
        let sets =
            #"{"items":[{"kind":"route","name":"default","live_version":3,"newest_version":5,"newest_state":"draft","saved_at":"2026-03-18T04:32:05Z","saved_by":"key:7"}]}"#
        var facts = RuleView.Facts(kind: "route", name: "default")
        let five =
            #"{"kind":"route","name":"default","version":5,"state":"draft","actor":"key:7","created_at":"2026-03-18T04:32:05Z","source":"rules: []"}"#
        let three = five.replacing(":5,", with: ":3,").replacing("draft", with: "live")
        facts.versions = try node(#"{"items":[\#(five),\#(three)]}"#)
        facts.shown = try node(five)
        facts.from = 3
        facts.diff = try node(#"{"from":3,"to":5,"changes":[{"path":"rules[0]","en":"added","zh":"新增"}]}"#)
        facts.rounds = try node(
            #"{"passed":1,"required":3,"items":[{"from":"2025-12-18T00:00:00Z","to":"2026-03-18T00:00:00Z","state":"passed","replayed":20114,"differing":1872}]}"#
        )
        let refusal = Refusal(
            status: 422, code: "invalid", title: "2 fields", faults: [.init(field: "rules[0].by", message: "must be a list (line 6)")])

        try compare(
            RulesView.page(layout, clerk, sets: try node(sets), rollouts: try node(#"{"items":[\#(Self.rollout)]}"#), packs: ["saas"]),
            "rules")
        try compare(RuleView.page(layout, clerk, facts, once: "k"), "rule")
        let faults = RuleView.page(layout, clerk, facts, check: .init(source: "x", refusal: refusal, findings: nil), once: "k")
        try compare(faults, "rule.faults")
        #expect(faults["faults"]?.items.first?["faultLine"] == "6" && faults["faults"]?.items.first?["faultMessage"] == "must be a list")
        #expect(faults["faults"]?.items.first?["faultLineWords"] == "Line 6")
        #expect(faults["source"] == "x" && faults["editor"]?["saveLabel"] == "Save as a draft")
        var first = RuleView.Facts(kind: "route", name: "mine")
        #expect(RuleView.page(layout, clerk, first, once: "k")["editor"]?["saveLabel"] == "Save and make live")
        first.isAnotherLive = true
        let beside = RuleView.page(layout, clerk, first, once: "k")
        #expect(beside["editor"]?["saveLabel"] == "Save as a draft")
        #expect(beside["summary"] == "Another set of this kind is live; this one is saved as a draft.")
    }

    @Test(arguments: [
        (Language.english, "2 of 12 would differ · No decision was made in this time."), (.chinese, "12 次分配中 2 次结果会不同 · 此期间没有分配记录。"),
    ])
    func `a round that failed says why in its row`(language: Language, detail: String) throws {
        let (layout, clerk) = frame(language)
        var facts = RuleView.Facts(kind: "route", name: "default")
        facts.shown = try node(#"{"kind":"route","name":"default","version":5,"state":"draft"}"#)
        facts.rounds = try node(
            #"{"passed":0,"required":3,"items":[{"state":"failed","replayed":12,"differing":2,"reasons":["No decision was made in this time."]},{"state":"running","replayed":null,"differing":null,"reasons":[]}]}"#
        )

        let view = RuleView.page(layout, clerk, facts, once: "k")

        #expect(view["sandbox"]?["rounds"]?.items.map { $0["roundDetail"] } == [View.text(detail), View.nothing])
    }

    @Test(arguments: [("draft", true), ("live", false), ("retired", false)])
    func `rounds that are asked for are told of a draft alone`(state: String, isTold: Bool) throws {
        let (layout, clerk) = frame()
        var facts = RuleView.Facts(kind: "route", name: "default")
        facts.shown = try node(#"{"kind":"route","name":"default","version":1,"state":"\#(state)"}"#)
        facts.rounds = try node(#"{"passed":0,"required":3,"items":[]}"#)

        let view = RuleView.page(layout, clerk, facts, once: "k")

        let told = layout.words["rule_rounds", ["passed": "0", "required": "3"]]
        #expect(Templates.all.page("rule", view).contains(told) == isTold)
        #expect(view["sandbox"]?["hasRounds"] == .flag(false), "and the sandbox is there")
    }

    @Test(arguments: [
        (Language.english, "Nothing to replay", "Nothing was decided in this time"), (.chinese, "无可回放", "此期间没有分配记录可供回放"),
    ])
    func `a round that came upon no decision has not failed, in its row and on its page`(language: Language, chip: String, why: String)
        throws
    {
        let (layout, clerk) = frame(language)
        let row = #"{"round_id":"12","state":"failed","replayed":0,"differing":0,"reasons":["No decision was made in this time."]}"#
        let finding = #"{"code":"nothing_replayed","message":"No decision was made in this time."}"#
        let result = #"{"passed":false,"findings":[\#(finding)],"replayed":0,"differing":0,"live":{},"candidate":{},"by_seller":[]}"#
        var facts = RuleView.Facts(kind: "route", name: "default")
        facts.shown = try node(#"{"kind":"route","name":"default","version":5,"state":"draft"}"#)
        facts.rounds = try node(#"{"passed":0,"required":3,"items":[\#(row)]}"#)
        func page(_ result: String) throws -> View {
            RoundView.page(
                layout, clerk,
                RoundView.Facts(
                    round: try node("\(row.dropLast()),\"result\":\(result)}"), rounds: nil, differences: try node(#"{"items":[]}"#),
                    sellers: SellerNames(nil), isFirst: true))
        }

        let shown = RuleView.page(layout, clerk, facts, once: "k")["sandbox"]?["rounds"]?.items.first
        let empty = try page(result)
        let incomplete = try page(result.replacing("[{", with: #"[{"code":"incomplete_past","message":"x"},{"#))

        #expect(shown?["roundState"] == .chip(.idle, chip) && empty["state"] == .chip(.idle, chip))
        guard case .text(let detail)? = shown?["roundDetail"] else { throw Missing() }
        #expect(detail.hasPrefix(why), "\(detail)")
        #expect(empty["replay"]?["replayTone"] == "idle" && empty["replay"]?["hasFindings"] == .flag(false))
        #expect(incomplete["state"] == .chip(.bad, layout.words["rule_round_failed"]), "what was not kept may have been decisions")
        #expect(incomplete["replay"]?["replayTone"] == "bad" && incomplete["replay"]?["hasFindings"] == .flag(true))
    }

    @Test func `all tenants' jobs`() throws {
        let (layout, clerk) = frame(role: .platform)
        let sums = #""ready":1003,"running":4,"ended":12,"failed":3,"failure_share":0.25,"dead_letters":2"#
        let tenant =
            #"{"slug":"acme","weight":3,"paused":true,\#(sums),"oldest_claimable_ms":null,"share_received":0.588,"share_entitled":0.6}"#
        let other =
            #"{"slug":"globex","weight":1,"paused":false,\#(sums),"oldest_claimable_ms":90000,"share_received":null,"share_entitled":0.4}"#
        let overview =
            #"{"as_of":"2026-03-18T06:32:02Z","window_s":300,\#(sums),"kinds":[{"kind":"probe",\#(sums)}],"tenants":[\#(tenant),\#(other)],"tenants_with_jobs":10000,"alerts":[{"slug":"acme","newest_at":"2026-03-18T06:08:05Z","codes":[{"code":"failure_rate","open":1},{"code":"manual_queue","open":3}]},{"slug":"globex","newest_at":"2026-03-18T06:01:05Z","codes":[{"code":"manual_queue","open":1}]}],"tenants_with_alerts":9,"failures":[{"cause":"permanent","count":2},{"cause":"held_missing_data","count":1}],"index":"up"}"#

        let view = OverviewView.page(layout, clerk, try node(overview))

        #expect(view["tiles"]?.items.map { $0["tileValue"] } == ["4", "1,003", "1\u{A0}min 30\u{A0}s", "12", "25\u{A0}%", "2"])
        #expect(view["tiles"]?.items.map { $0["tileTone"] } == ["", "", "", "", "bad", "warn"])
        #expect(view["tenants"]?.items.map { $0["paused"] } == ["Paused", View.nothing])
        #expect(view["tenants"]?.items.map { $0["oldest"] } == ["–", "1\u{A0}min 30\u{A0}s"])
        #expect(view["tenants"]?.items.map { $0["share"] } == ["58.8\u{A0}%", "–"])
        #expect(view["tenants"]?.items.map { $0["slug"] } == ["acme", "globex"])
        #expect(
            view["alerts"]?.items.map { $0["alertText"] } == [
                "Many jobs of a kind fail, Leads are left to a person (3)", "Leads are left to a person",
            ])
        #expect(view["alertsMore"] == "And 7 more tenants.")
        guard case .text(let lead)? = view["tenantsLead"] else { throw Missing() }
        #expect(lead.hasPrefix("The 2 with most jobs of 10,000"))
        #expect(view["kinds"]?.items.map { $0["failedShare"] } == ["25\u{A0}%"])
        #expect(view["failures"]?.items.map { $0["count"] } == ["2", "1"])
        #expect(view["indexAway"] == .flag(false))
    }

    private struct Missing: Error {}

    @Test func `tenants and workers`() throws {
        let (layout, clerk) = frame(role: .platform)
        let tenant =
            #"{"tenant_id":"1","slug":"acme","weight":3,"cap":64,"rate":null,"burst":null,"quota":5000000,"ready_capacity":1000,"retention":30,"time_zone":"Asia/Shanghai","sandbox_rounds":3,"created_at":"2026-01-12T00:00:00Z","paused_at":null,"paused_reason":null}"#
        var facts = TenantsView.Facts(
            tenants: try node(#"{"items":[\#(tenant)],"next_cursor":null}"#),
            usage: try node(
                #"{"items":[{"slug":"acme","ready":1003,"running":4,"ended":12,"failed":1,"dead_letters":2,"share_received":0.588,"share_entitled":0.6,"worker_seconds":11520,"throttled_s":0}]}"#
            ),
            packs: ["saas"])
        let fleet =
            #"{"items":[{"id":"2","host":"work-1","pid":4121,"started_at":"2026-03-18T01:20:05Z","beat_at":"2026-03-18T06:32:02Z","running":9,"concurrency":400,"settled":104211,"leases_lost":0}],"running":[{"id":"7","kind":"probe","tenant":"acme","worker":"2","started_at":"2026-03-18T06:31:34Z"}]}"#

        facts.shown = .init(
            tenant: try node(tenant), usage: facts.usage(of: "acme"),
            keys: try node(
                #"{"items":[{"id":"7","role":"operator","hint":"kl_o_3f9a…","created_at":"2026-01-12T00:00:00Z","revoked_at":null}]}"#))
        facts.newKey = try node(#"{"id":"12","role":"operator","key":"kl_o_secret"}"#)
        let view = TenantsView.page(layout, clerk, facts, search: "", isFirst: true, once: "k")
        let workers = WorkersView.page(
            layout, clerk, fleet: try node(fleet),
            demand: try node(#"{"workers_wanted":2,"backlog_jobs":49214,"backlog_worker_seconds":820,"target_seconds":60,"slots":400}"#),
            once: "k")

        #expect(view.lacks(try Contexts.view("tenants")) == [])
        try compare(view, "tenants")
        #expect(view["one"]?["settings"]?["settingFields"]?.items.map { $0["value"] }.prefix(3) == ["3", "64", ""])
        try compare(workers, "workers")
    }
}
