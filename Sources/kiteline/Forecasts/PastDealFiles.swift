import Forecasts
import Foundation

/// Published histories of sales, as their publishers wrote them; none is part of the project.
struct PastDealFiles {
    let folder: URL

    /// A marketplace winning over shops: real; only beginnings and wins are recorded, without amounts.
    func olist() throws -> PastDeals {
        let folder = folder.appending(path: "olist-marketing-funnel")
        let leads = try DelimitedTable(folder.appending(path: "olist_marketing_qualified_leads_dataset.csv"))
        let closed = try DelimitedTable(folder.appending(path: "olist_closed_deals_dataset.csv"))
        let won = Dictionary(
            closed.rows.compactMap { row in row["mql_id"].flatMap { id in row["won_date"].flatMap { Day($0) }.map { (id, $0) } } },
            uniquingKeysWith: { first, _ in first })
        var segments: [String: Int] = [:]
        let deals = leads.rows.compactMap { row -> PastDeals.Deal? in
            guard let id = row["mql_id"], let began = row["first_contact_date"].flatMap({ Day($0) }) else { return nil }
            let origin = row["origin"] ?? ""
            if segments[origin] == nil { segments[origin] = segments.count }
            let stay = Stay(entered: began, left: won[id], exit: won[id].map { _ in .won }, segment: segments[origin]!)
            return PastDeals.Deal(stays: [stay])
        }
        return try Self.whole("Olist", deals, segments: segments.count)
    }

    /// A maker of computer hardware: made up; wins and losses with their amounts, the list price while open.
    func maven() throws -> PastDeals {
        let folder = folder.appending(path: "maven-crm-opportunities")
        let products = try DelimitedTable(folder.appending(path: "products.csv"))
        let prices = Dictionary(
            products.rows.compactMap { row in
                row["product"].flatMap { name in row["sales_price"].flatMap { Double($0) }.map { (Self.product(name), $0 * 100) } }
            }, uniquingKeysWith: { first, _ in first })
        let segments = Dictionary(uniqueKeysWithValues: prices.keys.sorted().enumerated().map { ($1, $0) })
        let pipeline = try DelimitedTable(folder.appending(path: "sales_pipeline.csv"))
        let deals = pipeline.rows.compactMap { row -> PastDeals.Deal? in
            // What is only being prospected has no dates at all.
            guard let began = row["engage_date"].flatMap({ Day($0) }), let product = row["product"].map(Self.product) else { return nil }
            let exits = ["Won": Exit.won, "Lost": .lost]
            let stay = Stay(
                entered: began, left: row["close_date"].flatMap { Day($0) }, exit: row["deal_stage"].flatMap { exits[$0] },
                segment: segments[product] ?? 0)
            return PastDeals.Deal(
                stays: [stay], expected: prices[product],
                realised: stay.exit == .won ? row["close_value"].flatMap { Double($0) }.map { $0 * 100 } : nil)
        }
        return try Self.whole("Maven", deals, segments: segments.count)
    }

    /// One product is written in two ways.
    private static func product(_ name: String) -> String { name.replacing(" ", with: "") }

    private static func whole(_ name: String, _ deals: [PastDeals.Deal], segments: Int) throws -> PastDeals {
        guard let beginning = deals.map(\.began).max(), let ending = deals.compactMap(\.ended).max() else {
            throw CocoaError(.fileReadCorruptFile, userInfo: [NSLocalizedDescriptionKey: "\(name): no opportunity with an end was found."])
        }
        return PastDeals(name: name, deals: deals, segments: segments, lastBeginning: beginning, lastEnding: ending)
    }
}
