import Foundation
import Sampling
import Testing

@testable import JSONEnvelope

/// Random damage to real texts, judged by our scanner and by Foundation's: where they differ, the reason must be one we know.
@Suite struct MutationTests {
    private static let texts = [
        #"{"kind":"probe","args":{"sleep_ms":5,"effect_key":"a-1","payload":{"n":[1,2.5,-3e2,true,false,null]}},"priority":9}"#,
        #"{"external_id":"L-1","source":"展会","received_at":"2026-01-31T08:00:00Z","fields":{"公司":"北京\u534e\ud83d\ude00","预算":120000}}"#,
        #"[[],{},[{}],"",0,-0.0,1E+2,"\"\\\/\b\f\n\r\t\u00e9",{"a":{"b":{"c":[[[1]]]}}}]"#,
    ].map { Array($0.utf8) }

    /// Bytes that matter to a parser come up more often than chance would bring them.
    private static let interesting =
        Array(#"{}[]:,"\/0123456789.eE+-tfnul "#.utf8) + [0x00, 0x0A, 0x1F, 0x7F, 0x80, 0xC3, 0xA9, 0xED, 0xA0, 0xEF, 0xBB, 0xBF, 0xFF]

    /// What Foundation takes or drops in silence and we refuse on purpose.
    private static let strictness: Set<JSONFault.Reason> = [
        .trailingComma, .byteOrderMark, .duplicateKey, .nullCharacter, .numberTooLarge, .tooDeep, .tooLarge, .tooManyMembers,
    ]

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func `damaged texts are judged as Foundation judges them, but for the differences we know`(_ seed: UInt64) {
        var chance = SeededNumbers(seed: seed)
        var taken = 0

        for _ in 0..<4_000 {
            let text = Self.damaged(Self.texts.randomElement(using: &chance)!, by: &chance)
            let foundation = Self.isValidToFoundation(text)
            do throws(JSONFault) {
                let envelope = try JSONEnvelope(text, levels: 3)
                taken += 1
                #expect(foundation, "only we take \(String(decoding: text, as: UTF8.self)) (seed \(seed))")
                walk(envelope.root)
            } catch {
                if Self.strictness.contains(error.reason) { continue }
                #expect(!foundation, "\(error.reason): only Foundation takes \(String(decoding: text, as: UTF8.self)) (seed \(seed))")
            }
        }

        #expect(taken > 200, "most texts were beyond repair, so nothing was compared (seed \(seed))")
    }

    private static func isValidToFoundation(_ text: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
    }

    private static func damaged(_ text: [UInt8], by chance: inout SeededNumbers) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 1...2, using: &chance) {
            let at = Int.random(in: 0..<text.count, using: &chance)
            switch Int.random(in: 0..<5, using: &chance) {
            case 0: text[at] = interesting.randomElement(using: &chance)!
            case 1: text.insert(interesting.randomElement(using: &chance)!, at: at)
            case 2: text.remove(at: at)
            case 3: text[at] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
            default:
                let other = Int.random(in: 0..<text.count, using: &chance)
                text.replaceSubrange(min(at, other)..<min(max(at, other), min(at, other) + 12), with: [])
            }
            if text.isEmpty { text = [UInt8(ascii: " ")] }
        }
        return text
    }

    /// Every span must be readable, whatever was taken.
    private func walk(_ node: JSONNode) {
        _ = (node.bytes.count, node.string, node.integer, node.double)
        for element in node.elements { walk(element) }
        for member in node.members { walk(member.value) }
    }
}
