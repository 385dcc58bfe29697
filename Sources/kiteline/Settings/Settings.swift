import CrashPoints
import Foundation
import Logging
import Telemetry

/// The effective settings: for each the first of flag, environment, file, a `kiteline dev` running here, standard.
struct Settings: Sendable {
    enum Source: Sendable, Hashable, CustomStringConvertible {
        case flag, environment, standard
        case file(String)
        case dev(String)

        var description: String {
            switch self {
            case .flag: "flag"
            case .environment: "environment"
            case .standard: "standard"
            case .file(let path): path
            case .dev(let path): path
            }
        }
    }

    struct Value: Sendable, Hashable {
        let text: String
        let source: Source
    }

    /// A value that is not what its setting takes.
    struct Fault: Sendable, Hashable {
        let setting: Setting
        let value: Value
        /// What would be right.
        let expected: String

        var found: String { value.text.isEmpty ? "empty" : "\"\(setting.masked(value.text))\"" }

        fileprivate var error: SettingError { SettingError("\(setting.rawValue) (\(value.source)) is \(found); expected \(expected)") }
    }

    private var values: [Setting: Value] = [:]
    private(set) var faults: [Setting: Fault] = [:]
    private let isBesideDev: Bool

    init(
        flags: [Setting: String] = [:], environment: [String: String], file: SettingsFile? = nil, dev: ReadyFile? = nil,
        devPath: String = ""
    ) throws {
        self = try Settings(lookingAt: flags, environment: environment, file: file, dev: dev, devPath: devPath).checked()
    }

    /// For those who look at the settings first: of what cannot be used the fault is kept, and the standard stands in for it.
    init(
        lookingAt flags: [Setting: String], environment: [String: String], file: SettingsFile? = nil, dev: ReadyFile? = nil,
        devPath: String = ""
    ) {
        isBesideDev = dev != nil
        for setting in Setting.allCases {
            let candidates: [Value?] = [
                flags[setting].map { Value(text: $0, source: .flag) },
                environment[setting.rawValue].map { Value(text: $0, source: .environment) },
                file.flatMap { file in file.values[setting].map { Value(text: $0, source: .file(file.path)) } },
                dev.flatMap { values.shared(setting, of: $0) }.map { Value(text: $0, source: .dev(devPath)) },
                setting.standard.map { Value(text: $0, source: .standard) },
            ]
            guard let value = candidates.compactMap(\.self).first else { continue }
            faults[setting] = setting.fault(in: value)
            values[setting] = faults[setting] == nil ? value : setting.standard.map { Value(text: $0, source: .standard) }
        }
    }

    /// Refuses every fault, also of settings this command does not use: a typo is found at the first start.
    func checked() throws -> Settings {
        for setting in Setting.allCases { if let fault = faults[setting] { throw fault.error } }
        return self
    }

    func value(of setting: Setting) -> Value? { values[setting] }

    mutating func set(_ setting: Setting, to text: String, from source: Source) throws {
        let value = Value(text: text, source: source)
        if let fault = setting.fault(in: value) { throw fault.error }
        values[setting] = value
    }

    func text(_ setting: Setting) throws -> String {
        guard let value = values[setting] else {
            let advice =
                isBesideDev
                ? "; the `kiteline dev` that runs in this folder is another's. Set it."
                : "; and no `kiteline dev` runs in this folder. Set it, or start `kiteline dev` here, or name the data of one that runs with --data-dir."
            throw SettingError("\(setting.rawValue) is not set: \(setting.summary)\(advice)")
        }
        return value.text
    }

    /// Nil when it is not set and may be left out.
    func optional(_ setting: Setting) -> String? { values[setting]?.text }

    func count(_ setting: Setting) throws -> Int {
        guard let count = Int(try text(setting)) else { preconditionFailure("\(setting) was checked to be a count") }
        return count
    }

    func duration(_ setting: Setting) throws -> Duration {
        guard let seconds = Double(try text(setting)) else { preconditionFailure("\(setting) was checked to be seconds") }
        return .seconds(seconds)
    }

    func share(_ setting: Setting) throws -> Double {
        guard let share = Double(try text(setting)) else { preconditionFailure("\(setting) was checked to be a part") }
        return share
    }

    func durationsByName(_ setting: Setting) throws -> [String: Duration] {
        guard let seconds = Self.secondsByName(try text(setting)) else {
            preconditionFailure("\(setting) was checked to be seconds by name")
        }
        return seconds.mapValues { .seconds($0) }
    }

    /// Nil when it is none.
    fileprivate static func secondsByName(_ text: String) -> [String: Double]? {
        var seconds: [String: Double] = [:]
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, !parts[0].isEmpty, let value = Double(parts[1]), value > 0, value.isFinite, value < 1e9 else {
                return nil
            }
            seconds[parts[0]] = value
        }
        return seconds
    }

    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label)
        if values[.logFormat]?.text == LogFormat.json.rawValue { logger.handler = JSONLogHandler(label: label) }
        if let level = values[.logLevel].flatMap({ Logger.Level(rawValue: $0.text) }) { logger.logLevel = level }
        return logger
    }
}

extension Setting {
    fileprivate func fault(in value: Settings.Value) -> Settings.Fault? {
        let text = value.text
        let expected: String? =
            switch shape {
            case .text: text.utf8.count <= 1_000 ? nil : "1,000 bytes at most"
            case .url, .secret: text.isEmpty ? "something" : nil
            case .count(let range): Int(text).map(range.contains) == true ? nil : "a number from \(range.lowerBound) to \(range.upperBound)"
            case .seconds(let range):
                Double(text).map(range.contains) == true ? nil : "seconds, from \(range.lowerBound) to \(range.upperBound)"
            case .choice(let choices): choices.contains(text) ? nil : "one of " + choices.joined(separator: ", ")
            case .share(let range):
                Double(text).map(range.contains) == true ? nil : "a part, from \(range.lowerBound) to \(range.upperBound)"
            case .secondsByName: Settings.secondsByName(text) != nil ? nil : "name=seconds,… with seconds above 0"
            case .secretKey: Data(base64Encoded: text)?.count == 32 ? nil : "32 random bytes in Base64 (openssl rand -base64 32)"
            case .crashPlan:
                CrashPlan(text) != nil
                    ? nil : "point[:time],… with points of " + CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
            }
        return expected.map { Settings.Fault(setting: self, value: value, expected: $0) }
    }

    /// The value with what must not be shown left out.
    func masked(_ text: String) -> String {
        switch shape {
        case _ where text.isEmpty: ""
        case .secret: String(text.prefix(9)) + "…"
        case .secretKey: "***"
        case .text, .count, .seconds, .choice, .crashPlan, .share, .secondsByName: text
        case .url: withoutPassword(text)
        }
    }

    private func withoutPassword(_ text: String) -> String {
        text.replacing(/(:\/\/[^:@\/?]*):[^@]*@/) { "\($0.1):***@" }
            .replacing(/(?i)(password=)('[^']*'|[^&\s]*)/) { "\($0.1)***" }
    }
}

extension [Setting: Settings.Value] {
    /// What a running dev says of a setting. What is secret goes only where it belongs: its key to its own API, and what seals connectors'
    /// secrets to who works on its own Postgres.
    fileprivate func shared(_ setting: Setting, of dev: ReadyFile) -> String? {
        let place: Setting? =
            switch setting {
            case .key: .apiURL
            case .secretKey, .localTargets: .postgresURL
            default: nil
            }
        // Places stand before what belongs to them, so they are known here.
        guard place.map({ self[$0]?.text == dev.value(of: $0) }) ?? true else { return nil }
        return dev.value(of: setting)
    }
}
