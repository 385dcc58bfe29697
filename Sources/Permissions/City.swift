import JSONEnvelope

/// The city a record belongs to, as it is compared with a data domain's list.
public struct City: Sendable, Hashable {
    /// As it was written.
    public let name: String
    /// What two writings of one city share: no blanks around it, small letters, no closing 市.
    public let key: String

    /// Nil: the name says nothing.
    public init?(_ name: String) {
        let trimmed = Self.trimmed(name)
        guard !trimmed.isEmpty else { return nil }
        self.name = trimmed
        let small = trimmed.lowercased()
        key = small.hasSuffix("市") && small.count > 2 ? String(small.dropLast()) : small
    }

    public static func == (a: City, b: City) -> Bool { a.key == b.key }

    public func hash(into hasher: inout Hasher) { hasher.combine(key) }

    /// The city a record's fields name: the first of these fields that holds a text. `city_of` in the database does the same.
    public init?(in fields: some Sequence<UInt8>, named names: [String]) {
        guard let root = try? JSONEnvelope(Array(fields), levels: 1, limits: .stored).root else { return nil }
        for name in names {
            if let text = root[name]?.string, let city = City(text) {
                self = city
                return
            }
        }
        return nil
    }

    /// The same blanks as `city_key` in the database takes away.
    private static func trimmed(_ text: String) -> String {
        let blanks: Set<Unicode.Scalar> = [" ", "\t", "\r", "\n", "\u{3000}"]
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !blanks.contains($0) }), let last = scalars.lastIndex(where: { !blanks.contains($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}

extension City: CustomStringConvertible {
    public var description: String { name }
}
