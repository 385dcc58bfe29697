import Foundation
import SalesModel
import Testing

@testable import Console

@Suite struct WordsTests {
    private let english = Words.of(.english)
    private let chinese = Words.of(.chinese)

    @Test func `both languages have the same words, with the same places for values`() {
        #expect(Set(english.all.keys).symmetricDifference(chinese.all.keys).sorted() == [])
        for (name, text) in english.all {
            #expect(places(text) == places(chinese.all[name] ?? ""), "\(name)")
            #expect(!text.isEmpty && chinese.all[name]?.isEmpty == false, "\(name)")
        }
    }

    private func places(_ text: String) -> Set<String> { Set(text.matches(of: /\{([a-z]+)\}/).map { String($0.1) }) }

    @Test func `templates use only words there are`() {
        let used = Templates.all.sources.flatMap { name, source in
            source.matches(of: /\{\{[#^&]?\s*t\.([A-Za-z0-9_]+)\s*\}\}/).map { "\($0.1)" }.map { (name, $0) }
        }
        let missing = used.filter { english.all[$0.1] == nil }.map { "\($0.0): \($0.1)" }

        #expect(used.count > 100)
        #expect(Set(missing).sorted() == [])
    }

    @Test func `templates include only templates there are`() {
        for (name, source) in Templates.all.sources {
            for match in source.matches(of: /\{\{>\s*([a-z-]+)\s*\}\}/) {
                #expect(Templates.all.sources[String(match.1)] != nil, "\(name) includes \(match.1)")
            }
        }
    }

    /// The program's texts ask for words by name; one that is misspelt would show as `[name]`.
    @Test func `the sources ask only for words there are`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let sources = ["Sources/Console", "Sources/ConsoleServer"].flatMap { folder in
            let files = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
            return files.filter { $0.hasSuffix(".swift") }.map { root.appending(path: "\(folder)/\($0)") }
        }
        var asked: Set<String> = []
        for source in sources {
            let text = try String(contentsOf: source, encoding: .utf8)
            for match in text.matches(of: /words\[\s*"([a-z_0-9]+)"/) { asked.insert(String(match.1)) }
        }

        #expect(asked.count > 80)
        #expect(asked.filter { english.all[$0] == nil }.sorted() == [])
    }

    @Test func `every kind of job has a name in words`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/JobKinds")
        var kinds: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /JobKind\(\s*"([a-z_]+)"/) {
                kinds.insert(String(match.1))
            }
        }

        #expect(kinds.count > 8)
        #expect(kinds.filter { english.all["kind_\($0)"] == nil }.sorted() == [])
    }

    @Test func `values stand in their places, and what is no place stays`() {
        #expect(english["time_ago", ["span": "3 min"]] == "3 min ago")
        #expect(chinese["time_ago", ["span": "3 分钟"]] == "3 分钟前")
        #expect(english["time_ago", [:]] == "{span} ago")
        #expect(english["time_ago", ["span": "{span}"]] == "{span} ago")
        #expect(english.known("state", "no_such_state") == "no_such_state")
        #expect(english["no_such_word"] == "[no_such_word]")
    }
}
