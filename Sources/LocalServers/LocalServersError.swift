/// Why the private servers could not be started. The description says what to do.
public enum LocalServersError: Error, Sendable, CustomStringConvertible {
    /// A program is not installed; `package` is Debian's name for it.
    case missing(program: String, package: String)

    /// Another process uses the data folder.
    case inUse(directory: String, pid: Int32?)

    /// The servers' user cannot get to `folder`, which holds or is the data folder.
    case unreachable(directory: String, folder: String, user: String)

    /// The data were created by somebody else.
    case foreignOwner(path: String, owner: String, user: String)

    /// A system call failed.
    case system(String, code: Int32)

    /// A program ended or did not get ready; with the end of what it wrote.
    case failed(program: String, reason: String, log: String)

    /// Whether the cause is the set-up of this machine or the arguments, not the servers themselves.
    public var isSetUp: Bool {
        switch self {
        case .missing, .inUse, .unreachable, .foreignOwner: true
        case .system, .failed: false
        }
    }

    public var description: String {
        switch self {
        case .missing(let program, let package):
            "\(program) is not installed. Install it with: apt-get install \(package)"
        case .inUse(let directory, let pid):
            "\(directory) is in use by \(pid.map { "process \($0)" } ?? "another process"). Stop it, or choose another folder."
        case .unreachable(let directory, let folder, let user):
            "The servers run as user \(user), who cannot enter \(folder). Choose a data folder outside it instead of \(directory), or allow it: chmod o+x \(folder)"
        case .foreignOwner(let path, let owner, let user):
            "\(path) belongs to user \(owner), but the servers would run as \(user). Start as the user who created it, or choose another folder."
        case .system(let what, let code):
            "\(what): \(errorText(code))"
        case .failed(let program, let reason, let log):
            log.isEmpty ? "\(program) \(reason)" : "\(program) \(reason). The end of its log:\n\(log)"
        }
    }
}
