/// What a new connection says first, all at once, and what it makes of the answers.
///
/// It ends with a `PING`, so that a connection counts as made only when the server serves commands: not while it still loads its data.
struct Greeting: Sendable {
    private enum Step {
        case authenticate, select, name, ping
    }

    /// A server that will not have us: trying again cannot help until somebody changes its settings or ours.
    struct Refusal: Error {
        let error: RedisError
    }

    let commands: [RedisCommand]
    private var steps: ArraySlice<Step>
    private let password: String?

    init(_ configuration: RedisConfiguration) {
        var script: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            let user = configuration.user.map { [RedisArgument($0)] } ?? []
            script.append((.authenticate, RedisCommand(["AUTH"] + user + [.string(password)])))
        }
        if configuration.database != 0 { script.append((.select, ["SELECT", configuration.database])) }
        script.append((.name, ["CLIENT", "SETNAME", configuration.clientName]))
        script.append((.ping, ["PING"]))
        commands = script.map(\.1)
        steps = script.map(\.0)[...]
        password = configuration.password
    }

    /// - Returns: whether that was the last answer, and all is well.
    /// - Throws: ``Refusal``, or a ``RedisError`` when a later attempt may succeed.
    mutating func hear(_ reply: RedisValue) throws -> Bool {
        let step = steps.removeFirst()
        if case .error(let text) = reply { try judge(text, at: step) }
        return steps.isEmpty
    }

    private func judge(_ text: String, at step: Step) throws {
        if text.hasPrefix("LOADING") || text.contains("max number of clients") {
            throw RedisError(.connectionLost, "the server is not ready: \(text)")
        }
        let isFatal =
            switch step {
            case .authenticate, .select: true
            case .name: false  // a nicety, which an access list may deny
            case .ping: text.hasPrefix("NOAUTH") || text.hasPrefix("DENIED")
            }
        if isFatal { throw Refusal(error: refusal(text)) }
    }

    /// Some servers repeat the arguments of a command they do not know.
    private func refusal(_ text: String) -> RedisError {
        let safe = if let password, !password.isEmpty { text.replacing(password, with: "***") } else { text }
        return RedisError(.reply(safe), "the server refused the connection: \(safe)")
    }
}
