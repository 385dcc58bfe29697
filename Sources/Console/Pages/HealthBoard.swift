import Foundation
import JSONEnvelope

/// Sellers beside weeks.
struct HealthBoard {
    /// Where somebody's interval reaches below this, a little less luck might have put them below the base line. Of those at the base line, 100,
    /// nearly every interval reaches a little below it.
    private static let near = 70.0

    private let facts: ProcessHealthView.Facts
    private let clerk: Clerk

    init(_ facts: ProcessHealthView.Facts, _ clerk: Clerk) {
        self.facts = facts
        self.clerk = clerk
    }

    private func isOlder(_ place: Int) -> Bool { place < facts.weeks.count - 4 }

    var weeks: [View] {
        facts.weeks.enumerated().map { place, week in
            ["weekName": .text(week.split(separator: "-").last.map(String.init)), "isOlder": .flag(isOlder(place))]
        }
    }

    func row(_ seller: JSONNode) -> View {
        let id = seller["seller_id"]?.string ?? ""
        let name = facts.sellers.name(id) ?? id
        let known = Dictionary(([seller] + (seller["earlier"]?.elements ?? [])).map { ($0["iso_week"]?.string ?? "", $0) }) { week, _ in
            week
        }
        let weeks = facts.weeks.map { known[$0] }
        let values = weeks.map { $0?["status"]?.string == "ok" ? $0?["spi"]?.double : nil }
        return [
            "sellerHref": .text("#\(Self.anchor(id))"), "sellerName": .text(name),
            "sellerTeam": .text(facts.sellers.teamName(seller["team"]?.string)),
            "cells": .list(weeks.enumerated().map { place, week in cell(week, isOlder: isOlder(place)) }),
            "trend": trend(name, values),
        ]
    }

    /// Of the seller's row further down.
    static func anchor(_ id: String) -> String { "dimensions-\(encoded(id).replacing("%", with: "_"))" }

    private func cell(_ week: JSONNode?, isOlder: Bool) -> View {
        let words = clerk.words
        guard let week, week["status"]?.string == "ok", let index = week["spi"]?.double else {
            return ["cellTone": "few", "cellValue": "–", "cellWords": .text(words["health_few"]), "isOlder": .flag(isOlder)]
        }
        let isBelow = week["below_baseline"]?.bool == true
        let isNear = !isBelow && (week["interval"]?.elements.first?.double ?? 100) < Self.near
        return [
            "cellTone": .text(isBelow ? "bad" : isNear ? "warn" : "good"),
            // 99.7 is no 100.
            "cellValue": .text(clerk.number(isBelow ? index.rounded(.down) : index, decimals: 0)),
            "cellWords": .text(words[isBelow ? "health_below" : isNear ? "health_near" : "health_at"]), "isOlder": .flag(isOlder),
        ]
    }

    private func trend(_ name: String, _ values: [Double?]) -> View {
        let known = values.enumerated().compactMap { place, value in value.map { (place, $0) } }
        guard known.count > 1 else { return .nothing }
        let step = 100 / Double(max(1, values.count - 1))
        return [
            "trendWords": .text(clerk.words["health_trend", ["name": name, "n": String(known.count)]]), "baseY": "0",
            "linePoints": .text(
                known.map { "\(Picture.coordinate(Double($0.0) * step)),\(Picture.coordinate(Picture.height($0.1, of: 100)))" }
                    .joined(separator: " ")),
        ]
    }

    func dimensions(_ seller: JSONNode) -> View {
        let words = clerk.words
        let interval = seller["interval"]?.elements.compactMap(\.double) ?? []
        return [
            "dimensionId": .text(Self.anchor(seller["seller_id"]?.string ?? "")),
            "dimensionSeller": .text(facts.sellers.name(seller["seller_id"]?.string)),
            "dimensionHref": .text(seller["seller_id"]?.string.map(SellerView.href)),
            "spi": .text(seller["spi"]?.double.map { clerk.number($0, decimals: 1) } ?? "–"),
            "interval": .text(interval.map { clerk.number($0, decimals: 1) }.joined(separator: " – ")),
            "rates": .list(
                ["d1", "d2", "d3"].compactMap { seller[$0] }.map { dimension in
                    let (hits, cases) = (dimension["num"]?.integer ?? 0, dimension["den"]?.integer ?? 0)
                    let rate = dimension["rate"]?.double
                    let passes = dimension["pass"]?.bool
                    return [
                        "rateName": .text(words.known("dimension", dimension["name"]?.string ?? "")),
                        "rateState": .chip(
                            passes.map { $0 ? .good : .bad } ?? .idle, rate.map { clerk.percent($0, decimals: 0) } ?? "–"),
                        "rateCases": .text(
                            words[
                                "health_cases",
                                [
                                    "n": String(hits), "of": String(cases),
                                    "target": dimension["target"]?.double.map { clerk.percent($0, decimals: 0) } ?? "–",
                                ]]),
                    ]
                }),
        ]
    }
}
