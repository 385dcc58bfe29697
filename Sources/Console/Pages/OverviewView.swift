import Foundation
import JSONEnvelope

/// What the jobs of all tenants do: what a platform key sees that acts for nobody.
public enum OverviewView {
    /// - Parameter overview: `GET /v1/overview`
    public static func page(_ layout: Layout, _ clerk: Clerk, _ overview: JSONNode) -> View {
        let words = layout.words
        let tenants = overview["tenants"]?.elements ?? []
        let kinds = (overview["kinds"]?.elements ?? []).map { (name: words.known("kind", $0["kind"]?.string ?? ""), sums: $0) }
        let failures = overview["failures"]?.elements ?? []
        let alerts = overview["alerts"]?.elements ?? []
        let all = Int(overview["tenants_with_jobs"]?.integer ?? 0)
        let alerted = Int(overview["tenants_with_alerts"]?.integer ?? 0)
        return layout.page(
            words["now_title"],
            [
                "asOf": clerk.when(overview["as_of"]?.date ?? clerk.now), "indexAway": .flag(overview["index"]?.string == "away"),
                "chooseAction": .text(Layout.path("tenant")), "hasAlerts": .flag(!alerts.isEmpty),
                "alerts": .list(alerts.map { alert($0, clerk) }),
                "alertsMore": .text(
                    alerted > alerts.count ? words["overview_alerts_more", ["n": clerk.number(alerted - alerts.count)]] : nil),
                "tiles": .list(tiles(overview, tenants, clerk)),
                "hasKinds": .flag(!kinds.isEmpty), "kinds": .list(kinds.sorted { $0.name < $1.name }.map { kind($0.name, $0.sums, clerk) }),
                "hasTenants": .flag(!tenants.isEmpty), "tenants": .list(tenants.map { tenant($0, clerk) }),
                "tenantsLead": .text(
                    all > tenants.count
                        ? words["overview_busiest", ["n": clerk.number(tenants.count), "all": clerk.number(all)]]
                        : words["tenants_list_lead"]),
                "hasFailures": .flag(!failures.isEmpty), "failures": .list(failures.map { failure($0, clerk) }),
            ])
    }

    private static func tiles(_ overview: JSONNode, _ tenants: [JSONNode], _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let oldest = tenants.compactMap { $0["oldest_claimable_ms"]?.double }.max()
        let share = overview["failure_share"]?.double
        let letters = overview["dead_letters"]?.integer ?? 0
        return [
            .tile(words["state_running"], clerk.number(overview["running"]) ?? "–", words["now_tile_running"]),
            .tile(words["tenants_waiting"], clerk.number(overview["ready"]) ?? "–", words["overview_waiting_note"]),
            .tile(words["now_oldest"], clerk.span(milliseconds: oldest) ?? "–", words["overview_oldest_note"]),
            .tile(words["tenants_lately"], clerk.number(overview["ended"]) ?? "–", words["now_tile_ended"]),
            .tile(
                words["now_failed"], clerk.failures(share), words["overview_failed_note", ["n": clerk.number(overview["failed"]) ?? "–"]],
                .ofFailures(share)),
            .tile(words["nav_dead_letters"], clerk.number(Int(letters)), words["overview_letters_note"], letters > 0 ? .warn : .plain),
        ]
    }

    private static func alert(_ node: JSONNode, _ clerk: Clerk) -> View {
        let codes = (node["codes"]?.elements ?? []).map { code in
            let (name, open) = (clerk.words.known("alert", code["code"]?.string ?? ""), Int(code["open"]?.integer ?? 0))
            return open == 1 ? name : clerk.words["overview_alerts", ["alert": name, "n": clerk.number(open)]]
        }
        return [
            "slug": .text(node["slug"]?.string), "state": .chip(.bad, clerk.words["now_alert_label"]),
            "since": clerk.when(node["newest_at"]),
            "alertText": .text(codes.joined(separator: clerk.words["list_separator"])),
        ]
    }

    /// What the lines of kinds and of tenants say alike.
    private static func sums(_ node: JSONNode, _ clerk: Clerk) -> [String: View] {
        [
            "running": .text(clerk.number(node["running"]) ?? "–"), "ready": .text(clerk.number(node["ready"]) ?? "–"),
            "ended": .text(clerk.number(node["ended"]) ?? "–"), "failedShare": .text(clerk.failures(node["failure_share"]?.double)),
            "deadLetters": .text(clerk.number(node["dead_letters"]) ?? "–"),
        ]
    }

    private static func kind(_ name: String, _ node: JSONNode, _ clerk: Clerk) -> View {
        .object(sums(node, clerk).merging(["kindName": .text(name)]) { $1 })
    }

    private static func tenant(_ node: JSONNode, _ clerk: Clerk) -> View {
        let slug = node["slug"]?.string ?? ""
        let (received, entitled) = (node["share_received"]?.double, node["share_entitled"]?.double)
        let own: [String: View] = [
            "slug": .text(slug),
            "paused": .text(node["paused"]?.bool == true ? clerk.words["tenants_paused"] : nil),
            "weight": .text(clerk.number(node["weight"])),
            "oldest": .text(clerk.span(milliseconds: node["oldest_claimable_ms"]?.double) ?? "–"),
            "share": .text(received.map { clerk.percent($0) } ?? "–"), "shareX": .text(Picture.length(received ?? 0)),
            "entitledX": .text(entitled.map { Picture.mark($0) }),
        ]
        return .object(sums(node, clerk).merging(own) { $1 })
    }

    private static func failure(_ node: JSONNode, _ clerk: Clerk) -> View {
        let (name, meaning) = clerk.cause(node["cause"]?.string ?? "")
        return ["className": .text(name), "classMeaning": .text(meaning), "count": .text(clerk.number(node["count"]))]
    }
}
