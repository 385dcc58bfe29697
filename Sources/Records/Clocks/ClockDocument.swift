import Clocks
import Foundation
import JSONEnvelope
import PostgresClient
import Rules
import SalesModel

/// A subject's clocks as they are kept with it and shown by the API: a JSON array.
enum ClockDocument {
    static func json(_ verdict: ClockVerdict) -> JSONBytes {
        JSONBytes(
            JSONWriter.array { list in
                for reading in verdict.readings where reading.state != .void || reading.start != nil {
                    list.object { item in
                        item.member("clock", reading.clock)
                        item.member("state", reading.state.word)
                        item.member("started_at", reading.start)
                        if case .met(let at) = reading.state { item.member("met_at", at) }
                        item.array("levels") { levels in
                            for level in reading.levels {
                                levels.object { item in
                                    item.member("level", level.id)
                                    item.member("due_at", level.dueAt)
                                    if level.isProvisional { item.member("provisional", true) }
                                    if let lateBy = level.lateBy { item.member("late_by", lateBy) }
                                    if verdict.history[reading.clock]?.contains(level.id) == true { item.member("history", true) }
                                }
                            }
                        }
                    }
                }
            })
    }

    /// What the document of a subject contains while a clock runs for it.
    static func running(_ clock: String) -> JSONBytes {
        JSONBytes(
            JSONWriter.array { list in
                list.object { item in
                    item.member("clock", clock)
                    item.member("state", ClockReading.State.running.word)
                }
            })
    }

    /// Those a decision armed, before anybody has looked.
    static func json(_ clocks: [LeadClock]) -> JSONBytes {
        var names: [String] = []
        for clock in clocks where !names.contains(clock.clock) { names.append(clock.clock) }
        return JSONBytes(
            JSONWriter.array { list in
                for name in names {
                    list.object { item in
                        item.member("clock", name)
                        item.member("state", ClockReading.State.running.word)
                        item.array("levels") { levels in
                            for clock in clocks where clock.clock == name {
                                levels.object { item in
                                    item.member("level", clock.level)
                                    item.member("due_at", clock.dueAt)
                                }
                            }
                        }
                    }
                }
            })
    }
}

extension ClockReading.State {
    /// As the API says it.
    var word: String {
        switch self {
        case .notStarted: "not_started"
        case .running: "running"
        case .met: "met"
        case .void: "void"
        case .unknown: "unknown"
        }
    }
}
