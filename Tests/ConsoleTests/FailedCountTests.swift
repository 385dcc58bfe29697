import Testing

@testable import API
@testable import ConsoleServer

@Suite struct FailedCountTests {
    @Test func `a count that failed is told to the next reading of its page, once`() {
        let failed = FailedCounts()

        failed.note(Problem.unavailable, of: "1 /v1/flow")

        #expect(failed.take("2 /v1/flow") == nil, "of another tenant")
        #expect((failed.take("1 /v1/flow") as? Problem)?.status == 503)
        #expect(failed.take("1 /v1/flow") == nil)
    }

    @Test func `what one visitor may not count is not told to another`() {
        let failed = FailedCounts()

        failed.note(Problem.notFound, of: "1 /v1/flow")

        #expect(failed.take("1 /v1/flow") == nil)
    }
}
