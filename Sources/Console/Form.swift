import Foundation
import JSONEnvelope

/// The fields of a form as a browser sends them: `application/x-www-form-urlencoded`.
public struct Form: Sendable, Hashable {
    private let fields: [String: String]

    /// Nil when it is not UTF-8, percent-encoded, or a field comes twice: no form of ours sends that.
    public init?(_ bytes: some Sequence<UInt8>) {
        guard let text = String(validating: Array(bytes), as: UTF8.self) else { return nil }
        var fields: [String: String] = [:]
        for (_, decoded) in FormEncoding.pairs(text) {
            // Line breaks come as browsers send them, CR LF; a text has LF.
            guard let (name, value) = decoded, fields.updateValue(value.replacing("\r\n", with: "\n"), forKey: name) == nil else {
                return nil
            }
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

    /// Of the fields that are filled in.
    public var names: [String] { fields.keys.filter { words($0) != nil }.sorted() }

    public func has(_ name: String) -> Bool { fields[name] != nil }
}
