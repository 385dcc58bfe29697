import API
import Console
import Foundation
import Hummingbird
import JSONEnvelope
import Records
import SalesModel
import Synchronization
import Tenancy

/// Somebody signed in, on a page.
struct Visit: Sendable {
    let guest: Guest
    /// Of the path, in its order, percent-decoded.
    let parameters: [String]
    /// What was sent; empty where nothing was.
    let form: Form
    let token: SessionToken
    let session: ConsoleSession

    var words: Words { guest.words }
    var now: Date { guest.now }
    var role: Role { session.bearer.role }
    var tenant: Tenant? { session.tenant }

    /// A form that this session's pages did not make is not acted upon.
    func requireOwnForm() throws {
        guard token.accepts(formToken: form["csrf"]) else { throw ConsoleFault.foreignForm }
    }

    /// Nor is one whose page was made for another tenant than the session acts for now: another window may have chosen since, and what a
    /// platform key turns for no tenant it turns for all.
    func requireSameTenant() throws {
        guard role == .platform else { return }
        guard form.has("for") else { throw ConsoleFault.otherTenant }
        try requireTenant(form["for"])
    }

    /// Nor is anything taken out from a page of another tenant.
    func requireTenant(_ slug: String?) throws {
        guard slug ?? "" == session.actingFor?.slug ?? "" else { throw ConsoleFault.otherTenant }
    }

    /// Nor one of a page of another build: it may mean something else by its fields.
    func requireSameBuild() throws {
        let build = guest.request.headers[.build] ?? form.words("build")
        guard build == nil || build == Asset.build else { throw ConsoleFault.outdated }
    }
}

// MARK: Asking

extension Visit {
    /// What the API answers; throws its problem when that is none.
    func read(_ target: String) async throws -> JSONNode {
        let reply = await ask(Desk.Wish(.get, target))
        if let problem = reply.problem { throw problem }
        return try JSONEnvelope(reply.body, levels: 12, limits: .stored).root
    }

    /// The same of what takes long to count where there is very much of it. Nil: it is being counted still, and whoever asks in a moment is told,
    /// be it that it failed.
    func readCount(_ target: String) async throws -> JSONNode? {
        let (failures, count) = (guest.site.failedCounts, "\(tenant?.id.rawValue ?? 0) \(target)")
        if let failure = failures.take(count) { throw failure }
        let (answers, answer) = AsyncStream.makeStream(of: Result<JSONNode, any Error>?.self)
        Task {
            do {
                answer.yield(.success(try await read(target)))
            } catch {
                failures.note(error, of: count)
                answer.yield(.failure(error))
            }
        }
        let patience = Task {
            try await Task.sleep(for: Self.patience)
            answer.yield(nil)
        }
        defer { patience.cancel() }
        for await first in answers {
            if case .failure = first { _ = failures.take(count) }
            return try first?.get()
        }
        return nil
    }

    /// So long a page waits for what is counted before it is shown without.
    private static let patience = Duration.milliseconds(100)

    /// What the API answers; nil where there is no such thing.
    func readIfAny(_ target: String) async throws -> JSONNode? {
        do { return try await read(target) } catch let problem as Problem where problem.status == 404 { return nil }
    }

    /// A list that was searched for; where what was typed cannot be looked for, none and why, so that the page keeps its form.
    func search(_ target: String) async throws -> (list: JSONNode, refusal: Refusal?) {
        do { return (try await read(target), nil) } catch let problem as Problem where problem.status == 422 {
            return (try .emptyList(), Refusal(problem))
        }
    }

    /// Has the API do something, once however often the form is sent.
    ///
    /// - Parameter isForm: whether it is what the form asks for; what a page asks on the way to be drawn is nobody's wish.
    func act(
        _ method: HTTPRequest.Method, _ target: String, _ body: [UInt8], type: String = "application/json", isForm: Bool = true,
        onlyCreates: Bool = false
    ) async -> Desk.Reply {
        var wish = Desk.Wish(method, target, body)
        wish.type = type
        wish.onlyCreates = onlyCreates
        if isForm, [.post, .patch].contains(method), let key = form.words("idempotencyKey"), key.utf8.count <= 150 {
            wish.idempotencyKey = "console-\(key)"
        }
        return await ask(wish)
    }

    private func ask(_ wish: Desk.Wish) async -> Desk.Reply { await guest.desk.ask(named(wish), for: visitor) }

    func named(_ wish: Desk.Wish) -> Desk.Wish {
        var wish = wish
        if role == .platform { wish.tenant = session.actingFor?.slug }
        return wish
    }

    var visitor: Visitor {
        let (records, token, now) = (guest.site.records, token, guest.site.now)
        let welcome = Welcome()
        return Visitor(session.bearer) {
            await welcome.isStillGood {
                // Without Postgres nobody knows; then there is nothing to be read either.
                do { return try await records.session(token, now: now()) != nil } catch { return true }
            }
        }
    }
}

extension JSONNode {
    /// What a list is that holds nothing.
    static func emptyList() throws -> JSONNode { try JSONEnvelope(Array(#"{"items":[]}"#.utf8), levels: 2).root }
}

/// Whether a session is still good, asked no more often than a key's.
private final class Welcome: Sendable {
    private let known = Mutex<(isGood: Bool, until: ContinuousClock.Instant)>((true, .now + KeyRing.lifetime))

    func isStillGood(_ ask: () async -> Bool) async -> Bool {
        let known = known.withLock(\.self)
        guard known.until <= .now else { return known.isGood }
        let isGood = await ask()
        self.known.withLock { $0 = (isGood, .now + KeyRing.lifetime) }
        return isGood
    }
}
