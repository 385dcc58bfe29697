import Foundation
import JSONEnvelope

/// One tenant: what it is entitled to and what it uses, and the dials for both.
struct TenantPanel {
    let layout: Layout
    let clerk: Clerk
    let tenant: JSONNode
    let facts: TenantsView.Facts
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var slug: String { tenant["slug"]?.string ?? "" }

    var view: View {
        let created = tenant["created_at"]?.string.flatMap(RFC3339.date)
        return [
            "oneSlug": .text(slug), "oneWords": .text(created.map { words["tenants_created", ["day": clerk.day($0)]] }),
            "chooseAction": .text(Layout.path("tenant")), "chooseLabel": .text(words["tenants_choose"]), "settings": settings,
            "usage": .list(usage), "hasKeys": false, "keyList": [], "createKey": .nothing, "pause": pause,
        ]
    }

    static let fields = ["weight", "cap", "rate", "burst", "quota", "ready_capacity", "retention", "time_zone", "sandbox_rounds"]

    private var settings: View {
        let control = Control("settings", action: Layout.path("tenants/\(slug)"), once: once, refusal: refusal)
        return control.view([
            "settingFields": .list(
                Self.fields.map { name in
                    let node = tenant[name]
                    let now = node?.string ?? (node?.type == .number ? RolloutWords.number(node) : "")
                    let fault = control.refusal?.faults.first { $0.field == name }
                    return [
                        "name": .text(name), "fieldLabel": .text(words["tenant_\(name)"]), "value": .text(control.draft(name, now)),
                        "hint": .text(words["tenant_\(name)_hint"]), "isWrong": .flag(fault != nil), "fault": .text(fault?.message),
                    ]
                })
        ])
    }

    private var usage: [View] {
        guard let usage = facts.usage(of: slug) else { return [] }
        func fact(_ label: String, _ value: String?) -> View? {
            value.map { ["factLabel": .text(words[label]), "factValue": .text($0)] }
        }
        return [
            fact("now_ready", clerk.number(usage["ready"])), fact("state_running", clerk.number(usage["running"])),
            fact("tenants_lately", clerk.number(usage["ended"])), fact("tenants_failed_lately", clerk.number(usage["failed"])),
            fact("dead_title", clerk.number(usage["dead_letters"])),
            fact("tenants_worker_time", usage["worker_seconds"]?.double.map { clerk.span($0) }),
            fact("tenants_throttled", usage["throttled_s"]?.double.map { clerk.span($0) }),
        ].compactMap(\.self)
    }

    private var pause: View {
        let isPaused = tenant["paused_at"]?.string != nil
        let action = isPaused ? "resume" : "pause"
        return Control("pause", action: Layout.path("tenants/\(slug)/\(action)"), once: once, refusal: refusal).view([
            "pauseLabel": .text(words["tenants_\(action)"]), "pauseConsequence": .text(words["tenants_\(action)_consequence"]),
            "isDanger": .flag(!isPaused),
        ])
    }
}
