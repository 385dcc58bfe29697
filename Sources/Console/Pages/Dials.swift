import Foundation
import JSONEnvelope

/// What an operator turns here. Nothing for anybody else.
struct Dials {
    let layout: Layout
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    var isOperator: Bool { layout.may(.operator) }

    private func control(_ id: String, _ path: String) -> Control {
        Control(id, action: Layout.path(path), once: once, refusal: refusal)
    }

    func fuse(isOpen: Bool) -> View {
        guard isOperator else { return .nothing }
        let wanted = isOpen ? "closed" : "open"
        return control("fuse", "fuses/assignment").view([
            "isUrgent": .flag(isOpen || refusal?.formID == "fuse"), "wanted": .text(wanted),
            "fuseLabel": .text(words[isOpen ? "fuse_do_close" : "fuse_do_open"]),
            "fuseConsequence": .text(words[isOpen ? "fuse_close_consequence" : "fuse_open_consequence"]), "isDanger": .flag(!isOpen),
        ])
    }

    func breaker(_ name: String, isClosed: Bool, place: Int) -> View {
        guard isOperator else { return .nothing }
        let action = isClosed ? "open" : "close"
        return control("b\(place)", "breakers/\(encoded(name))/\(action)").view([
            "breakerLabel": .text(words["breaker_do_\(action)"]),
            "breakerConsequence": .text(words["breaker_\(action)_consequence", ["name": name]]), "isDanger": .flag(isClosed),
        ])
    }

    func end(alert id: String, of subject: String) -> View {
        guard isOperator else { return .nothing }
        return control("alert-\(id)", "alerts/\(encoded(id))/resolve").view([
            "endLabel": .text(words["alert_end"]), "endSubject": .text(subject), "isRefused": .flag(isRefused(alert: id)),
            "newest": .nothing,
        ])
    }

    /// Ends all of a code that there were when the page was made.
    func endAll(of code: String, name: String, count: String, newest: String) -> View {
        guard isOperator else { return .nothing }
        let id = "alerts-\(code)"
        return control(id, "alert-codes/\(encoded(code))/resolve").view([
            "endLabel": .text(words["alert_end_all", ["n": count]]), "endSubject": .text(name), "isRefused": .flag(refusal?.formID == id),
            "newest": .text(newest),
        ])
    }

    /// Whether ending it has just been refused.
    func isRefused(alert id: String?) -> Bool { id != nil && refusal?.formID == id.map { "alert-\($0)" } }

    func resume(kind: String) -> View {
        isOperator ? control("resume-\(kind)", "queues/\(encoded(kind))/resume").view() : .nothing
    }

    func resume(dependency name: String, place: Int) -> View {
        isOperator ? control("p\(place)", "dependencies/\(encoded(name))/resume").view() : .nothing
    }

    func hold(kinds: [String], dependencies: [String]) -> View {
        guard isOperator else { return .nothing }
        let control = control("hold", "holds")
        let options =
            kinds.map { ("kind:\($0)", words["hold_kind", ["name": words.known("kind", $0)]]) }
            + Set(dependencies).sorted().map { ("dependency:\($0)", words["hold_dependency", ["name": $0]]) }
        return options.isEmpty ? .nothing : control.view(["holdOptions": .list(Option.list(options, chosen: control.draft("what")))])
    }
}
