import Foundation
import Hummingbird

/// Finds the endpoint for a method and a path.
///
/// Knows for a path which methods it takes, so that a wrong one is answered with what would be right. Paths without
/// parameters, the busy ones among them, are one look-up.
struct RouteTable: Sendable {
    enum Match: Sendable {
        /// Parameters in the path's order, percent-decoded.
        case found(index: Int, parameters: [String])
        case wrongMethod(allowed: [String])
        case unknown
    }

    let endpoints: [Endpoint]
    private var literal: [String: [HTTPRequest.Method: Int]] = [:]
    private var patterns: [(segments: [Substring], methods: [HTTPRequest.Method: Int])] = []

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        for (index, endpoint) in endpoints.enumerated() {
            if endpoint.path.contains("{") {
                let segments = endpoint.path.split(separator: "/")
                if let known = patterns.firstIndex(where: { $0.segments == segments }) {
                    patterns[known].methods[endpoint.method] = index
                } else {
                    patterns.append((segments, [endpoint.method: index]))
                }
            } else {
                literal[endpoint.path, default: [:]][endpoint.method] = index
            }
        }
    }

    func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        if let methods = literal[path] { return choose(method, methods, []) }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for pattern in patterns where pattern.segments.count == segments.count {
            if let parameters = parameters(of: segments, in: pattern.segments) { return choose(method, pattern.methods, parameters) }
        }
        return .unknown
    }

    private func choose(_ method: HTTPRequest.Method, _ methods: [HTTPRequest.Method: Int], _ parameters: [String]) -> Match {
        if let index = methods[method] { return .found(index: index, parameters: parameters) }
        if method == .head, let index = methods[.get] { return .found(index: index, parameters: parameters) }
        return .wrongMethod(allowed: methods.keys.map(\.rawValue) + (methods[.get] == nil ? [] : ["HEAD"]))
    }

    private func parameters(of segments: ArraySlice<Substring>, in pattern: [Substring]) -> [String]? {
        var found: [String] = []
        for (segment, wanted) in zip(segments, pattern) {
            if wanted.first == "{" {
                guard !segment.isEmpty, let text = String(segment).removingPercentEncoding, !text.utf8.contains(0) else { return nil }
                found.append(text)
            } else if segment != wanted {
                return nil
            }
        }
        return found
    }
}
