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
            case "refused": (Self.attempt(code, words), nil)
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

    /// `POST /v1/leads/{id}/assign`, which people know by the area it belongs to; the address says what exactly.
    private static func attempt(_ address: String, _ words: Words) -> String {
        let parts = address.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[1].hasPrefix("/v1/") else { return address }
        let place = String(parts[1].dropFirst("/v1/".count).prefix { $0 != "/" && $0 != ":" })
        guard let area = areas[place].flatMap({ words.all[$0] }) else { return address }
        return words[parts[0] == "GET" ? "audit_of_reading" : "audit_of_changing", ["area": area, "address": address]]
    }

    /// What the areas of the API are called: as their page is, where they have one.
    private static let areas = [
        "access": "nav_permissions", "activities": "area_activities", "alerts": "nav_now", "audit": "nav_audit",
        "autoscale": "nav_workers", "batches": "nav_jobs", "breakers": "nav_breakers", "calendar": "area_calendar",
        "connectors": "area_connectors", "customer-reviews": "subject_customer", "customers": "subject_customer",
        "dependencies": "nav_breakers", "dlq": "nav_dead_letters", "escalations": "nav_overdue", "events": "area_events",
        "flow": "nav_jobs", "forecasts": "nav_forecast", "fuses": "nav_breakers", "imports": "nav_leads", "incidents": "nav_breakers",
        "jobs": "nav_jobs", "keys": "nav_tenants", "leads": "nav_leads", "messages": "audit_of_messages",
        "national-calendars": "area_holidays", "notifications": "area_notices", "offices": "area_offices",
        "opportunities": "subject_opportunity", "overview": "nav_now", "predictions": "nav_process_health", "probes": "kind_probe",
        "queues": "nav_breakers", "quiet-hours": "area_quiet_hours", "redrives": "nav_dead_letters", "reports": "area_reports",
        "rollouts": "nav_rollouts", "rounds": "nav_rules", "rulesets": "nav_rules", "schedules": "nav_jobs", "sellers": "nav_sellers",
        "sla": "nav_overdue", "spi": "nav_process_health", "teams": "nav_sellers", "tenants": "nav_tenants", "usage": "nav_tenants",
        "workers": "nav_workers",
    ]

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
