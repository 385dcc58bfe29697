import Foundation
import JSONEnvelope

/// Choices of a list to pick from.
enum Option {
    /// - Parameter all: the label of what leaves it open; nil: something has to be picked.
    static func list(_ choices: [(value: String, label: String)], chosen: String, all: String? = nil) -> [View] {
        ((all.map { [(value: "", label: $0)] } ?? []) + choices).map { choice in
            ["value": .text(choice.value), "optionLabel": .text(choice.label), "isChosen": .flag(choice.value == chosen)]
        }
    }
}
