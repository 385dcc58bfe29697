import Jobs
import Testing

@Suite struct TraceParentTests {
    private let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `a traceparent is read and written as it came`() throws {
        let parent = try #require(TraceParent(text))
        #expect(parent.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(parent.spanID == "00f067aa0ba902b7")
        #expect(parent.isSampled)
        #expect(parent.description == text)
    }

    @Test func `small numbers keep their zeros`() {
        let parent = TraceParent(trace: (0, 1), span: 2, isSampled: false)
        #expect(parent.description == "00-00000000000000000000000000000001-0000000000000002-00")
        #expect(TraceParent(parent.description) == parent)
    }

    @Test func `flags of later days are passed over, only the first is ours`() throws {
        #expect(try #require(TraceParent(text.dropLast(2) + "fe")).isSampled == false)
        #expect(try #require(TraceParent(text.dropLast(2) + "ff")).isSampled == true)
    }

    @Test func `a later version is read as far as it is known`() throws {
        let later = "cc" + text.dropFirst(2) + "-what-the-future-will-be-like"
        #expect(try #require(TraceParent(later)).description == text)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-0",
    ])
    func `what is none is not read`(text: String) {
        #expect(TraceParent(text) == nil)
    }

    @Test(arguments: [(0.5, 0.5), (-1, 0), (7, 1), (Double.nan, 0), (.infinity, 1)])
    func `progress is from 0 to 1, whatever a handler tells`(told: Double, kept: Double) {
        #expect(JobProgress(told).fraction == kept)
        #expect(JobProgress(0, String(repeating: "x", count: 500)).note?.count == 200)
    }
}
