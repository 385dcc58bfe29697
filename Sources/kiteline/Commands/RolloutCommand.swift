import ArgumentParser
import Rollouts

struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Changes of rules, let out to a part of the customers first.",
        subcommands: [Start.self, Set.self, Promote.self, Abort.self, Show.self, Simulate.self])
}
