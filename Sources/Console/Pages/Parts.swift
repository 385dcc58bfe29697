import Foundation
import JSONEnvelope
import SalesModel

// What more than one page is made of.

extension View {
    /// A figure with its name and a word on it, for the tiles above a page.
    static func tile(_ label: String, _ value: String, _ note: String, _ tone: Tone = .plain) -> View {
        ["tileTone": .text(tone.rawValue), "tileLabel": .text(label), "tileValue": .text(value), "tileNote": .text(note)]
    }

    /// A name and a value, for lists of facts; nil where the value is not known.
    static func fact(_ label: String, _ value: String?, href: String? = nil) -> View? {
        value.map { ["factLabel": .text(label), "factValue": .text($0), "factHref": .text(href)] }
    }

    /// Something that happened, as `Story` shows it.
    ///
    /// - Parameter link: where it is told in full.
    static func step(
        _ at: Date?, _ tone: Tone, _ title: String, detail: String? = nil, link: (href: String, label: String)? = nil, _ clerk: Clerk
    ) -> View {
        [
            "stepTone": .text(tone.rawValue), "stepTitle": .text(title), "stepIso": .text(at.map(RFC3339.text)),
            "stepClock": .text(at.map { clerk.full($0) }), "stepDetail": .text(detail), "stepHref": .text(link?.href),
            "stepLinkLabel": .text(link?.label),
        ]
    }
}

extension Clerk {
    /// The part that failed; a dash where there is none to be judged.
    func failures(_ share: Double?) -> String { share.map { percent($0) } ?? "–" }

    /// What jobs failed by: an error class, or the outcome that counts as a failure.
    func cause(_ cause: String) -> (name: String, meaning: String?) {
        guard let name = words.all["class_\(cause)"] else { return (words.known("outcome", cause), nil) }
        return (name, words.all["class_\(cause)_aside"] ?? words.all["class_\(cause)_meaning"])
    }
}

extension Tone {
    /// How bad it is when this part of the jobs failed.
    static func ofFailures(_ share: Double?) -> Tone { (share ?? 0) >= 0.2 ? .bad : (share ?? 0) > 0.02 ? .warn : .plain }
}

/// What happened, by its time as it is shown; what happened in the same second, in the order in which it was named.
struct Story {
    let clerk: Clerk
    private var steps: [(at: Date, view: View)] = []

    init(_ clerk: Clerk) { self.clerk = clerk }

    /// What has no time has not happened.
    mutating func add(
        _ at: Date?, _ tone: Tone = .plain, _ title: String, detail: String? = nil, link: (href: String, label: String)? = nil
    ) {
        guard let at else { return }
        steps.append((at, .step(at, tone, title, detail: detail, link: link, clerk)))
    }

    var views: [View] {
        steps.enumerated().sorted { (second($0.element.at), $0.offset) < (second($1.element.at), $1.offset) }.map(\.element.view)
    }

    private func second(_ at: Date) -> Double { at.timeIntervalSince1970.rounded(.down) }
}

extension String {
    /// As it begins a line.
    var withCapital: String { prefix(1).uppercased() + dropFirst() }
}

extension String {
    /// With the stop that ends a sentence, unless one does already.
    func asSentence(_ language: Language) -> String {
        guard let last, !".!?。！？".contains(last) else { return self }
        return self + (language == .chinese ? "。" : ".")
    }
}

extension JSONNode {
    /// Of an open fuse: which changes are being tried meanwhile, and what to do where one of them is the cause; nil: none is.
    func canaries(_ words: Words) -> String? {
        let names = self["canaries"]?.elements.compactMap { $0["rule_version"]?.string } ?? []
        return names.isEmpty ? nil : words["fuse_canaries", ["names": names.joined(separator: words["list_separator"])]]
    }

    /// The time a text names.
    var date: Date? { string.flatMap(RFC3339.date) }
}
