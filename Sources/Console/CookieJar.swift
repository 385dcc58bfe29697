import Foundation

/// What a browser keeps for us and sends along.
public struct CookieJar: Sendable, Hashable {
    private let values: [String: String]

    /// - Parameter header: as Cookie has it, `a=1; b=2`. Of a name that comes twice nothing is believed.
    public init(_ header: String?) {
        var values: [String: String] = [:]
        var doubtful: Set<String> = []
        for part in (header ?? "").split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard pair.count == 2 else { continue }
            if values.updateValue(pair[1], forKey: pair[0]) != nil { doubtful.insert(pair[0]) }
        }
        self.values = values.filter { !doubtful.contains($0.key) }
    }

    public subscript(name: String) -> String? { values[name] }
}
