import Foundation
import JSONEnvelope
import SalesModel
import Tenancy

/// What every page has around its own matter: who is here, for whom, and where they can go.
public struct Layout: Sendable {
    public let words: Words
    public let theme: Theme
    /// Path and query of this page, to come back to.
    public let path: String
    /// What forms of this session carry; nil: nobody is signed in.
    public var formToken: String?
    public var role: Role?
    /// Whose key it is that signed in; nil: nobody's in particular.
    public var person: String?
    /// Whose data the pages show.
    public var tenant: String?
    /// Whom a platform key may act for.
    public var tenants: [String] = []
    /// Sentences to begin the page with: what was just done.
    public var notices: [Notice] = []
    /// The area the page belongs to.
    public var area = ""
    /// How much of the console is there for who signed in.
    public var reach = Reach.everything

    /// What of the navigation is offered: no door that would be shut.
    public enum Reach: Sendable {
        case everything
        /// A person's key never tells of rules, on which permissions rest.
        case allButRules
        /// Who is held to cities sees what the policies judge one by one.
        case leadsOnly

        /// Whether an area of the navigation is there.
        public func includes(_ area: String) -> Bool {
            switch self {
            case .everything: true
            case .allButRules: !["rules", "rollouts", "permissions"].contains(area)
            case .leadsOnly: ["leads", "sellers"].contains(area)
            }
        }
    }

    /// The first page of the list that this page is of.
    var firstPage: String {
        let parts = path.split(separator: "?", maxSplits: 1)
        let kept = parts.dropFirst().flatMap { $0.split(separator: "&") }.filter { !$0.hasPrefix("cursor=") && !$0.hasPrefix("done=") }
        return String(parts.first ?? "") + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    /// Where something leads; nil where it is no door for this reader.
    func door(_ path: String, in area: String) -> String? { reach.includes(area) ? Layout.path(path) : nil }

    public init(_ words: Words, theme: Theme, path: String) {
        self.words = words
        self.theme = theme
        self.path = path
    }

    public struct Notice: Sendable, Hashable {
        public var tone: Tone
        public var text: String
        /// Where it leads; nil: nowhere.
        public var href: String?

        public init(_ tone: Tone, _ text: String, href: String? = nil) {
            self.tone = tone
            self.text = text
            self.href = href
        }

        fileprivate func view(_ words: Words) -> View {
            [
                "noticeTone": .text(tone.rawValue), "noticeText": .text(text), "noticeHref": .text(href),
                "noticeLinkLabel": .text(words["word_go_on"]),
            ]
        }
    }

    /// Who is signed in, as they are told: whose key it is, and its role; nil: nobody.
    var visitor: String? {
        role.map { role in [person, words.known("role", role.rawValue)].compactMap(\.self).joined(separator: " · ") }
    }

    /// The tenant a platform key has chosen; nil: none, or its own key is a tenant's.
    var actingFor: String? { role == .platform ? tenant : nil }

    /// Whether one who is signed in may do what is asked of `needed`.
    public func may(_ needed: Role) -> Bool { role?.includes(needed) ?? false }
}

/// How something is to be taken.
public enum Tone: String, Sendable {
    case good, bad, warn, info, idle
    case plain = ""
}

extension Layout {
    /// A page's view within this layout.
    ///
    /// - Parameter title: stands in the browser's tab.
    public func page(_ title: String, _ members: [String: View]) -> View {
        View.object(members).merging(["t": words.view, "layout": view(title)])
    }

    private func view(_ title: String) -> View {
        var view: [String: View] = [
            "lang": .text(words.language == .chinese ? "zh-CN" : "en"), "theme": .text(theme.rawValue), "title": .text(title),
            "assets": .text(Asset.path), "build": .text(Asset.build), "path": .text(path), "csrf": .text(formToken ?? ""),
            // Forms say it, so that none is sent for another tenant than its page was made for.
            "actingFor": .text(actingFor ?? ""),
            "homeHref": .text(Self.path(home)),
            "preferencesAction": .text(Self.path("preferences")),
            "isEnglish": .flag(words.language == .english), "isChinese": .flag(words.language == .chinese),
            "isThemeAuto": .flag(theme == .auto), "isThemeLight": .flag(theme == .light), "isThemeDark": .flag(theme == .dark),
            "notices": .list(notices.map { $0.view(words) }),
            "nav": .list(role == nil ? [] : navigation), "tenant": tenant.map { ["tenantName": .text($0)] } ?? .nothing,
            // Who is held to cities is told of no tenant's events; the page is read again now and then.
            "eventsHref": tenant == nil || reach == .leadsOnly ? .nothing : .text(Self.path("events")), "tenantChoice": .nothing,
            "signOutAction": .nothing,
            "roleName": .nothing,
        ]
        if let visitor {
            view["roleName"] = .text(visitor)
            view["signOutAction"] = .text(Self.path("sign-out"))
        }
        if role == .platform, !tenants.isEmpty {
            view["tenantChoice"] = [
                "action": .text(Self.path("tenant")),
                "options": .list(
                    Option.list(tenants.map { ($0, $0) }, chosen: tenant ?? "", all: words["layout_all_tenants"])),
            ]
        }
        return .object(view)
    }

    /// Where the pages are, in the order people look for them; those that nobody of this role may see are left out.
    private var navigation: [View] {
        let all: [(heading: String, areas: [String])] = [
            (
                "nav_operate",
                ["now"] + (tenant == nil ? [] : ["jobs", "dead-letters", "breakers"]) + (may(.platform) ? ["workers", "tenants"] : [])
                    + (may(.operator) ? ["audit"] : [])
            ),
            ("nav_change", tenant == nil ? [] : ["rules", "rollouts"] + (may(.operator) ? ["permissions"] : [])),
            ("nav_sell", tenant == nil ? [] : ["leads", "sellers", "overdue", "forecast", "process-health"]),
        ]
        let groups = all.map { (heading: $0.heading, areas: $0.areas.filter(reach.includes)) }.filter { !$0.areas.isEmpty }
        return groups.map { group in
            ["heading": .text(words[group.heading]), "links": .list(group.areas.map(link))]
        }
    }

    private var home: String { reach.includes("now") ? "now" : "leads" }

    private func link(_ area: String) -> View {
        [
            "href": .text(Self.path(area)), "isCurrent": .flag(area == self.area), "icon": .text(area),
            "linkLabel": .text(words["nav_\(area.replacing("-", with: "_"))"]),
        ]
    }

    /// `/console/…`
    public static func path(_ place: String) -> String { "/console/\(place)" }
}

extension View {
    /// For the template `chip`; it begins with a capital, wherever its words come from.
    public static func chip(_ tone: Tone, _ label: String) -> View {
        ["tone": .text(tone.rawValue), "label": .text(label.withCapital)]
    }
}
