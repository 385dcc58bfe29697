import Testing

@testable import API

@Suite struct ClockLevelsTests {
    @Test func `a missed level is pending while its clock runs, and no more when it was done late or no longer matters`() {
        func levels(_ state: String) -> String {
            let kept = #"[{"level":"first","due_at":"t","late_by":7},{"level":"second","due_at":"u"}]"#
            let clock = #"{"clock":"c","state":"\#(state)","levels":\#(kept)}"#
            return String(decoding: ClockLevels.json(Array("[\(clock)]".utf8)), as: UTF8.self)
        }
        func second(_ state: String) -> String { #"{"clock":"c","level":"second","due_at":"u","state":"\#(state)"}"# }
        let first = #"{"clock":"c","level":"first","due_at":"t","state":"missed","late_by":7"#

        #expect(levels("running") == #"[\#(first),"pending":true},\#(second("running"))]"#)
        #expect(levels("met") == #"[\#(first)},\#(second("met"))]"#)
        #expect(levels("void") == #"[\#(first)},\#(second("void"))]"#)
    }
}
