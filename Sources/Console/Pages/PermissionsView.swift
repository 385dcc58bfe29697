import Foundation
import JSONEnvelope

/// Who may do what where, by which policy; what a change would take from whom; what the probe found.
public enum PermissionsView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/access/policies`
        public var policies: JSONNode
        /// `GET /v1/access/versions`
        public var versions: JSONNode
        /// `GET /v1/alerts?open=true`
        public var alerts: JSONNode
        /// Whom is asked about, and where.
        public var user = ""
        public var city = ""
        /// `GET /v1/access/effective`, one for each action; empty: nobody was asked about.
        public var verdicts: [JSONNode] = []

        public init(policies: JSONNode, versions: JSONNode, alerts: JSONNode) {
            self.policies = policies
            self.versions = versions
            self.alerts = alerts
        }
    }

    /// What a change would come to; nothing is changed.
    public struct Check: Sendable {
        /// The form as it was sent, which stays as it is.
        public var draft: Form
        /// `POST /v1/access/check`
        public var forecast: JSONNode

        public init(draft: Form, forecast: JSONNode) {
            self.draft = draft
            self.forecast = forecast
        }
    }

    /// Losses that are shown one by one.
    private static let shown = 200
    static let alertCode = "access_probe_failed"

    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, check: Check? = nil, once: String, refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let policies = facts.policies["policies"]?.elements ?? []
        let versions = facts.versions["items"]?.elements ?? []
        let failures = (facts.alerts["items"]?.elements ?? []).filter { $0["code"]?.string == alertCode }
        let version = facts.policies["version"]?.integer ?? 0
        return layout.page(
            words["permissions_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(words) } ?? .nothing,
                "askAction": .text(Layout.path("permissions")), "askUser": .text(facts.user), "askCity": .text(facts.city),
                "hasVerdicts": .flag(!facts.verdicts.isEmpty), "verdicts": .list(facts.verdicts.map { verdict($0, words) }),
                "versionWords": .text(
                    version == 0 ? words["permissions_none_yet"] : words["permissions_version", ["n": clerk.number(Int(version))]]),
                "hasPolicies": .flag(!policies.isEmpty), "policies": .list(policies.map { policy($0, words) }),
                "hasRoles": .flag(facts.policies["roles"]?.members.isEmpty == false),
                "roles": .list((facts.policies["roles"]?.members ?? []).map { role($0.key, $0.value, words) }),
                "editor": editor(facts, check, base: version, once: once, refusal, clerk),
                "probe": Control("probe", action: Layout.path("permissions/probe"), once: once, refusal: refusal).view(),
                "hasFailures": .flag(!failures.isEmpty), "failures": .list(failures.map { failure($0, clerk) }),
                "hasVersions": .flag(!versions.isEmpty),
                "versions": .list(versions.map { kept($0, current: version, once: once, refusal, clerk) }),
            ])
    }

    // MARK: Who may do what

    private static func verdict(_ verdict: JSONNode, _ words: Words) -> View {
        let isAllowed = verdict["allowed"]?.bool == true
        // Then the row has said everything but this.
        let isUndenied = isAllowed && ["policy", "cities"].allSatisfy { verdict[$0].map { $0.type == .null } ?? true }
        return [
            "action": .text(words.known("action", action(verdict["action"]))),
            "verdict": .chip(isAllowed ? .good : .bad, words[isAllowed ? "permission_allowed" : "permission_denied"]),
            "why": .text(isUndenied ? words["permissions_no_policy"] : verdict["explanation"]?[words.language.rawValue]?.string),
        ]
    }

    /// `lead.create` as words are named: `lead_create`.
    private static func action(_ node: JSONNode?) -> String { (node?.string ?? "").replacing(".", with: "_") }

    private static func policy(_ policy: JSONNode, _ words: Words) -> View {
        let isDenial = policy["effect"]?.string == "deny"
        let actions = policy["actions"]?.elements.map { words.known("action", action($0)) } ?? []
        let cities = policy["cities"]?.elements.compactMap(\.string)
        return [
            "policyId": .text(policy["id"]?.string),
            "effect": .chip(isDenial ? .bad : .good, words[isDenial ? "permission_denied" : "permission_allowed"]),
            "toWhom": .text(subject(policy, words)), "actions": .text(actions.joined(separator: words["list_separator"])),
            "cities": .text(cities.map { $0.joined(separator: words["list_separator"]) } ?? words["permissions_everywhere"]),
        ]
    }

    /// Of a policy, or of what a verdict names: each part that is said narrows it.
    private static func subject(_ policy: JSONNode, _ words: Words) -> String {
        let to = policy["to"] ?? policy
        let parts = ["user", "team", "role"].compactMap { name in
            to[name]?.string.map { words["permission_to_\(name)", ["name": name == "role" ? words.known("people_role", $0) : $0]] }
        }
        return parts.isEmpty ? words["permission_to_everyone"] : parts.joined(separator: words["list_separator"])
    }

    private static func role(_ name: String, _ people: JSONNode, _ words: Words) -> View {
        ["roleName": .text(name), "rolePeople": .text(people.elements.compactMap(\.string).joined(separator: words["list_separator"]))]
    }

    // MARK: Changing it

    private static func editor(
        _ facts: Facts, _ check: Check?, base: Int64, once: String, _ refusal: Refusal?, _ clerk: Clerk
    ) -> View {
        let control = Control("edit", action: Layout.path("permissions"), once: once, refusal: refusal)
        let losses = check?.forecast["losses"]?.elements ?? []
        let total = Int(check?.forecast["total_losses"]?.integer ?? 0)
        let warnings = check?.forecast["warnings"]?.elements ?? []
        let confirmation = check?.forecast["confirmation"]?.string
        func drafted(_ name: String, _ standard: String = "") -> String { check?.draft[name] ?? control.draft(name, standard) }
        return control.view([
            "source": .text(drafted("source", written(facts.policies))), "reason": .text(drafted("reason")), "base": .text(String(base)),
            "isChecked": .flag(check != nil), "isHarmless": .flag(check != nil && losses.isEmpty), "hasLosses": .flag(!losses.isEmpty),
            "lossTitle": .text(clerk.words["permissions_losses", ["n": clerk.number(total)]]),
            "losses": .list(losses.prefix(shown).map { loss($0, clerk.words) }),
            "moreLosses": .text(total > shown ? clerk.words["permissions_more", ["n": clerk.number(total - shown)]] : nil),
            "hasWarnings": .flag(!warnings.isEmpty),
            "warnings": .list(
                warnings.map { ["warningPolicy": .text($0["policy"]?.string), "warningWords": .text($0["message"]?.string)] }),
            "confirmation": .text(confirmation), "typed": .text(drafted("confirmation")),
            "confirmationWords": .text(confirmation.map { clerk.words["permissions_type", ["words": $0]] }),
        ])
    }

    /// What counts now, as it can be written again.
    private static func written(_ policies: JSONNode) -> String {
        let kept = JSONWriter.object { object in
            for name in ["policies", "roles", "city_fields"] {
                if let value = policies[name] { object.member(name, json: Array(value.bytes)) }
            }
        }
        return (try? JSONEnvelope(kept, levels: 6, limits: .stored).root).map { Indented.text($0) } ?? ""
    }

    private static func loss(_ loss: JSONNode, _ words: Words) -> View {
        func list(_ name: String) -> String? {
            guard let cities = loss[name]?.elements.compactMap(\.string), !cities.isEmpty else { return nil }
            return cities.joined(separator: words["list_separator"])
        }
        let allBut = list("only_in").map { words["permissions_all_but", ["cities": $0]] }
        return [
            "lossUser": .text(loss["user"]?.string), "lossAction": .text(words.known("action", action(loss["action"]))),
            "lossWhere": .text(list("cities") ?? allBut ?? words["permissions_everywhere"]),
            "lossWhy": .text(loss["explanation"]?[words.language.rawValue]?.string),
        ]
    }

    // MARK: What the probe found, and what was before

    private static func failure(_ alert: JSONNode, _ clerk: Clerk) -> View {
        let (detail, words) = (alert["detail"], clerk.words)
        let cause = detail?["cause"]?.string ?? ""
        return [
            // Permissions that cannot be read are of no action.
            "failedAction": .text(
                detail?["action"] == nil ? words["permissions_policies"] : words.known("action", action(detail?["action"]))),
            "failedFor": .text(
                [detail?["role"]?.string.map { words.known("people_role", $0) }, domain(detail, words), detail?["user"]?.string]
                    .compactMap(\.self).joined(separator: " · ")),
            "failedWhy": .text(
                [words.known("probe_cause", cause), detail?["message"]?.string].compactMap(\.self).joined(separator: ": ")),
            "failedSince": clerk.when(alert["first_at"]),
        ]
    }

    /// The city, or all that failed where many did.
    private static func domain(_ detail: JSONNode?, _ words: Words) -> String? {
        detail?["domains"]?.elements.compactMap(\.string).joined(separator: words["list_separator"]) ?? detail?["domain"]?.string
    }

    private static func kept(_ version: JSONNode, current: Int64, once: String, _ refusal: Refusal?, _ clerk: Clerk) -> View {
        let (number, words) = (version["version"]?.integer ?? 0, clerk.words)
        let restored = version["restored_from"]?.integer
        let control = Control(
            "restore-\(number)", action: Layout.path("permissions/versions/\(number)/restore"), once: once, refusal: refusal)
        // Only the refusal tells them: nothing foresees what another version would take.
        let unconfirmed = control.refusal?.faults.first { $0.field == "confirmation" }
        let wanted = unconfirmed.flatMap { Sentences.value("text", in: $0.message) }
        return [
            "versionName": .text(words["permissions_version", ["n": clerk.number(Int(number))]]),
            "versionState": number == current ? .chip(.good, words["permissions_counts"]) : .nothing,
            "versionWords": .text(
                [
                    restored.map { words["permissions_restored", ["n": clerk.number(Int($0))]] }, clerk.actor(version["actor"]?.string),
                    version["reason"]?.string,
                ].compactMap(\.self).joined(separator: " · ")), "saved": clerk.when(version["created_at"]),
            "restore": number == current
                ? .nothing
                : control.view([
                    "typed": .text(control.draft("confirmation")), "needsWords": .flag(control.refusal != nil),
                    "wantedWords": .text(wanted.map { words["permissions_type", ["words": $0]] }), "restoreId": .text(String(number)),
                ]),
        ]
    }
}
