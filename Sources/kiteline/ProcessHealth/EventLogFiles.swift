import CZlib
import Foundation
import ProcessHealth

/// Public event logs as their publishers wrote them; none is part of the project.
struct EventLogFiles {
    let folder: URL

    /// An Italian software company's help desk, 2010 to 2014. `Closed` comes by itself 30 days after the solution, and so is left out.
    func helpdesk() throws -> EventLog? {
        let table = try table("helpdesk-italian-events/helpdesk.csv")
        var waiting: Set<String> = []
        let events = table.rows.compactMap { row -> EventLog.Event? in
            guard let matter = row["case:concept:name"], let agent = row["Resource"], let activity = row["Activity"],
                let at = row["time:timestamp"].flatMap(Self.timestamp), activity != "Closed"
            else { return nil }
            let isAnswer = waiting.remove(matter) != nil
            let kind: EventLog.Event.Kind =
                switch activity {
                case "Resolve ticket": .solved
                case "Require upgrade", "Create SW anomaly": .revised
                case "Wait": .asked
                default: isAnswer ? .answered : .work
                }
            if activity == "Wait" { waiting.insert(matter) }
            return EventLog.Event(matter: matter, agent: agent, at: at, kind: kind)
        }
        return EventLog(name: "help desk log", events, solveDays: 14, zone: Self.zone)
    }

    /// A company's incident log, 2016. Whether a service level was kept is said by an incident's last entry.
    func incidents() throws -> EventLog? {
        let table = try table("servicenow-incidents-sample/incident_event_log_dev.csv")
        let events = Dictionary(grouping: table.rows) { $0["number"] ?? "" }.flatMap { matter, rows -> [EventLog.Event] in
            guard let agent = rows.compactMap({ $0["assigned_to"] }).last(where: { $0 != "?" }) else { return [] }
            var isAsked = false
            var events = rows.compactMap { row -> EventLog.Event? in
                guard let at = row["sys_updated_at"].flatMap(Self.dayFirst) else { return nil }
                defer { isAsked = row["incident_state"] == "Awaiting User Info" }
                let kind: EventLog.Event.Kind = row["incident_state"] == "Awaiting User Info" ? .asked : isAsked ? .answered : .work
                return EventLog.Event(matter: matter, agent: agent, at: at, kind: kind)
            }
            if let solved = rows.last?["resolved_at"].flatMap(Self.dayFirst) {
                events.removeAll { $0.at > solved }
                events.append(
                    EventLog.Event(matter: matter, agent: agent, at: solved, kind: .solved, isKept: rows.last?["made_sla"] == "true"))
            }
            return events
        }
        return EventLog(name: "incident log", events, solveDays: 3, zone: Self.zone)
    }

    private static let zone = TimeZone(identifier: "UTC")!

    /// `2010-01-13 08:40:25+00:00`
    private static func timestamp(_ text: String) -> Date? {
        let parts = text.prefix(19).split(whereSeparator: { "- :".contains($0) }).compactMap { Int($0) }
        return parts.count == 6 ? date(parts) : nil
    }

    /// `29/2/2016 07:08`
    private static func dayFirst(_ text: String) -> Date? {
        let parts = text.split(whereSeparator: { "/ :".contains($0) }).compactMap { Int($0) }
        return parts.count == 5 ? date([parts[2], parts[1], parts[0], parts[3], parts[4], 0]) : nil
    }

    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }()

    private static func date(_ parts: [Int]) -> Date? {
        calendar.date(
            from: DateComponents(year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4], second: parts[5]))
    }

    /// A table that lies there as it is or packed by gzip.
    private func table(_ path: String) throws -> DelimitedTable {
        let plain = folder.appending(path: path)
        let packed = folder.appending(path: path + ".gz")
        let file = FileManager.default.fileExists(atPath: plain.path) ? plain : packed
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw SetUpError("There is neither \(plain.path) nor \(path).gz beside it; --data names the folder of both logs.")
        }
        return DelimitedTable(text: try Self.text(of: file))
    }

    /// The library reads what is packed and what is not.
    private static func text(of file: URL) throws -> String {
        guard let handle = gzopen(file.path, "rb") else { throw SetUpError("\(file.path) cannot be opened.") }
        defer { gzclose(handle) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = gzread(handle, &part, UInt32(part.count))
            guard count >= 0 else { throw SetUpError("\(file.path) is damaged.") }
            if count == 0 { break }
            bytes += part[..<Int(count)]
        }
        var text = Substring(decoding: bytes, as: UTF8.self)
        if text.first == "\u{FEFF}" { text = text.dropFirst() }
        return String(text)
    }
}
