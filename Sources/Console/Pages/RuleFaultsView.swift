import Foundation
import JSONEnvelope

/// What is wrong with a text, and what is probably not meant.
enum RuleFaultsView {
    static func members(_ check: RuleView.Check?, _ refusal: Refusal?, _ words: Words) -> [String: View] {
        let faults = (check?.refusal ?? refusal.flatMap { $0.formID == "edit" ? $0 : nil })?.faults ?? []
        let findings = check?.findings?["findings"]?.elements ?? []
        return [
            "hasFaults": .flag(!faults.isEmpty), "faultsTitle": .text(words["rule_faults", ["n": String(faults.count)]]),
            "faults": .list(
                faults.map { fault in
                    let (message, line) = Self.split(fault.message)
                    return [
                        "faultLine": .text(line), "faultLineWords": .text(line.map { words["rule_line", ["n": $0]] }),
                        "faultPath": .text(fault.field), "faultMessage": .text(Sentences.said(message, words)),
                    ]
                }), "hasWarnings": .flag(!findings.isEmpty), "warningsTitle": .text(words["rule_warnings", ["n": String(findings.count)]]),
            "warnings": .list(
                findings.map { finding in
                    let (message, line) = Self.split(finding["message"]?.string ?? "")
                    return [
                        "warningLine": .text(line), "warningLineWords": .text(line.map { words["rule_line", ["n": $0]] }),
                        "warningPath": .text(finding["path"]?.string),
                        "warningMessage": .text(Sentences.said(message, words)),
                    ]
                }), "isSound": .flag(check != nil && check?.refusal == nil && findings.isEmpty),
        ]
    }

    /// `must be a list (line 6)`, as the API says it.
    static func split(_ message: String) -> (message: String, line: String?) {
        guard let match = message.wholeMatch(of: /(.*) \(line (\d+)\)/) else { return (message, nil) }
        return (String(match.1), String(match.2))
    }
}
