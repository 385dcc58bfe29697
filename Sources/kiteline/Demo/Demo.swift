import Foundation
import Records
import SalesModel
import Tenancy

/// Three companies of different trades whose leads stream in, are assigned with a written reason, and are touched by their sellers.
///
/// It speaks to the API as any client would; only the live view reads the records of this process.
struct Demo: Sendable {
    let remote: Remote
    let records: Records
    var leadsPerTrade = 300

    /// The first of the companies.
    static let first = Slug(DemoTrade.all[0].slug)!

    /// Sets the tenants up, sends their leads, and tells what happens to them; returns once every lead has got somewhere.
    func run() async throws {
        say("\nThe demo: three companies, \(leadsPerTrade) leads each. What you see is who gets a lead, and why.\n")
        let tenants = try await setUp()
        let start = ContinuousClock.now
        let board = DemoBoard()
        try await withThrowingTaskGroup { group in
            for (trade, tenant) in tenants {
                group.addTask { try await send(trade) }
                group.addTask { try await watch(trade, tenant, board) }
            }
            try await group.waitForAll()
        }
        say(await board.summary(after: ContinuousClock.now - start))
        if let (trade, tenant) = tenants.first { try await LeadStory(at: trade, tenant, remote, records).tell() }
        try await SellerStory(remote, records).tell()
    }

    // MARK: Setting up

    private func setUp() async throws -> [(DemoTrade, TenantID)] {
        var tenants: [(DemoTrade, TenantID)] = []
        for trade in DemoTrade.all {
            guard let slug = Slug(trade.slug) else { preconditionFailure("the demo's slugs are slugs") }
            var tenant = try await records.tenant(slug)
            if tenant == nil {
                var settings = TenantSettings()
                settings.weight = trade.weight
                tenant = try await records.createTenant(slug, settings, by: "demo")
                try await tell(trade)
            }
            guard let tenant else { throw Failure("the tenant \(trade.slug) could not be made") }
            try await records.install(trade.pack, of: tenant.id, by: "demo")
            tenants.append((trade, tenant.id))
            let sellers = trade.sellers
            say("  \(trade.slug): \(sellers.count) sellers, \(sellers.count { $0.status != "active" }) of them not at work")
        }
        say("")
        return tenants
    }

    /// Everything about a company but its leads.
    private func tell(_ trade: DemoTrade) async throws {
        let remote = remote.acting(for: trade.slug)
        for (id, name) in trade.teams { try await remote.put("/v1/teams/\(id)", DemoTeam(name: name)) }
        for seller in trade.sellers {
            try await remote.put(
                "/v1/sellers/\(seller.id)",
                DemoSeller(
                    name: seller.name, team: seller.team, status: seller.status, regions: seller.regions, industries: seller.industries,
                    capacity: 30,
                    weight: seller.weight, newcomer: seller.newcomer))
        }
        for (n, deal) in trade.deals(now: Date()).enumerated() {
            try await remote.put(
                "/v1/opportunities/deal-\(n)",
                DemoDeal(
                    owner: deal.seller, industry: deal.industry, stage: deal.won ? "won" : "lost", won: deal.won,
                    closedAt: deal.closed.formatted(.iso8601)))
        }
    }

    // MARK: Leads and touches

    private func send(_ trade: DemoTrade) async throws {
        let remote = remote.acting(for: trade.slug)
        let run = Int(Date().timeIntervalSince1970)
        for (n, lead) in trade.leads(leadsPerTrade).enumerated() {
            try await remote.post(
                "/v1/leads",
                DemoLead(externalID: "\(run)-\(n)", source: lead.source, receivedAt: Date().formatted(.iso8601), fields: lead.fields))
        }
    }

    /// Reads decisions as they come, shows some of them, and has the sellers touch what they got, so that there is room again.
    private func watch(_ trade: DemoTrade, _ tenant: TenantID, _ board: DemoBoard) async throws {
        let remote = remote.acting(for: trade.slug)
        let since = Date()
        var seen: Set<Int64> = []
        while seen.count < leadsPerTrade {
            let leads = try await records.leads(LeadSearch(), of: tenant, limit: 500).items
            let fresh = leads.filter {
                $0.state != .awaitingAssignment && $0.createdAt >= since.addingTimeInterval(-1) && !seen.contains($0.id)
            }
            for lead in fresh {
                seen.insert(lead.id)
                if let line = await board.note(lead, of: trade) { say(line) }
            }
            let touched = fresh.filter { $0.owner != nil }.map { DemoTouch(lead: $0.externalID, source: $0.source, seller: $0.owner ?? "") }
            if !touched.isEmpty { try await remote.post("/v1/activities", DemoTouches(items: touched)) }
            if fresh.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        }
    }
}

/// Prints at once, whatever is at the other end.
func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// A line of a story.
func tellLine(_ what: String, _ text: String) {
    say("  \(what.padding(toLength: 15, withPad: " ", startingAt: 0)) \(text)")
}
