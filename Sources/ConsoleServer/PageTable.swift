import Foundation
import Hummingbird

/// One page, or what one of its forms does.
struct Page: Sendable {
    enum Method: Sendable { case get, post }

    let method: Method
    /// Whether it concerns the session alone, whichever tenant that acts for.
    let isOfSession: Bool
    private let segments: [Substring]
    let answer: @Sendable (Visit) async throws -> Response

    /// What decides whether it is for somebody; nil: its own questions do.
    var door: Door? { segments.first.flatMap { Door.before[String($0)] } }

    /// - Parameter path: within the console: `jobs/{id}`.
    init(
        _ method: Method, _ path: String, isOfSession: Bool = false, answer: @Sendable @escaping (Visit) async throws -> Response
    ) {
        self.method = method
        self.isOfSession = isOfSession
        segments = Substring(path).split(separator: "/")
        self.answer = answer
    }

    /// What stands in the path's places, percent-decoded; nil when it is another page's.
    fileprivate func parameters(in path: [Substring]) -> [String]? {
        guard path.count == segments.count else { return nil }
        var found: [String] = []
        for (part, wanted) in zip(path, segments) {
            if wanted.first == "{" {
                guard let text = String(part).removingPercentEncoding, !text.utf8.contains(0) else { return nil }
                found.append(text)
            } else if part != wanted {
                return nil
            }
        }
        return found
    }
}

/// Finds the page for a path.
struct PageTable: Sendable {
    private let pages: [Page]

    init(_ pages: [Page]) { self.pages = pages }

    func page(_ method: Page.Method, _ path: String) -> (Page, [String])? {
        let segments = path.dropFirst("/console/".count).split(separator: "/")
        for page in pages where page.method == method {
            if let parameters = page.parameters(in: segments) { return (page, parameters) }
        }
        return nil
    }
}
