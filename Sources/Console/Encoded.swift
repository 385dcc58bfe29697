import JSONEnvelope

/// Keeps a text from being read as a part of a path or a query.
public func encoded(_ text: String) -> String { text.queryEncoded }

/// `?a=1&b=2` of those that are not empty.
public func query(_ parameters: [(String, String?)]) -> String {
    let pairs = parameters.filter { $0.1?.isEmpty == false }.map { "\($0.0)=\(encoded($0.1 ?? ""))" }
    return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
}
