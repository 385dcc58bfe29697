import Foundation
import JSONEnvelope

/// What an operator can do with a rollout, each with what follows from it.
struct RolloutControls {
    let layout: Layout
    let clerk: Clerk
    let rollout: JSONNode
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var isOpen: Bool { RolloutWords.isRunning(rollout) && layout.may(.operator) }
    private var path: String { Layout.path("rollouts/\(rollout["id"]?.string ?? "")") }
    private var version: String { RolloutWords.number(rollout["arms"]?["canary"]?["version"]) }
    private var stable: String { RolloutWords.number(rollout["arms"]?["stable"]?["version"]) }

    /// Why nothing can be done here; nothing where something can.
    var none: View {
        if !RolloutWords.isRunning(rollout) { return .text(words["rollout_no_controls_ended"]) }
        return layout.may(.operator) ? .nothing : .text(words["rollout_no_controls_role"])
    }

    var percent: View {
        guard isOpen else { return .nothing }
        let control = Control("percent", action: "\(path)/percent", once: once, refusal: refusal)
        let now = RolloutWords.number(rollout["percent"])
        let isShadow = rollout["state"]?.string == "shadow"
        // From the shadow there is no way back to it: 0 % would take the change back, for which there is another form.
        let steps = (isShadow ? [] : ["0"]) + ["1", "5", "20", "50", "100"]
        // The share it has, so that another one is somebody's choice; from the shadow none is chosen for them.
        let chosen = control.draft("percent", isShadow ? "" : steps.contains(now) ? now : "other")
        return control.view([
            "percentNow": .text(said("rollout_percent_now", words.percent(now))), "percentTitle": .text(said("rollout_percent")),
            "sticky": .text(said("rollout_sticky")), "setSure": .text(said("rollout_set_sure")),
            "percentOptions": .list(
                steps.map { step in
                    [
                        "value": .text(step), "optionLabel": .text(words.percent(step)), "consequence": .text(consequence(of: step)),
                        "isChosen": .flag(step == chosen),
                    ]
                }),
            "isOther": .flag(chosen == "other"), "otherPercent": .text(control.draft("otherPercent", chosen == "other" ? now : "")),
        ])
    }

    private func consequence(of percent: String) -> String {
        switch percent {
        case "0": takingBack("rollout_percent_0")
        case "100": said("rollout_percent_100")
        default: said("rollout_percent_some", words.percent(percent))
        }
    }

    private func said(_ name: String, _ percent: String = "") -> String {
        RolloutWords.said(name, of: rollout, words, ["percent": percent, "version": version, "stable": stable])
    }

    /// Before the first model there is none to go back to.
    private func takingBack(_ name: String) -> String {
        RolloutWords.isFirst(rollout) ? words["\(name)_first", ["version": version]] : said(name)
    }

    var promote: View {
        guard isOpen else { return .nothing }
        let isReady = rollout["decision"]?.string == "promotable"
        return Control("promote", action: "\(path)/promote", once: once, refusal: refusal).view([
            "isReady": .flag(isReady),
            "promoteConsequence": .text(words[isReady ? "rollout_promote_ready" : "rollout_promote_early", ["version": version]]),
        ])
    }

    var abort: View {
        guard isOpen else { return .nothing }
        return Control("abort", action: "\(path)/abort", once: once, refusal: refusal).view([
            "abortConsequence": .text(takingBack("rollout_abort_consequence"))
        ])
    }
}
