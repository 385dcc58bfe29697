import Foundation
import JSONEnvelope

/// Who shares the fleet, by what right and with what use; one of them in full, and whom a platform key acts for.
public enum TenantsView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/tenants`
        public var tenants: JSONNode
        /// `GET /v1/usage`
        public var usage: JSONNode
        /// Names of the packs a tenant may begin with.
        public var packs: [String]
        /// The one that is shown in full; nil: none is.
        public var shown: One?
        /// A key that was just made, and never again: the answer of `POST …/keys`.
        public var newKey: JSONNode?

        public init(tenants: JSONNode, usage: JSONNode, packs: [String]) {
            self.tenants = tenants
            self.usage = usage
            self.packs = packs
        }

        func usage(of slug: String) -> JSONNode? { usage["items"]?.elements.first { $0["slug"]?.string == slug } }
    }

    /// One tenant, as the API answers it.
    public struct One: Sendable {
        /// Of `GET /v1/tenants?slug=`
        public var tenant: JSONNode
        /// Of `GET /v1/usage?slug=`
        public var usage: JSONNode?
        /// `GET /v1/tenants/{slug}/keys`
        public var keys: JSONNode?

        public init(tenant: JSONNode, usage: JSONNode?, keys: JSONNode?) {
            self.tenant = tenant
            self.usage = usage
            self.keys = keys
        }

        var slug: String { tenant["slug"]?.string ?? "" }
    }

    /// What the page calls what the API is asked for.
    private static let labels = ["tenant": "word_tenant", "prefix": "tenants_find"]

    /// - Parameters:
    ///   - search: what the names were asked to begin with.
    ///   - goOn: the page that was asked for without a tenant, which choosing one leads to; nil: none was.
    ///   - fault: why there is no such page of the list, or why none is shown in full; nil: none was asked for, or it is.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, search: String, isFirst: Bool, goOn: String? = nil, once: String,
        refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let words = layout.words
        let tenants = facts.tenants["items"]?.elements ?? []
        let path = Layout.path("tenants")
        let isSearch = !search.isEmpty
        let clear = path + query([("next", goOn)])
        return layout.page(
            words["tenants_title"],
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) } ?? fault.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "isListed": .flag(fault?.isOfPage != true),
                "chooseAction": .text(Layout.path("tenant")), "isChoosing": .flag(goOn != nil), "goOn": .text(goOn),
                "newKey": facts.newKey.map { newKey($0, facts, words) } ?? .nothing,
                "searchAction": .text(path), "query": ["q": .text(search)], "hasTenants": .flag(!tenants.isEmpty),
                "tenants": .list(tenants.map { row($0, facts, clerk) }),
                "pager": Pager.view(
                    words, shown: tenants.count, first: isFirst ? nil : path + query([("q", search), ("next", goOn)]),
                    next: facts.tenants["next_cursor"]?.string.map { path + query([("cursor", $0), ("q", search), ("next", goOn)]) }),
                "emptyTitle": .text(words[isSearch ? "tenants_nobody_found" : "tenants_nobody"]),
                "emptyWhy": .text(words[isSearch ? "tenants_nobody_found_why" : "tenants_nobody_why"]), "emptyLink": .flag(isSearch),
                "emptyHref": .text(clear), "emptyLabel": .text(words["word_clear"]),
                "one": facts.shown.map { TenantPanel(layout: layout, clerk: clerk, one: $0, once: once, refusal: refusal).view }
                    ?? .nothing,
                "create": create(layout, facts.packs, once: once, refusal),
            ])
    }

    private static func newKey(_ key: JSONNode, _ facts: Facts, _ words: Words) -> View {
        let role = words.known("role", key["role"]?.string ?? "")
        return [
            "keyText": .text(key["key"]?.string), "keyFor": .text(words["key_for", ["role": role, "tenant": facts.shown?.slug ?? ""]]),
        ]
    }

    private static func row(_ tenant: JSONNode, _ facts: Facts, _ clerk: Clerk) -> View {
        let words = clerk.words
        let slug = tenant["slug"]?.string ?? ""
        let usage = facts.usage(of: slug)
        let isPaused = tenant["paused_at"]?.string != nil
        let (received, entitled) = (usage?["share_received"]?.double, usage?["share_entitled"]?.double)
        return [
            "tenantHref": .text(Layout.path("tenants") + query([("tenant", slug)]) + "#tenant"), "slug": .text(slug),
            "isShown": .flag(slug == facts.shown?.slug),
            "state": isPaused ? .chip(.warn, words["tenants_paused"]) : .chip(.good, words["tenants_active"]),
            "pausedWhy": .text(isPaused ? tenant["paused_reason"]?.string : nil), "weight": .text(clerk.number(tenant["weight"])),
            "cap": .text(clerk.number(tenant["cap"])),
            "rate": .text(clerk.number(tenant["rate"]).map { words["tenants_per_second", ["n": $0]] } ?? words["breaker_no_limit"]),
            "ready": .text(clerk.number(usage?["ready"]) ?? "–"), "lastHour": .text(clerk.number(usage?["ended"]) ?? "–"),
            "share": .text(received.map { clerk.percent($0) } ?? "–"), "shareX": .text(Picture.length(received ?? 0)),
            "entitledX": .text(entitled.map { Picture.mark($0) }),
        ]
    }

    private static func create(_ layout: Layout, _ packs: [String], once: String, _ refusal: Refusal?) -> View {
        let control = Control("create", action: Layout.path("tenants"), once: once, refusal: refusal)
        return control.view([
            "slugDraft": .text(control.draft("slug")), "weightDraft": .text(control.draft("weight", "1")),
            "packOptions": .list(
                Option.list(
                    packs.map { ($0, layout.words.known("pack", $0)) }, chosen: control.draft("pack"), all: layout.words["tenants_no_pack"])
            ),
        ])
    }
}
