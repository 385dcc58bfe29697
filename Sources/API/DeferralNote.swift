import DispatchIndex
import Foundation
import JSONEnvelope
import Jobs
import Tenancy

/// What an answer says of jobs whose line is full. Others' answers say nothing of it.
struct DeferralNote: Sendable {
    /// Until all that is deferred is in line, at the present pace; nil: not known.
    let drainSeconds: Int?

    init(_ deferral: Deferral) { drainSeconds = deferral.drainTime.map(wholeSeconds) }

    /// To follow other members of an object.
    var members: String { #","deferred":true,"estimated_drain_seconds":\#(drainSeconds.map(String.init) ?? "null")"# }

    func write(to object: inout JSONWriter) {
        object.member("deferred", true)
        object.member("estimated_drain_seconds", drainSeconds)
    }
}

extension API {
    /// What is known of the lines these jobs of one tenant will stand in, should one of them be full: of the fullest. Nobody is asked, so a
    /// line that filled up within the last second may not be known as such; the job itself tells later.
    func deferral(of jobs: some Collection<NewJob>) -> DeferralNote? {
        guard let tenant = jobs.first?.tenant else { return nil }
        var flows: Set<String> = []
        for job in jobs where job.runAt == nil { flows.insert(job.flow) }
        return deferral(of: tenant, flows)
    }

    func deferral(of tenant: TenantID, _ flows: some Sequence<String>) -> DeferralNote? {
        flows.compactMap { dispatch.deferral(of: tenant, flow: $0) }.max { $0.jobs < $1.jobs }.map(DeferralNote.init)
    }
}
