import SalesModel

/// Light, dark, or as the device has it.
public enum Theme: String, Sendable, CaseIterable {
    case auto, light, dark
}

extension Language {
    /// The one somebody chose, or the first of a browser's that there is.
    ///
    /// - Parameters:
    ///   - chosen: by the visitor, earlier.
    ///   - accepted: the header Accept-Language; weights are read, wildcards mean nothing.
    public init(chosen: String?, accepted: String?) {
        if let language = chosen.flatMap(Language.init(rawValue:)) {
            self = language
            return
        }
        let wishes = (accepted ?? "").split(separator: ",").enumerated().map { place, wish in
            let parts = wish.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            return (tag: parts.first ?? "", weight: weight, place: place)
        }
        let found = wishes.filter { $0.weight > 0 }.sorted { ($1.weight, $0.place) < ($0.weight, $1.place) }.lazy.compactMap { wish in
            Language.allCases.first { wish.tag == $0.rawValue || wish.tag.hasPrefix($0.rawValue + "-") }
        }
        self = found.first ?? .english
    }
}
