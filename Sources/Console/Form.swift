import Foundation

/// The fields of a form as a browser sends them: `application/x-www-form-urlencoded`.
public struct Form: Sendable, Hashable {
    private let fields: [String: String]

    /// Nil when it is not UTF-8, percent-encoded, or a field comes twice: no form of ours sends that.
    public init?(_ bytes: some Sequence<UInt8>) {
        guard let text = String(validating: Array(bytes), as: UTF8.self) else { return nil }
        var fields: [String: String] = [:]
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(pair[0]), let value = pair.count > 1 ? Self.decoded(pair[1]) : "" else { return nil }
            guard fields.updateValue(value, forKey: name) == nil else { return nil }
        }
        self.fields = fields
    }

    public init(_ fields: [String: String] = [:]) { self.fields = fields }

    /// As it was typed; empty when it did not come.
    public subscript(name: String) -> String { fields[name] ?? "" }

    /// Without white space around it; nil when nothing is left.
    public func words(_ name: String) -> String? {
        let text = self[name].trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }

    public func has(_ name: String) -> Bool { fields[name] != nil }

    /// Line breaks come as browsers send them, CR LF; a text has LF.
    private static func decoded(_ text: Substring) -> String? {
        guard let text = text.replacing("+", with: " ").removingPercentEncoding, !text.utf8.contains(0) else { return nil }
        return text.replacing("\r\n", with: "\n")
    }
}
