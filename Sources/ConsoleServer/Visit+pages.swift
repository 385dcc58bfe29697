import API
import Console
import Foundation
import Hummingbird
import JSONEnvelope
import Records
import SalesModel
import Tenancy

extension Visit {
    /// A page in this visitor's frame.
    ///
    /// - Parameters:
    ///   - area: which part of the navigation it belongs to.
    ///   - nodes: what the page tells of; keys that did something there are called by their names, for operators.
    ///   - spoken: numbers of other keys it speaks of.
    ///   - make: its view, from the layout and a clerk who writes in the visitor's language and the tenant's time.
    func page(
        _ template: String, area: String, telling nodes: [JSONNode?] = [], keys spoken: Set<Int64> = [], refusal: Refusal? = nil,
        _ make: (Layout, Clerk) throws -> View
    ) async throws -> Response {
        var clerk = clerk
        let keys = nodes.reduce(into: spoken) { $0.formUnion($1.map(Clerk.keys(in:)) ?? []) }
        // Who may read the audit log, which tells them too.
        if role.includes(.operator) {
            clerk.keyNames = try await guest.site.records.keyNames(keys, of: tenant?.id, all: role == .platform).mapValues { name in
                switch name {
                case .named(let name): name
                case .ofPlatform: words["actor_of_platform"]
                }
            }
        }
        let layout = try await layout(area)
        let isAnswered = guest.query != nil && guest.unknownParameters.isEmpty
        return .html(Templates.all.page(template, try make(layout, clerk)), status: refusal?.status ?? (isAnswered ? 200 : 400))
    }

    var clerk: Clerk { Clerk(words, now: now, zone: tenant?.settings.timeZone) }

    private func layout(_ area: String) async throws -> Layout {
        var layout = guest.layout(of: token, session)
        layout.area = area
        layout.reach = try await reach()
        if role == .platform {
            let found = try await read("/v1/tenants?limit=500")["items"]?.elements.compactMap { $0["slug"]?.string } ?? []
            // Where there are more, the one that is acted for is still the one that is chosen.
            layout.tenants = Set(found + [tenant?.slug].compactMap(\.self)).sorted()
        }
        if guest.query == nil { layout.notices.append(.init(.bad, words["address_unread"])) }
        let done = guest.parameter("done")
        let unknown = guest.unknownParameters.prefix(3).map { String($0.prefix(40)) }
        if !unknown.isEmpty {
            let names = unknown.joined(separator: words["list_separator"])
            layout.notices.append(.init(.bad, words["address_unknown", ["names": names]]))
        }
        if let done, let text = words.all["done_\(done)"] { layout.notices.append(.init(.good, text)) }
        return layout
    }

    /// A person's key sees less than one that is nobody's.
    func reach() async throws -> Layout.Reach {
        guard let user = session.bearer.user, let tenant else { return .everything }
        return try await guest.site.records.accessJudge(of: user, of: tenant.id).isHeldToCities ? .leadsOnly : .allButRules
    }

    /// Lets a form of this page be sent again and be done once.
    func fresh() -> String { (0..<4).map { _ in String(UInt32.random(in: .min ... .max), radix: 36) }.joined(separator: "-") }

    /// Goes to a page that says what was done, or shows `page` again with why it was not.
    func finish(
        _ reply: Desk.Reply, form id: String, done: String?, to path: String, else page: (Refusal) async throws -> Response
    ) async throws -> Response {
        guard let problem = reply.problem else {
            guard let done else { return .seeOther(path) }
            return .seeOther(path + (path.contains("?") ? "&" : "?") + "done=\(done)")
        }
        return try await page(Refusal(problem, form: id, draft: form))
    }
}

// MARK: What there is none of

extension Visit {
    /// Why nothing is looked for in a team; nil: there is such a team, or none is asked for. The API refuses no team: of one that is not there
    /// it tells nothing, as of one that has nothing to do.
    func fault(ofTeam team: String, among sellers: SellerNames) async throws -> Refusal? {
        if team.isEmpty || sellers.hasTeam(team) { return nil }
        return try await hasAny("/v1/sellers?limit=1&team=\(encoded(team))") ? nil : .unknownTeam
    }

    /// Whether a list has anything in it.
    func hasAny(_ target: String) async throws -> Bool { try await read(target)["items"]?.elements.isEmpty == false }
}

// MARK: Names

extension Visit {
    /// Leads by their numbers, the first hundred, for what they are called; nil: there are none, or this person's key may not ask for them.
    func leads(_ ids: [String]) async throws -> JSONNode? {
        guard !ids.isEmpty else { return nil }
        do {
            return try await read("/v1/leads" + query([("limit", "100"), ("ids", ids.prefix(100).joined(separator: ","))]))
        } catch let problem as Problem where problem.status == 403 {
            return nil
        }
    }

    /// The sellers that most tenants have no more than; asked for beside what a page shows.
    func firstSellers() async throws -> JSONNode { try await read("/v1/sellers?limit=500") }

    /// Names for a page that speaks of `nodes`, and of `others`: of the first sellers, and where a tenant has more, of those that are spoken of.
    func names(_ first: JSONNode, of others: [String] = [], in nodes: JSONNode?...) async throws -> SellerNames {
        guard first["next_cursor"]?.string != nil else { return SellerNames(first) }
        // Commas stand between ids; who has one in theirs is shown by it.
        var unknown = SellerNames(first).unknown(in: nodes, and: others).filter { !$0.contains(",") }[...]
        var read: [JSONNode] = []
        while !unknown.isEmpty {
            // As many as fit into a query of 8,000 characters, where each may have 200.
            let ids = unknown.prefix(39).joined(separator: ",")
            unknown = unknown.dropFirst(39)
            read += try await self.read("/v1/sellers?limit=39&ids=\(encoded(ids))")["items"]?.elements ?? []
        }
        return SellerNames(first, and: read)
    }
}

extension Optional {
    func asyncFlatMap<R>(_ transform: (Wrapped) async throws -> R?) async rethrows -> R? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
