import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct GateTests {
    private let now = Date(timeIntervalSince1970: 1_760_000_000)
    private let source = """
        stages: [open, quoted, pending_finance, signed, { id: won, final: true }]
        gates:
          - id: sign
            from: [open, quoted]
            to: signed
            requires:
              - { id: contract, label: { en: contract, zh: 合同 }, when: { count: { type: upload, where: { field: document, equals: contract } }, gte: 1 } }
              - { id: amount, label: { en: amount, zh: 金额 }, when: { field: amount, gte: CNY 100 } }
              - id: finance
                when: { count: { type: review, where: { field: by_role, equals: finance } }, gte: 1 }
                otherwise: { wait_in: pending_finance }
              - { id: contacts, when: { field: contacts, gte: 2 }, otherwise: warn }
          - { id: any, to: quoted, requires: [{ id: competitor, when: { field: competitor, filled: true } }] }
        """

    private func answer(_ from: String?, _ to: String, _ values: [String: FieldValue], _ events: [SubjectEvent] = []) throws -> GateAnswer {
        CompiledGates(try #require(try parse(.gate, source).gates)).answer(
            from: from, to: to, SubjectFacts(.opportunity, id: "1", values: values, events: events), now: now)
    }

    private var contract: SubjectEvent { SubjectEvent("upload", at: now, ["document": .text("contract")]) }
    private var review: SubjectEvent { SubjectEvent("review", at: now, ["by_role": .text("finance")]) }
    private let full: [String: FieldValue] = ["amount": .money(Money(amountMinor: 10_000, currency: "CNY")), "contacts": .number(2)]

    @Test func `a refusal names every condition that is not met, and says what there is instead`() throws {
        guard case .shut(let unmet) = try answer("open", "signed", ["contacts": .number(1), "amount": .empty]) else {
            Issue.record("it went through")
            return
        }
        #expect(unmet.map(\.requirement.id) == ["contract", "amount", "finance"])
        #expect(unmet[0].text(in: .english) == "contract: missing. count of upload is less than 1 (it is “0”).")
        #expect(unmet[0].text(in: .chinese).hasPrefix("合同：缺少。"))
    }

    @Test func `what is not known is not met, and says so`() throws {
        guard case .shut(let unmet) = try answer("open", "signed", ["contacts": .number(2)], [contract, review]) else {
            Issue.record("an unmapped amount was taken for enough")
            return
        }
        #expect(unmet.map(\.truth) == [.unknown])
        #expect(unmet[0].text(in: .english).hasPrefix("amount: not known."))
    }

    @Test func `without the second approval it waits, with it it goes, and a warning stops nothing`() throws {
        guard case .waiting(let stage, let unmet) = try answer("open", "signed", full, [contract]) else {
            Issue.record("it did not wait")
            return
        }
        #expect(stage == "pending_finance" && unmet.map(\.requirement.id) == ["finance"])
        #expect(try answer("open", "signed", full, [contract, review]) == .open(warnings: []))
        let few = full.merging(["contacts": .number(1)]) { $1 }
        guard case .open(let warnings) = try answer("open", "signed", few, [contract, review]) else {
            Issue.record("a warning stopped it")
            return
        }
        #expect(warnings.map(\.requirement.id) == ["contacts"])
    }

    @Test func `a gate guards only the ways it names`() throws {
        #expect(try answer("pending_finance", "signed", [:]) == .open(warnings: []))
        #expect(try answer("open", "nowhere", [:]) == .noSuchStage("nowhere"))
        #expect(try answer("won", "open", [:]) == .final("won"))
    }

    @Test(arguments: ["—", "无", "n/a"]) func `a placeholder opens nothing`(text: String) throws {
        guard case .shut = try answer("open", "quoted", ["competitor": .text(text)]) else {
            Issue.record("“\(text)” was taken for a competitor")
            return
        }
        #expect(try answer("open", "quoted", ["competitor": .text("同行甲")]) == .open(warnings: []))
    }
}
