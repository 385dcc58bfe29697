import DispatchIndex
import Jobs
import Tenancy
import Testing

@testable import Worker

@Suite struct RunningJobsTests {
    private let claim = Claim(id: JobID(7), tenant: TenantID(1), token: 3)

    @Test func `a claim that others took is lost, one that ended while the index was asked is not`() {
        let running = RunningJobs()
        let ended = Claim(id: JobID(8), tenant: TenantID(1), token: 4)
        running.hold([claim, ended])
        let asked = running.claims
        running.release([ended])

        #expect(running.lose(asked) == 1)
        #expect(running.claims.isEmpty)
        #expect(running.count == 1, "its slot is free when its handler has answered")
    }

    @Test func `a job that is ours again under another token is not lost with the old one`() {
        let running = RunningJobs()
        running.hold([claim])
        let asked = running.claims
        running.release([claim])
        running.hold([Claim(id: claim.id, tenant: claim.tenant, token: 9)])

        #expect(running.lose(asked) == 0)
        #expect(running.claims.map(\.token) == [9])
    }
}
