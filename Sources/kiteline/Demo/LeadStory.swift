import Foundation
import Records
import SalesModel
import Tenancy

/// One lead on its whole way: it arrives, is matched, scored and assigned, touched late, escalated, moves through gates, is forecast, and
/// closes. Every line is what the API answered.
struct LeadStory: Sendable {
    private let remote: Remote
    private let records: Records
    private let trade: DemoTrade
    private let tenant: TenantID
    /// Of the lead and its deal; another one each time the demo runs on the same data.
    private let name = "story-\(Int(Date().timeIntervalSince1970))"

    /// - Parameter remote: with a platform key.
    init(at trade: DemoTrade, _ tenant: TenantID, _ remote: Remote, _ records: Records) {
        (self.remote, self.records, self.trade, self.tenant) = (remote.acting(for: trade.slug), records, trade, tenant)
    }

    func tell() async throws {
        say("\nThe story of one lead, at \(trade.slug)\n")
        let lead = try await arrive()
        try await escalate(lead)
        try await moveThroughGates(lead)
    }

    // MARK: Arriving

    /// A lead that came five minutes ago, of a company that is known under another spelling.
    private func arrive() async throws -> LeadAnswer {
        try await remote.put(
            "/v1/customers/erp-1042",
            json: #"{"company": "苏州华东精工机械有限公司", "contact": "王磊", "phone": "13862510417"}"#)
        let received = Date(timeIntervalSinceNow: -5 * 60).formatted(.iso8601)
        let receipt: LeadReceipt = try await remote.post(
            "/v1/leads",
            json: """
                {"external_id": "\(name)", "source": "exhibition", "received_at": "\(received)", "fields": {
                    "company": "华东精工机械（苏州）", "contact": "王磊", "phone": "+86 138-6251-0417",
                    "province": "江苏", "industry_tag": "机械", "source_channel": "展会扫码", "title": "总经理", "needed_in_days": "30",
                    "interactions": "5", "signals": "需求文档", "budget": "480000"}}
                """)
        tellLine("arrives", "from a fair, five minutes ago: 华东精工机械（苏州）, a budget of 480,000 CNY")
        let lead: LeadAnswer = try await remote.wait("for the lead's decision", "/v1/leads/\(receipt.leadId)") {
            $0.state != "awaiting_assignment"
        }
        tellLine("is matched", "to customer \(lead.customerId ?? "–"), known as 苏州华东精工机械有限公司 with the same phone in another form")
        tellLine("is scored", "\(lead.score.map(String.init) ?? "–") of 100, intent \(lead.intentGrade ?? "–")")
        guard let kept = try await records.lead(Int64(receipt.leadId) ?? 0, of: tenant), let owner = lead.owner else {
            throw Failure("the story's lead was not assigned: it is \(lead.state)")
        }
        tellLine("is assigned", "to \(trade.name(of: owner)). \(kept.reasons(in: .english).last ?? "")")
        tellLine("", kept.reasons(in: .chinese).last ?? "")
        return lead
    }

    // MARK: Too late

    private func escalate(_ lead: LeadAnswer) async throws {
        let missed: AnswerPage<EscalationAnswer> = try await remote.wait(
            "for the clock of the first touch", "/v1/escalations", query: ["subject_id": lead.id, "clock": "lead_first_touch"]
        ) { !$0.items.isEmpty }
        for item in missed.items {
            tellLine(
                "is late",
                "\(item.clock) \(item.level), by \(item.lateBy) s: \(item.recipients.map(trade.name).joined(separator: ", ")) hears of it")
        }
        try await remote.post(
            "/v1/activities",
            json:
                #"{"subject": {"type": "lead", "external_id": "\#(name)", "source": "exhibition"}, "type": "touch", "actor": "\#(lead.owner!)"}"#
        )
        let touched: LeadAnswer = try await remote.wait("for the touch", "/v1/leads/\(lead.id)") { $0.touchedAt != nil }
        tellLine("is touched", "by \(trade.name(of: touched.owner)): the clock stops, the manager's eight minutes will not run out")
    }

    // MARK: Through the gates

    private func moveThroughGates(_ lead: LeadAnswer) async throws {
        try await remote.put(
            "/v1/opportunities/\(name)",
            json: """
                {"owner": "\(lead.owner!)", "industry": "机械", "stage": "requirement_diagnosis", "opened_at": "\(Date().formatted(.iso8601))",
                 "amount": {"amount_minor": 48000000, "currency": "CNY"}, "fields": {"contacts": 2, "lead": "\(name)"}}
                """)
        tellLine("becomes a deal", "of 480,000.00 CNY, in requirement_diagnosis")
        for step in Self.steps {
            try await move(to: step)
            if step.to == "quoted" || step.to == "won_confirmed" { try await forecast() }
        }
    }

    /// Tries without the papers first, where there are any, and is told what is missing.
    private func move(to step: Step) async throws {
        let path = "/v1/opportunities/\(name)/transitions"
        let wish = #"{"to": "\#(step.to)"}"#
        if !step.papers.isEmpty {
            do {
                try await remote.post(path, json: wish)
                throw Failure("the gate to \(step.to) let the story through without papers")
            } catch let refusal as Refusal {
                tellLine(
                    "is refused", "\(step.to): " + refusal.fields.map { String($0.message.prefix { $0 != ":" }) }.joined(separator: "; "))
            }
            let items = step.papers.map {
                #"{"subject": {"type": "opportunity", "external_id": "\#(name)"}, "type": "\#($0.type)", "data": \#($0.data)}"#
            }
            try await remote.post("/v1/activities", json: #"{"items": [\#(items.joined(separator: ", "))]}"#)
        }
        try await remote.post(path, json: wish)
        tellLine(step.to == "won_confirmed" ? "closes" : "moves", "to \(step.to)")
    }

    private func forecast() async throws {
        let job: JobReceipt = try await remote.post(
            "/v1/jobs", json: #"{"kind": "rebuild_forecast", "args": {"rolling": "current_quarter"}}"#)
        let done: JobAnswer = try await remote.wait("for the forecast", "/v1/jobs/\(job.id)") {
            ["completed", "discarded"].contains($0.state)
        }
        guard done.state == "completed" else { throw Failure("the forecast was not made: \(done.error?.message ?? done.state)") }
        let answer: ForecastAnswer = try await remote.get("/v1/forecasts/latest")
        let (forecast, now) = (answer.forecast, answer.forecast.totals.first { $0.currency == "CNY" })
        tellLine(
            "is forecast",
            "this quarter \(money(now?.forecastTotalMinor)) from \(forecast.open) open; wins P10 to P90: "
                + "\(forecast.outlook.wins.p10.formatted()) to \(forecast.outlook.wins.p90.formatted())")
        guard forecast.moved.since != nil, let change = forecast.moved.changes.first(where: { $0.currency == "CNY" }) else { return }
        let parts = change.parts.filter { $0.key != "unchanged" && $0.value.amountMinor != 0 }.sorted { $0.key < $1.key }
        guard !parts.isEmpty else { return }
        tellLine(
            "",
            "since the last, what is won leaving what is open: "
                + parts.map { "\($0) \(money($1.amountMinor))" }.joined(separator: ", "))
    }

    private func money(_ minor: Int64?) -> String {
        guard let minor else { return "–" }
        return (Double(minor) / 100).formatted(.number.precision(.fractionLength(2)).locale(Locale(identifier: "en"))) + " CNY"
    }
}

// MARK: - The papers each gate asks for

extension LeadStory {
    fileprivate struct Step {
        var to: String
        var papers: [(type: String, data: String)] = []
    }

    fileprivate static var steps: [Step] {
        func upload(_ document: String) -> (String, String) { ("upload", #"{"document": "\#(document)"}"#) }
        let checklist = ["contract_version", "payment_account", "delivery_schedule", "integration_assessment", "commission_review"].map {
            ("checklist_item", #"{"item": "\#($0)", "has_proof": true, "approved": true}"#)
        }
        let evidence = ["contract_signed", "first_payment", "acceptance", "service_start"].map {
            ("evidence", #"{"kind": "\#($0)", "verified": true}"#)
        }
        return [
            Step(
                to: "requirement_confirmation",
                papers: [upload("meeting_minutes"), upload("pain_points"), upload("competitor_comparison")]),
            Step(to: "solution_discussion"),
            Step(to: "solution_confirmation", papers: [("upload", #"{"document": "requirement_confirmation", "signed": true}"#)]),
            Step(to: "quoted", papers: [("quotation", #"{"configuration_sheet": "sheet-7"}"#)]),
            Step(to: "contract_negotiation", papers: [("review", #"{"subject": "legal_risk", "result": "passed"}"#)]),
            Step(to: "about_to_sign"),
            Step(
                to: "signed",
                papers: checklist + [
                    upload("contract"), ("review", #"{"subject": "contract", "by_role": "finance", "result": "passed"}"#),
                ]),
            Step(to: "won_confirmed", papers: evidence),
        ]
    }
}
