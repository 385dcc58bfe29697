import Foundation
import ProcessHealth

/// The Monday at which the weeks of the tests begin, and instants after it.
let monday = Week("2026-W10")!.start(in: TimeZone(identifier: "UTC")!)

func hour(_ hours: Double) -> Date { monday + hours * 3_600 }
func day(_ days: Double) -> Date { monday + days * 86_400 }

func counting(weeks: Int = 4, targets: HealthTargets = .standard) -> WeekCounting {
    WeekCounting(Week("2026-W10")!...Week("2026-W10")! + (weeks - 1), in: TimeZone(identifier: "UTC")!, targets: targets)
}

extension WeekCounts {
    /// A week of rates: hits of cases for each dimension.
    static func of(
        conversion: (Int, Int) = (0, 0), rhythm: (Int, Int) = (0, 0), keyActions: (Int, Int) = (0, 0), silences: Int = 0,
        communications: Int = 0, revisions: Int = 0
    ) -> WeekCounts {
        var week = WeekCounts()
        week.conversion = Tally(cases: conversion.1, hits: conversion.0)
        week.rhythm = Tally(cases: rhythm.1, hits: rhythm.0)
        week.keyActions = Tally(cases: keyActions.1, hits: keyActions.0)
        week.silences = silences
        week.communications = communications
        week.revisions = revisions
        return week
    }
}
