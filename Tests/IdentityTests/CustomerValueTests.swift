import Foundation
import Testing

@testable import Identity

@Suite struct CustomerValueTests {
    private func value(_ field: String, _ value: String, _ source: String, day: Double, lead: Int64? = 1) -> SourcedValue {
        SourcedValue(field: field, value: value, source: source, at: Date(timeIntervalSince1970: day * 86_400), lead: lead)
    }

    @Test func `every source's value is kept, and the newest counts`() {
        let fields = CustomerField.all(
            of: [
                value("phone", "13800138000", "fair", day: 1), value("phone", "13900139000", "website", day: 3),
                value("phone", "+86 138 0013 8000", "partner", day: 2), value("budget", "2000000", "fair", day: 1),
            ], rules: .standard)

        #expect(fields.map(\.name) == ["budget", "phone"])
        #expect(fields[1].value == "13900139000")
        #expect(fields[1].values.map(\.source) == ["website", "partner", "fair"])
        #expect(fields[1].isInConflict)
        #expect(!fields[0].isInConflict)
    }

    @Test func `another spelling is no conflict`() {
        let fields = CustomerField.all(
            of: [value("company", "深圳市明远科技有限公司", "a", day: 1), value("company", "明远科技", "b", day: 2)], rules: .standard)

        #expect(fields.map(\.isInConflict) == [false])
    }

    @Test func `what was said of the customer itself counts before what came with leads`() {
        let fields = CustomerField.all(
            of: [value("contact", "张伟", "api", day: 1, lead: nil), value("contact", "李娜", "fair", day: 9)], rules: .standard)

        #expect(fields[0].value == "张伟")
    }
}
