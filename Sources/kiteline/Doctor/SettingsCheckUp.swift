/// Looks at what cannot be used, and at what is not set and should be.
struct SettingsCheckUp {
    private let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    var findings: [Finding] { faults + (settings.faults[.secretKey] == nil ? [secretKey] : []) }

    private var faults: [Finding] {
        Setting.allCases.compactMap { settings.faults[$0] }.map { fault in
            .wrong("setting \(fault.setting.rawValue)", "\(fault.found) (\(fault.value.source))", "set it to \(fault.expected)")
        }
    }

    /// Never shown; that it is the same everywhere, each process has to see to itself.
    private var secretKey: Finding {
        let value = settings.value(of: .secretKey)
        return .judge(
            "secret key", value.map { "set (\($0.source))" } ?? "not set", value != nil, else: .doubtful,
            "a process without it sends no messages to the outside and takes no connectors: set KITELINE_SECRET_KEY (openssl rand -base64 32), the same for every process"
        )
    }
}
