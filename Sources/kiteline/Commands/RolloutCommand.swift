import ArgumentParser
import Rollouts

struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Changes of rules, let out to a part of the customers first.", subcommands: [Simulate.self])
}
