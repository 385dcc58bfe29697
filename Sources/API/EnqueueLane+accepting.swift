import Foundation
import Hummingbird
import JSONEnvelope
import Jobs
import Ledger
import NIOCore
import Records

// What is plain. Each question here is the ordinary way's own, asked of the same code; where the answer is not a clear yes, or is
// not known at this moment, the request goes the ordinary way.

extension EnqueueLane {
    struct Accepted {
        var job: NewJob
        var state: String
        var deferral: DeferralNote?
    }

    /// Whether a head allows the lane. Its headers are walked once.
    func isPlain(_ head: HTTPRequest) -> Bool {
        guard head.method == .post, head.path == Self.path, api.traces == nil else { return false }
        for field in head.headerFields {
            switch field.name {
            case .contentType: guard field.value == "application/json" else { return false }
            case .contentLength: guard let length = Int(field.value), length <= api.limits.body else { return false }
            // A key to remember the answer by, a tenant to act for, a trace, a coding, a wish for the connection: not plain.
            case .idempotencyKey, .kitelineTenant, .traceparent, .contentEncoding, .transferEncoding, .connection, .expect: return false
            default: break
            }
        }
        return head.headerFields[.contentLength] != nil
    }

    private static let path = "/v1/jobs"

    /// The job a request asks for; nil: let others see.
    func accept(_ head: HTTPRequest, _ body: ByteBuffer) -> Accepted? {
        guard api.transport.admits(peer: peer, forwardedProto: head.headerFields[.forwardedProto]),
            let header = head.headerFields[.authorization], let principal = bearer(header), let tenant = principal.tenant,
            principal.user == nil  // a person may be held to a data domain, which is asked for elsewhere
        else { return nil }
        guard let envelope = try? JSONEnvelope(Array(body.readableBytesView), levels: 2, limits: api.limits.envelope) else { return nil }
        var reading = NewJobReading(api, tenant: tenant, now: Date())
        guard let job = reading.job(envelope.root, path: ""), reading.errors.isEmpty, job.uniqueKey == nil,
            api.quotas.admitsAtOnce(job.kind, of: tenant)
        else { return nil }
        return Accepted(job: job, state: reading.state(of: job), deferral: api.deferral(of: CollectionOfOne(job)))
    }

    /// Who bears the key, if that is remembered here or in the key ring.
    private func bearer(_ header: String) -> Principal? {
        if let pass, pass.header == header, api.keys.stillHolds(pass.pass) { return pass.pass.principal }
        guard let key = bearerKey(in: header), let known = api.keys.pass(of: key) else { return nil }
        pass = (header, known)
        return known.principal
    }
}

/// The answer to an accepted job. The kind's name needs no escaping: it is one of ours.
///
/// - Parameter state: of one that was made now.
func jobAnswer(_ job: PlacedJob, kind: String, state: String, deferral: DeferralNote? = nil) -> [UInt8] {
    guard let standing = job.standing else {
        return Array(#"{"id":"\#(job.id)","kind":"\#(kind)","state":"\#(state)"\#(deferral?.members ?? "")}"#.utf8)
    }
    return Array(#"{"id":"\#(job.id)","kind":"\#(kind)","state":"\#(standing)","existing":true}"#.utf8)
}
