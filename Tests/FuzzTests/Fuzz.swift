import Foundation
import Sampling
import Testing

/// Deterministic damage to real texts: the same seed, the same texts, on every machine.
///
/// `KITELINE_FUZZ_SEEDS=1-1000` tries more seeds than the few of an ordinary run. The text under test lies in a file while it is
/// tried, so that it is known even if it ends the process.
enum Fuzz {
    static let seeds: [UInt64] = {
        let bounds = (ProcessInfo.processInfo.environment["KITELINE_FUZZ_SEEDS"] ?? "1-4").split(separator: "-").compactMap { UInt64($0) }
        return bounds.isEmpty ? [1] : Array(bounds[0]...max(bounds[0], bounds.last!))
    }()

    /// Tries `count` damaged texts. Each must be done with in a second of this thread's time.
    static func run(
        _ name: String, _ seed: UInt64, count: Int = 300, texts: [String], words: [String] = [],
        _ body: ([UInt8], inout SeededNumbers) -> Void
    ) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("kiteline-fuzz-\(name)-\(seed)")
        var chance = SeededNumbers(seed: seed)
        for _ in 0..<count {
            let text = damaged(texts.map { Array($0.utf8) }, words.map { Array($0.utf8) }, &chance)
            try? Data(text).write(to: file)
            let start = threadTime()
            body(text, &chance)
            let spent = threadTime() - start
            #expect(spent < 1, "\(spent) s for \(String(reflecting: String(decoding: text, as: UTF8.self))) (seed \(seed))")
        }
        try? FileManager.default.removeItem(at: file)
    }

    /// Bytes that matter to parsers come up more often than chance would bring them.
    private static let interesting =
        Array(#"{}[]:,;"'\/0123456789.eE+-_*?&=%#@ tfnul|>~!<"#.utf8)
        + [0x00, 0x09, 0x0A, 0x0D, 0x1F, 0x7F, 0x80, 0xC3, 0xA9, 0xED, 0xA0, 0xEF, 0xBB, 0xBF, 0xFF]

    private static func damaged(_ texts: [[UInt8]], _ words: [[UInt8]], _ chance: inout SeededNumbers) -> [UInt8] {
        var text = texts.randomElement(using: &chance)!
        for _ in 0..<Int.random(in: 1...4, using: &chance) {
            let at = Int.random(in: 0...text.count, using: &chance)
            let end = min(text.count, at + Int.random(in: 0...40, using: &chance))
            switch Int.random(in: 0..<8, using: &chance) {
            case 0: text.removeSubrange(at..<end)
            case 1: text.insert(contentsOf: text[at..<end], at: Int.random(in: 0...text.count, using: &chance))
            case 2: text.insert(interesting.randomElement(using: &chance)!, at: at)
            case 3 where at < text.count: text[at] = interesting.randomElement(using: &chance)!
            case 4 where at < text.count: text[at] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
            case 5: text.replaceSubrange(at..<end, with: words.randomElement(using: &chance) ?? [])
            case 6:
                // The same again and again: depth, length, repetition.
                let piece = at < end ? Array(text[at..<min(end, at + 4)]) : [interesting.randomElement(using: &chance)!]
                for _ in 0..<Int.random(in: 2...300, using: &chance) { text.insert(contentsOf: piece, at: at) }
            default:
                let other = texts.randomElement(using: &chance)!
                text = Array(text[..<at]) + other[Int.random(in: 0...other.count, using: &chance)...]
            }
        }
        return text
    }

    private static func threadTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
