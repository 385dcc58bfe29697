/// Looks at what cannot be used, at what is misspelt, and at what is not set and should be.
struct SettingsCheckUp {
    private let settings: Settings
    private let environment: [String]

    /// - Parameter environment: the names of all that is set there.
    init(_ settings: Settings, environment: some Sequence<String>) {
        self.settings = settings
        self.environment = Array(environment)
    }

    var findings: [Finding] { faults + misspelt + (settings.faults[.secretKey] == nil ? [secretKey] : []) }

    private var faults: [Finding] {
        Setting.allCases.compactMap { settings.faults[$0] }.map { fault in
            .wrong("setting \(fault.setting.rawValue)", "\(fault.found) (\(fault.value.source))", "set it to \(fault.expected)")
        }
    }

    /// The environment belongs to others too, so a name nobody knows is refused by no command.
    private var misspelt: [Finding] {
        Setting.misspelt(in: environment).map { name in
            let advice = Setting.meant(by: name).map { "did you mean \($0.rawValue)?" } ?? "the settings there are stand above"
            return Finding(check: "setting \(name)", verdict: .doubtful, found: "no setting has that name", advice: advice)
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
