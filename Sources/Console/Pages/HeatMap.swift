import Foundation
import JSONEnvelope

/// When in the week leads are touched late: a cell for each quarter of an hour that had leads.
struct HeatMap {
    private struct Cell {
        let weekday: Int
        let slot: Int
        /// Of which it is known whether they were touched in time.
        let leads: Int
        let late: Int
        /// Whether the clock runs for one of which it is not known.
        let isRunning: Bool
        let isGreyed: Bool

        init?(_ node: JSONNode) {
            // `12:30`
            let time = (node["slot"]?.string ?? "").split(separator: ":").compactMap { Int($0) }
            guard time.count == 2, let day = node["weekday"]?.integer, (1...7).contains(day) else { return nil }
            weekday = Int(day)
            slot = time[0] * 4 + time[1] / 15
            let open = Int(node["open"]?.integer ?? 0)
            leads = Int(node["leads"]?.integer ?? 0) - open
            isRunning = open > Int(node["unclocked"]?.integer ?? 0)
            late = Int(node["late"]?.integer ?? 0)
            isGreyed = node["greyed"]?.bool == true
        }

        var share: Double { leads == 0 ? 0 : Double(late) / Double(leads) }
    }

    private let cells: [Cell]
    private let clerk: Clerk

    init(_ map: JSONNode, _ clerk: Clerk) {
        cells = (map["cells"]?.elements ?? []).compactMap(Cell.init)
        self.clerk = clerk
    }

    var view: View {
        // From the first whole hour with leads to the end of the last.
        guard var first = cells.map(\.slot).min().map({ $0 / 4 }), var last = cells.map(\.slot).max().map({ $0 / 4 + 1 }) else {
            return .nothing
        }
        // A single hour across the whole picture would look like a day.
        last = min(24, max(last, first + 6))
        first = min(first, last - 6)
        let (from, to) = (first, last)
        let words = clerk.words
        let width = 100 / Double((to - from) * 4)
        let days = (1...7).map { words["day_\($0)"] }
        let worst = cells.filter { !$0.isGreyed && $0.late > 0 }.sorted {
            ($1.share, $1.leads, $0.weekday, $0.slot) < ($0.share, $0.leads, $1.weekday, $1.slot)
        }.prefix(5)
        return [
            "chartWords": .text(words["heat_words", ["from": hour(from), "to": hour(to)]]), "yLabels": .list(days.map { .text($0) }),
            "xLabels": .list((from...to).map { .text(String(hour($0).prefix(2))) }),
            "cells": .list(
                cells.map { cell in
                    [
                        "x": .text(Picture.coordinate(Double(cell.slot - from * 4) * width)), "width": .text(Picture.coordinate(width)),
                        "y": .text(Picture.coordinate(Double(cell.weekday - 1) * 100 / 7)), "height": .text(Picture.coordinate(100.0 / 7)),
                        "cellTone": .text(tone(cell)), "cellWords": .text(said(cell, days)),
                    ]
                }),
            "hasWorst": .flag(!worst.isEmpty),
            "worstSlots": .list(
                worst.map { cell in
                    [
                        "slotName": .text("\(days[cell.weekday - 1]) \(time(cell.slot))"), "slotLeads": .text(clerk.number(cell.leads)),
                        "slotLate": .text(clerk.number(cell.late)), "slotShare": .text(clerk.percent(cell.share)),
                        "slotX": .text(Picture.length(cell.share)),
                    ]
                }),
        ]
    }

    private func tone(_ cell: Cell) -> String {
        guard cell.leads > 0 else { return cell.isRunning ? "unknown" : "unclocked" }
        if cell.isGreyed { return "few" }
        return cell.late == 0 ? "heat-0" : "heat-\(min(5, Int(cell.share * 5) + 1))"
    }

    private func said(_ cell: Cell, _ days: [String]) -> String {
        let at = "\(days[cell.weekday - 1]) \(time(cell.slot))"
        guard cell.leads > 0 else { return clerk.words[cell.isRunning ? "heat_cell_unknown" : "heat_cell_unclocked", ["at": at]] }
        return clerk.words["heat_cell", ["at": at, "late": "\(cell.late)", "leads": "\(cell.leads)"]]
    }

    private func time(_ slot: Int) -> String { "\(slot < 40 ? "0" : "")\(slot / 4):\(["00", "15", "30", "45"][slot % 4])" }
    private func hour(_ hour: Int) -> String { "\(hour < 10 ? "0" : "")\(hour):00" }
}
