import Foundation
import JSONEnvelope

/// One tenant: what it is entitled to and what it uses, and the dials for both.
struct TenantPanel {
    let layout: Layout
    let clerk: Clerk
    let one: TenantsView.One
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var tenant: JSONNode { one.tenant }
    private var slug: String { one.slug }

    var view: View {
        let created = tenant["created_at"]?.date
        return [
            "oneSlug": .text(slug), "oneWords": .text(created.map { words["tenants_created", ["day": clerk.day($0)]] }),
            "chooseLabel": .text(words["tenants_choose"]), "settings": settings,
            "usage": .list(usage), "hasKeys": .flag(!keys.isEmpty),
            "keyList": .list(keys.map(key)), "createKey": createKey, "pause": pause,
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
                        "hint": .text(words["tenant_\(name)_hint"]), "isWrong": .flag(fault != nil),
                        "fault": .text(fault.map { Sentences.said($0.message, words) }),
                    ]
                })
        ])
    }

    private var usage: [View] {
        guard let usage = one.usage else { return [] }
        return [
            View.fact(words["tenants_waiting"], clerk.number(usage["ready"])),
            View.fact(words["state_running"], clerk.number(usage["running"])),
            View.fact(words["tenants_lately"], clerk.number(usage["ended"])),
            View.fact(words["tenants_failed_lately"], clerk.number(usage["failed"])),
            View.fact(words["dead_title"], clerk.number(usage["dead_letters"])),
            View.fact(words["tenants_worker_time"], usage["worker_seconds"]?.double.map { clerk.span($0) }),
            View.fact(words["tenants_throttled"], usage["throttled_s"]?.double.map { clerk.span($0) }),
        ].compactMap(\.self)
    }

    private var keys: [JSONNode] { one.keys?["items"]?.elements ?? [] }

    private func key(_ key: JSONNode) -> View {
        let id = key["id"]?.string ?? ""
        let isRevoked = key["revoked_at"]?.string != nil
        let made = key["created_at"]?.date.map { clerk.day($0) } ?? "–"
        let name = words.key(id)
        let revoke = Control("revoke-\(id)", action: Layout.path("tenants/\(slug)/keys/\(id)/revoke"), once: once, refusal: refusal)
        return [
            "keyName": .text([name, key["name"]?.string, key["user"]?.string].compactMap(\.self).joined(separator: " · ")),
            "keyState": isRevoked ? .chip(.idle, words["key_revoked"]) : .chip(.good, words["key_active"]),
            "keyWords": .text(
                words[
                    "key_words",
                    ["role": words.known("role", key["role"]?.string ?? ""), "day": made, "hint": key["hint"]?.string ?? ""]]),
            "revoke": isRevoked
                ? .nothing : revoke.view(["revokeConsequence": .text(words["key_revoke_consequence", ["name": name]])]),
        ]
    }

    private var createKey: View {
        let control = Control("create-key", action: Layout.path("tenants/\(slug)/keys"), once: once, refusal: refusal)
        let roles = ["tenant", "operator"].map { ($0, words["role_\($0)_key"]) }
        return control.view([
            "roleOptions": .list(Option.list(roles, chosen: control.draft("role", "tenant"))), "nameDraft": .text(control.draft("name")),
        ])
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
