import JSONEnvelope
import SalesModel
import Testing

@testable import Console

/// Views against the samples their templates were drawn with, and the words they choose.
@Suite struct ViewTests {
    private static let waiting =
        #"{"id":"104215","kind":"send_notification","state":"parked","args":{"delivery":"88"},"attempt":1,"max_attempts":5,"lost":0,"outcome":null,"error":null,"created_at":"2026-03-18T06:14:05Z","run_at":null,"started_at":null,"finished_at":null,"queue_ms":null,"run_ms":null,"why_waiting":"dingtalk does not work: 21 of 30 calls failed. It is tried again at 2026-03-18T06:33:00Z.","waiting_code":"breaker_open","run":1,"cancel_requested_at":null,"batch_id":null,"result":null,"trace_id":null,"progress":null}"#
    private static let failed =
        #"{"id":"104151","kind":"assign_lead","state":"discarded","args":{"lead_id":"4688","trigger":"created","assignment_epoch":1},"attempt":1,"max_attempts":5,"lost":0,"outcome":null,"error":{"class":"permanent","message":"no map"},"rule_version":"route/default@3","arm":"stable","created_at":"2026-03-18T06:01:01Z","run_at":"2026-03-18T06:01:01Z","started_at":"2026-03-18T06:01:02Z","finished_at":"2026-03-18T06:01:05Z","queue_ms":1000,"run_ms":3000,"why_waiting":null,"waiting_code":null,"run":2,"cancel_requested_at":null,"batch_id":null,"result":{"held":"held_mapping_error"},"trace_id":null,"progress":{"fraction":0.4,"note":"scoring","at":"2026-03-18T06:01:05Z"}}"#

    @Test func `a waiting job has all its sample has, and says what holds it back`() throws {
        let (layout, clerk) = frame()
        let view = JobView.page(layout, clerk, job: try node(Self.waiting), once: "k")

        #expect(view.lacks(try Contexts.view("job")) == [])
        #expect(view["waiting"]?["waitTone"] == "warn")
        #expect(view["waiting"]?["waitHref"] == "/console/breakers")
        #expect(view["retry"] == View.nothing && view["cancel"]?["action"] == "/console/jobs/104215/cancel")
        let inChinese = JobView.page(frame(.chinese).0, frame(.chinese).1, job: try node(Self.waiting), once: "k")
        #expect(inChinese["waiting"]?["waitText"] == "dingtalk 不可用：21 of 30 calls failed。将于 2026-03-18 14:33:00 再次试探。")
    }

    @Test func `a failed job has all its sample has, and its time in one bar`() throws {
        let (layout, clerk) = frame()
        let view = JobView.page(layout, clerk, job: try node(Self.failed), once: "k")

        #expect(view.lacks(try Contexts.view("job.failed")) == [])
        #expect(view["spans"]?["parts"]?.items.map { $0["width"] } == ["25", "75"])
        #expect(view["retry"]?["idempotencyKey"] == "k-retry" && view["cancel"] == View.nothing)
        #expect(view["facts"]?.items.contains { $0["factHref"] == "/console/leads/4688" } == true)
    }

    @Test func `a refused form keeps what was typed, and only that form`() throws {
        let (layout, clerk) = frame()
        let job = try node(#"{"id":"7","kind":"probe","state":"retryable","args":{},"attempt":1}"#)
        let refusal = Refusal(
            status: 409, code: "job_running", title: "The job is running", formID: "cancel", draft: Form(["reason": "why not"]))

        let view = JobView.page(layout, clerk, job: job, once: "k", refusal: refusal)

        #expect(view["cancel"]?["reason"] == "why not")
        #expect(view["retry"]?["reason"] == "")
        #expect(view["problem"]?["problemCode"] == "job_running")
        #expect(view["problem"]?["problemAdvice"] == .text(layout.words["advice_job_running"]))
    }

    @Test func `grades of a strategy, pools and fields that every tenant has are said in words, names of the tenant's own as they are`()
        throws
    {
        let (layout, clerk) = frame(.chinese)
        let pooled = #"{"items":[{"id":"1","state":"pooled","pool":"nurture","assignment":{"matched_rule":"strategy.low"}}]}"#

        let row = LeadsView.page(layout, clerk, page: try node(pooled), sellers: SellerNames(nil), query: .init())["leads"]?.items.first

        #expect(row?["owner"] == "线索池 nurture" && row?["rule"] == "低分段策略")
        #expect(LeadWords.rule("own-advisor", layout.words) == "own-advisor")
        #expect(["credit_code", "utm"].map { LeadWords.field($0, layout.words) } == ["统一社会信用代码", "utm"])
        #expect(
            ["high", "mid", "low"].map { LeadWords.rule("strategy.\($0)", .of(.english)) } == [
                "Strategy, high", "Strategy, mid", "Strategy, low",
            ])
    }

    @Test func `what happened in the same second is told in the order in which it was named`() {
        let clerk = frame().1
        var story = Story(clerk)
        story.add(clerk.now.addingTimeInterval(0.9), .plain, "assigned")
        story.add(clerk.now.addingTimeInterval(0.1), .plain, "missed")
        story.add(clerk.now.addingTimeInterval(-0.1), .plain, "received")

        #expect(story.views.map { $0["stepTitle"] } == ["received", "assigned", "missed"])
    }

    @Test func `a refusal is said in the reader's language, down to its fields`() throws {
        let faults = [
            ("weight", "must be from 1 to 1000"), ("rate", "must be a number, not a string"), ("reason", "is required"),
            ("state", "must be one of open, closed"), ("name", "is odd in a way nobody translated"),
        ].map { Refusal.Fault(field: $0.0, message: $0.1) }
        let invalid = Refusal(status: 422, code: "invalid", title: "5 fields are wrong", faults: faults)
        let running = Refusal(status: 409, code: "job_running", title: "The job is running", detail: "It is hers.")
        let (english, chinese) = (Words.of(.english), Words.of(.chinese))

        let said = invalid.view(chinese)
        #expect(said["problemTitle"] == "有字段填写有误")
        #expect(
            said["fieldErrors"]?.items.map { $0["fieldMessage"] } == [
                "必须在 1 到 1000 之间", "必须是数字，而不是文本", "必须填写", "只能是以下之一：open, closed",
                "is odd in a way nobody translated",
            ])
        #expect(invalid.view(english)["fieldErrors"]?.items.map { $0["fieldTitle"] } == ["Weight", "Rate", "Reason", .nothing, "Name"])
        let guarded = Refusal(status: 422, code: "invalid", title: "1", faults: [.init(field: "guards.least_leads", message: "x")])
        #expect(guarded.view(english)["fieldErrors"]?.items.first?["fieldTitle"] == "Least canary leads")
        #expect(invalid.view(english)["fieldErrors"]?.items.first?["fieldMessage"] == "must be from 1 to 1000")
        #expect(running.view(chinese)["problemDetail"] == .text(nil) && running.view(english)["problemDetail"] == "It is hers.")
    }

    @Test(arguments: ["must be a number, not a string", "is required and may not be null"])
    func `whoever types a share that is none is told what one looks like`(message: String) {
        let refusal = Refusal(
            status: 422, code: "invalid", title: "2 fields are wrong",
            faults: [.init(field: "percent", message: message), .init(field: "rate", message: message)])

        let english = refusal.view(.of(.english))["fieldErrors"]?.items.map { $0["fieldMessage"] }
        let chinese = refusal.view(.of(.chinese))["fieldErrors"]?.items.first?["fieldMessage"]

        #expect(english == ["must be a number from 0 to 100, such as 2.5", View.text(message)])
        #expect(chinese == "必须是 0 到 100 之间的数字，例如 2.5")
    }

    @Test(arguments: Language.allCases)
    func `a refusal of a search is in the words of its form, and shows no code`(language: Language) {
        let words = Words.of(language)
        let refusal = Refusal(
            status: 422, code: "invalid", title: "3 fields are wrong",
            faults: [
                .init(field: "state", message: "must be one of open, closed"),
                .init(field: "cursor", message: "must be the next_cursor of an earlier page"),
                .init(field: "since", message: "must be a time such as 2026-01-31T08:00:00Z"),
            ])

        let faults = refusal.view(words, ofSearch: ["state": "word_state", "since": "jobs_since"])["fieldErrors"]?.items

        #expect(faults?.map { $0["fieldTitle"] } == ["word_state", "search_place", "jobs_since"].map { .text(words[$0]) })
        #expect(faults?.map { $0["fieldMessage"] } == ["search_choice", "search_cursor", "search_time"].map { .text(words[$0]) })
    }

    @Test func `the first page of a list that has none at its address keeps what was looked for`() {
        let layout = Layout(.of(.english), theme: .auto, path: "/console/leads?text=a%20b&cursor=zzz&state=held&done=assigned")

        #expect(layout.firstPage == "/console/leads?text=a%20b&state=held")
        #expect(Layout(.of(.english), theme: .auto, path: "/console/leads").firstPage == "/console/leads")
    }

    @Test(arguments: Language.allCases)
    func `a page that could not be read is to be loaded again, and no visitor is told of request headers`(language: Language) {
        let words = Words.of(language)
        var refusal = Refusal(
            status: 503, code: "unavailable", title: "No", detail: "Repeat the request with the same Idempotency-Key.")

        let form = refusal.view(words)
        refusal.isOfReading = true
        let page = refusal.view(words)

        #expect(page["problemAdvice"] == .text(words["advice_read_again"]) && page["problemDetail"] == .nothing)
        #expect(form["problemAdvice"] == .text(words["advice_unavailable"]) && form["problemDetail"] == .nothing)
    }

    @Test(arguments: ["lead_owned", "automatic_assignment"], Language.allCases)
    func `where a box has to be ticked the refusal names it as the page does, which shows it`(code: String, language: Language) {
        let words = Words.of(language)
        let refusal = Refusal(status: 409, code: code, title: "No", detail: #"With "override": true it is given to another."#)

        let view = refusal.view(words)

        #expect(view["problemDetail"] == .nothing && view["isWhole"] == .flag(true))
        #expect(view["problemAdvice"] == .text(words["advice_\(code)", ["box": words["lead_override"]]]))
        #expect(words["advice_\(code)"].contains("{box}"))
    }

    @Test func `a currency a forecast has no deals in is said to be none of its own`() throws {
        let forecast = try node(#"{"forecast":{"totals":[{"currency":"CNY","committed":{"count":1}}]}}"#)
        func fault(_ currency: String?) -> [String] {
            ForecastView.Facts(forecast: forecast, earlier: forecast, sellers: SellerNames(nil), currency: currency).fault?.faults.map(
                \.field) ?? []
        }

        #expect(fault("USD") == ["currency"])
        #expect(fault("CNY") == [] && fault(nil) == [])
    }

    @Test func `a forecast speaks in the currency of most deals, or in the one that is chosen`() throws {
        let (layout, clerk) = frame()
        let totals = { (currency: String, deals: Int) in
            #"{"currency":"\#(currency)","forecast_total_minor":\#(deals * 100),"committed":{"count":\#(deals),"forecast_minor":0}}"#
        }
        func tile(_ totals: String..., in currency: String? = nil) throws -> (label: View?, currencies: [View?]) {
            let forecast = #"{"forecast":{"open":9,"totals":[\#(totals.joined(separator: ","))]}}"#
            let facts = ForecastView.Facts(
                forecast: try node(forecast), earlier: try node(#"{"items":[]}"#), sellers: SellerNames(try node(#"{"items":[]}"#)),
                currency: currency)
            let view = ForecastView.page(layout, clerk, facts, once: "k")
            return (view["tiles"]?.items.first?["tileLabel"], view["currencyOptions"]?.items.map { $0["value"] } ?? [])
        }

        let mixed = try tile(totals("", 0), totals("EUR", 2), totals("CNY", 7))
        #expect(mixed.label == "Forecast, CNY")
        #expect(mixed.currencies == ["CNY", "EUR"], "to choose from: of deals without an amount there is nothing to show")
        #expect(try tile(totals("EUR", 2), totals("CNY", 7), in: "EUR").label == "Forecast, EUR")
        #expect(try tile(totals("CNY", 7), in: "EUR").label == "Forecast, CNY", "where there is none in it")
        #expect(try tile(totals("CNY", 7)).currencies == [])
        #expect(try tile(totals("", 0), totals("CNY", 0)).label == "Forecast, CNY")
        #expect(try tile(totals("", 3)).label == "Forecast")
    }

    @Test(arguments: [
        (#""state":"running""#, "info", "The forecast is being rebuilt", "job"),
        (#""state":"completed","outcome":"unchanged""#, "good", "the figures are the same.", ""),
        (#""state":"completed","outcome":"published""#, "good", "the forecast was 1,000.00 CNY and is 1,200.00 CNY.", ""),
        (#""state":"discarded","error":{"class":"permanent","message":"no deal"}"#, "bad", "was not rebuilt: no deal", ""),
        (#""state":"cancelled""#, "bad", "was not rebuilt: Cancelled", ""),
    ])
    func `a rebuild that was asked for is followed on the page, and says whether the figures moved`(
        job: String, tone: String, said: String, liveOn: String
    ) throws {
        let (layout, clerk) = frame()
        func forecast(_ id: String, _ total: Int) -> String {
            #"{"id":"\#(id)","forecast":{"totals":[{"currency":"CNY","forecast_total_minor":\#(total),"committed":{"count":1}}]}}"#
        }
        var facts = ForecastView.Facts(
            forecast: try node(forecast("2", 120_000)),
            earlier: try node(#"{"items":[\#(forecast("2", 120_000)),\#(forecast("1", 100_000))]}"#), sellers: SellerNames(nil))
        let told = #"{"id":"9","kind":"rebuild_forecast","finished_at":"2026-03-18T06:31:05Z",\#(job)}"#

        facts.rebuild = try node(told)
        let view = ForecastView.page(layout, clerk, facts, once: "k")
        facts.rebuild = try node(told.replacing("rebuild_forecast", with: "probe"))
        let other = ForecastView.page(layout, clerk, facts, once: "k")

        guard case .text(let text)? = view["rebuilt"]?["rebuiltWords"] else {
            Issue.record("nothing is said of it")
            return
        }
        #expect(text.contains(said) && view["rebuilt"]?["rebuiltTone"] == .text(tone))
        #expect(view["liveOn"] == (liveOn.isEmpty ? View.nothing : View.text(liveOn)))
        #expect(other["rebuilt"] == View.nothing)
    }

    @Test func `earlier forecasts speak in the currency of the one that is shown`() throws {
        let (layout, clerk) = frame()
        func forecast(_ id: String, _ day: String, cny: Int?, eur: Int, euroDeals: Int = 1, euroFirst: Bool = true) -> String {
            let euros = #"{"currency":"EUR","forecast_total_minor":\#(eur),"committed":{"count":\#(euroDeals)}}"#
            let yuan = cny.map { #"{"currency":"CNY","forecast_total_minor":\#($0),"committed":{"count":5}}"# }
            let totals = [yuan, euros].compactMap(\.self)
            let list = (euroFirst ? totals.reversed() : totals).joined(separator: ",")
            return #"{"id":"\#(id)","as_of":"2026-03-\#(day)T00:00:00Z","forecast":{"totals":[\#(list)]}}"#
        }
        let earlier = [
            forecast("6", "16", cny: 100_000, eur: 7, euroFirst: false), forecast("5", "15", cny: 80_000, eur: 900_000, euroDeals: 9),
            forecast("4", "14", cny: nil, eur: 600),
        ].joined(separator: ",")
        let facts = ForecastView.Facts(
            forecast: try node(forecast("7", "17", cny: 120_000, eur: 5)), earlier: try node(#"{"items":[\#(earlier)]}"#),
            sellers: SellerNames(nil))

        let view = ForecastView.page(layout, clerk, facts, once: "k")

        #expect(view["earlier"]?.items.map { $0["earlierTotal"] } == ["1,000.00 CNY", "800.00 CNY", "–"])
        #expect(view["earlierChart"]?["chartWords"] == "2 forecasts of the period: from 800.00 to 1,000.00.")
    }

    @Test func `the list of jobs has all its sample has and leads on`() throws {
        let (layout, clerk) = frame()
        var query = JobsView.Query()
        query.kind = "assign lead&x"
        let list = try node(#"{"items":[\#(Self.waiting),\#(Self.failed)],"next_cursor":"104151"}"#)

        let flow = try node(
            #"{"kinds":[{"kind":"assign_lead","completed":[1,0],"failed":[0,1]},{"kind":"escalate","completed":[900,400],"failed":[0,0]},{"kind":"probe","completed":[0],"failed":[0]}]}"#
        )
        let view = JobsView.page(layout, clerk, page: list, flow: flow, kinds: ["probe"], query: query)

        #expect(view.lacks(try Contexts.view("jobs")) == [])
        #expect(view["pager"]?["nextHref"] == "/console/jobs?kind=assign%20lead%26x&cursor=104151")
        #expect(
            view["lately"]?.items.map { $0["kindHref"] } == ["", "?kind=escalate", "?kind=assign_lead"].map { .text("/console/jobs\($0)") })
        #expect(view["lately"]?.items.map { $0["kindCount"] } == [.nothing, "1,300", "2"], "what has ended, the most frequent first")
        let quiet = try node(#"{"kinds":[]}"#)
        let nothing = JobsView.page(
            layout, clerk, page: try node(#"{"items":[],"next_cursor":null}"#), flow: quiet, kinds: [], query: query)
        #expect(nothing["hasLately"] == false)
        #expect(nothing.lacks(try Contexts.view("jobs.empty")) == [])
        #expect(nothing["pager"] == View.nothing && nothing["hasJobs"] == false)
        let ended = ["done", "not_taken", "held_missing_data"].map {
            #"{"id":"1","kind":"probe","state":"completed","outcome":"\#($0)","args":{},"attempt":1,"created_at":"2026-03-18T01:20:00Z"}"#
        }.joined(separator: ",")
        let outcomes = JobsView.page(
            layout, clerk, page: try node(#"{"items":[\#(ended)],"next_cursor":null}"#), flow: quiet, kinds: [], query: query)
        #expect(outcomes["jobs"]?.items.map { $0["state"]?["tone"] } == ["good", "warn", "warn"], "green is what did what it was for")
    }
}
