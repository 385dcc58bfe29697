import Foundation
import JSONEnvelope
import SalesModel
import Tenancy

@testable import Console

/// The sample contexts the templates were drawn with.
enum Contexts {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Contexts")

    /// File names without their ending: `now`, `now.empty` …
    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func view(_ name: String) throws -> View {
        let data = try Data(contentsOf: folder.appending(path: "\(name).json"))
        return View(try JSONEnvelope(Array(data), levels: 20).root)
    }
}

extension View {
    /// Of a list.
    var items: [View] { if case .list(let items) = self { items } else { [] } }

    /// The members of a sample that this view has not, as paths. What is nothing in either has no members to compare, and of lists the first
    /// items are compared.
    func lacks(_ sample: View, at path: String = "") -> [String] {
        switch (self, sample) {
        case (.object(let own), .object(let other)):
            other.keys.sorted().flatMap { name -> [String] in
                guard let mine = own[name], let theirs = other[name] else { return ["\(path)\(name)"] }
                return mine.lacks(theirs, at: "\(path)\(name).")
            }
        case (.list(let own), .list(let other)):
            if let mine = own.first, let theirs = other.first { mine.lacks(theirs, at: path) } else { [] }
        default: []
        }
    }
}

/// A layout and a clerk for tests of views.
func frame(_ language: Language = .english, role: Role = .operator) -> (Layout, Clerk) {
    let words = Words.of(language)
    var layout = Layout(words, theme: .auto, path: "/console/now")
    layout.role = role
    layout.tenant = "acme"
    layout.formToken = "token"
    let now = RFC3339.date("2026-03-18T06:32:05Z") ?? .distantPast
    return (layout, Clerk(words, now: now, zone: "Asia/Shanghai"))
}

func node(_ json: String) throws -> JSONNode { try JSONEnvelope(Array(json.utf8), levels: 20).root }
