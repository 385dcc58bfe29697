import Foundation
import JSONEnvelope
import Tenancy

/// What an action was done to, as people call it, and the page of it; the code itself where it says as much.
struct AuditSubject {
    let name: String
    /// Nil: there is no page of it.
    let path: String?

    init(_ code: String, of action: String, _ names: AuditView.Names, _ clerk: Clerk) {
        let words = clerk.words
        let subject: (name: String, path: String?) =
            switch action.prefix(while: { $0 != "." }) {
            // `access@3`
            case "access": (words["audit_of_access", ["n": String(code.drop { !$0.isNumber })]], Layout.path("permissions"))
            case "key", "console": (Int64(code).flatMap { clerk.actor(KeyActor(key: $0).description) } ?? code, nil)
            case "lead": (Self.lead(code, names, words), Layout.path("leads/\(code)"))
            case "escalation": Self.escalation(code, names, words)
            case "queue": (words.known("kind", code), nil)
            case "office": (words.known("office", code), nil)
            case "alert": (Self.alert(code, words), nil)
            case "job": (words["lead_step_job", ["id": code]], Layout.path("jobs/\(code)"))
            case "dlq": (words["audit_of_redrive", ["id": code]], Layout.path("dead-letters"))
            // `c12`
            case "customer": ("\(words["subject_customer"]) \(code.trimmingPrefix("c"))", nil)
            case "customer_review": (words["audit_of_review", ["id": code]], nil)
            case "fuse": (words["fuse_title"], Layout.path("breakers"))
            case "quiet_hours": (words["audit_of_messages"], nil)
            case "calendar": (Self.calendar(code, names, words), nil)
            case "worker": (words["audit_of_worker", ["id": code]], nil)
            case "seller": (names.sellers.name(code) ?? code, SellerView.href(code))
            case "team": (names.sellers.team(called: code, words), nil)
            // `route/default@3`
            case "ruleset": (code, Layout.path("rules/" + code.replacing("@", with: "?version=")))
            case "rollout": (code, Layout.path("rollouts"))
            default: (code, nil)
            }
        (name, path) = (subject.name, subject.path)
    }

    private static func lead(_ id: String, _ names: AuditView.Names, _ words: Words) -> String {
        names.leads[id].map(LeadWords.name) ?? words["audit_of_lead", ["id": id]]
    }

    /// With what was late, where that is known.
    private static func escalation(_ id: String, _ names: AuditView.Names, _ words: Words) -> (name: String, path: String?) {
        guard let late = names.escalations[id], let subject = late["subject_id"]?.string, let type = late["subject_type"]?.string else {
            return (words["audit_of_escalation", ["id": id]], nil)
        }
        let isLead = type == "lead"
        let name = isLead ? lead(subject, names, words) : "\(words.known("subject", type)) \(subject)"
        return (words["audit_of_escalation_of", ["id": id, "subject": name]], isLead ? Layout.path("leads/\(subject)") : nil)
    }

    /// `seller/anna`, `team/north`, or `tenant`, which is everybody's.
    private static func calendar(_ scope: String, _ names: AuditView.Names, _ words: Words) -> String {
        let parts = scope.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return words["audit_of_everybody"] }
        return parts[0] == "team" ? names.sellers.team(called: parts[1], words) : names.sellers.name(parts[1]) ?? parts[1]
    }

    /// `failure_rate/assign_lead`, or all alerts of a code.
    private static func alert(_ name: String, _ words: Words) -> String {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return words.known("alert", name) }
        return "\(words.known("alert", parts[0])) · \(words.known("kind", parts[1]))"
    }
}
