import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Records
import Telemetry
import Tenancy

/// Answers a request: finds its endpoint, finds out who asks, runs it, and turns whatever failed into a problem.
struct Responder: HTTPResponder {
    private let api: API
    private let routes: RouteTable
    /// Pages for people, if there are any.
    private let site: (any Site)?

    init(_ api: API, site: (any Site)? = nil) {
        self.api = api
        self.site = site
        routes = RouteTable(API.endpoints)
    }

    func respond(to request: Request, context: RequestSource) async throws -> Response {
        if let site, site.serves(request) { return await visit(site, request, context) }
        let start = ContinuousClock.now
        let match = routes.match(request.method, request.uri.path)
        let traced = span(of: request, match)
        var response: Response
        do {
            response = try await answer(request, context, match, traced?.span).response
        } catch let error as HTTPParserError {
            traced?.span.end()
            throw error  // the connection speaks no HTTP any more; the server ends it
        } catch {
            response = problem(error, context).response
        }
        if request.method == .head { response = response.createHeadResponse() }
        if let traced { api.end(traced.span, of: request, to: traced.endpoint, status: Int(response.status.code)) }
        api.metrics.count(request: name(of: match), status: Int(response.status.code), took: ContinuousClock.now - start)
        return response
    }

    private func visit(_ site: any Site, _ request: Request, _ context: RequestSource) async -> Response {
        let start = ContinuousClock.now
        var response = await site.respond(to: request, from: context, asking: Desk(self, context))
        if request.method == .head { response = response.createHeadResponse() }
        api.metrics.count(request: (request.method.rawValue, "pages"), status: Int(response.status.code), took: .now - start)
        return response
    }

    /// The answer to a request from within the process.
    func answer(_ request: Request, from context: RequestSource) async -> Result<Answer, Problem> {
        let start = ContinuousClock.now
        let match = routes.match(request.method, request.uri.path)
        let result: Result<Answer, Problem>
        do { result = .success(try await answer(request, context, match, nil)) } catch { result = .failure(problem(error, context)) }
        let status =
            switch result {
            case .success(let answer): answer.status
            case .failure(let problem): problem.status
            }
        api.metrics.count(request: name(of: match), status: status, took: .now - start)
        return result
    }

    private func span(of request: Request, _ match: RouteTable.Match) -> (span: TracedSpan, endpoint: Endpoint)? {
        guard api.traces != nil, case .found(let index, _) = match else { return nil }
        let endpoint = routes.endpoints[index]
        return api.startSpan(of: request, to: endpoint).map { ($0, endpoint) }
    }

    private func answer(
        _ request: Request, _ context: RequestSource, _ match: RouteTable.Match, _ span: TracedSpan?
    ) async throws -> Answer {
        switch match {
        case .unknown: throw Problem.unknownRoute
        case .wrongMethod(let allowed): throw Problem.methodNotAllowed(allowed)
        case .found(let index, let parameters):
            let endpoint = routes.endpoints[index]
            let principal = try await admit(request, context, to: endpoint)
            let call = Call(
                request: request, parameters: parameters, principal: principal, visitor: context.visitor, api: api,
                connection: context.connection, span: span)
            // Who asks the process alone, such as a probe or a scraper, may add what they like.
            if !endpoint.takesQuery, endpoint.access != .open { try call.query { _ in } }
            do {
                if let principal, let user = principal.user { try await admit(user, principal, to: endpoint) }
                return try await endpoint.answer(call)
            } catch let refusal as AccessRefusal {
                throw try await problem(refusal, principal, endpoint)
            }
        }
    }

    /// Lets the request pass to the endpoint, or says why not. The body is not read before.
    private func admit(_ request: Request, _ context: RequestSource, to endpoint: Endpoint) async throws -> Principal? {
        guard endpoint.access != .open else { return nil }
        // Who comes from within came in by the same rule before.
        guard context.visitor != nil || api.transport.admits(peer: context.peer, forwardedProto: request.headers[.forwardedProto]) else {
            throw Problem.httpsRequired
        }
        let bearer = try await bearer(request, context)
        switch endpoint.access {
        case .open: return nil
        case .platform:
            guard bearer.role == .platform else { throw try await refusal(bearer, .platform, endpoint) }
            return bearer
        case .tenantOrAll where bearer.tenant == nil && request.headers[.kitelineTenant] == nil: return bearer
        case .tenant(let role), .tenantOrAll(let role):
            let principal = try await actor(bearer, request)
            guard principal.role.includes(role) else { throw try await refusal(principal, role, endpoint) }
            if let module = endpoint.module, principal.tenant?.settings.modulesOff.contains(module.rawValue) == true {
                throw Problem.moduleOff(module.rawValue)
            }
            return principal
        }
    }

    private func bearer(_ request: Request, _ context: RequestSource) async throws -> Principal {
        if let visitor = context.visitor { return visitor.principal }
        guard let key = request.sentKey, let principal = try await api.keys.principal(key) else { throw Problem.unauthorized }
        return principal
    }

    /// The bearer as one tenant's: a platform key names it, another key has its own and may name no other.
    private func actor(_ bearer: Principal, _ request: Request) async throws -> Principal {
        let named = request.headers[.kitelineTenant]
        if let own = bearer.tenant {
            guard named == nil || named == own.slug else { throw Problem.notFound }
            return bearer
        }
        guard let named else { throw Problem.tenantRequired }
        guard let slug = Slug(named), let principal = try await api.keys.principal(bearer, actingFor: slug) else {
            throw Problem.noSuchTenant(named)
        }
        return principal
    }

    /// Lets a person's key pass to the endpoint, where the endpoint does not ask their policies itself.
    private func admit(_ user: String, _ principal: Principal, to endpoint: Endpoint) async throws {
        switch endpoint.people {
        case .judged, .harmless: return
        case .unheld:
            guard let tenant = principal.tenant else { return }
            guard try await api.records.accessJudge(of: user, of: tenant.id).isHeldToCities else { return }
            try await api.records.noteRefusal(of: principal.actor, tenant: tenant.id, name(of: endpoint), code: "data_domain")
            throw Problem.beyondDomain(user)
        case .never:
            try await api.records.noteRefusal(of: principal.actor, tenant: principal.tenant?.id, name(of: endpoint), code: "not_for_people")
            throw Problem.notForPeople
        }
    }

    /// A person's refusal, written down with the policy it comes from.
    private func problem(_ refusal: AccessRefusal, _ principal: Principal?, _ endpoint: Endpoint) async throws -> Problem {
        let code = refusal.verdict.refusal?.rawValue ?? ""
        try await api.records.noteRefusal(
            of: principal?.actor ?? "nobody", tenant: principal?.tenant?.id, name(of: endpoint), code: code,
            policy: refusal.verdict.producedBy?.policy.id)
        return Problem(refusal)
    }

    private func name(of endpoint: Endpoint) -> String { "\(endpoint.method.rawValue) \(endpoint.path)" }

    /// A refusal that is written down.
    private func refusal(_ principal: Principal, _ needed: Role, _ endpoint: Endpoint) async throws -> Problem {
        try await api.records.noteRefusal(
            of: principal.actor, tenant: principal.tenant?.id, "\(endpoint.method.rawValue) \(endpoint.path)", needed: needed)
        return .forbidden(needed.rawValue)
    }

    private func problem(_ error: any Error, _ context: RequestSource) -> Problem {
        let problem = Problem(error)
        if problem.status == 500 { context.logger.error("request failed", metadata: ["error": "\(error)"]) }
        // Who asked has gone: nobody is answered, and nothing is wrong.
        if problem.status == 503, !Task.isCancelled {
            context.logger.warning("request could not be served", metadata: ["error": "\(error)"])
        }
        return problem
    }

    private func name(of match: RouteTable.Match) -> (method: String, path: String) {
        guard case .found(let index, _) = match else { return ("", "unknown") }
        return (routes.endpoints[index].method.rawValue, routes.endpoints[index].path)
    }
}

extension Request {
    /// The key it was sent with, whoever's it is; nil when it has none that could be one.
    var sentKey: APIKey? { headers[.authorization].flatMap { bearerKey(in: $0) } }
}

/// The key of an Authorization header, if it holds one.
func bearerKey(in header: String) -> APIKey? {
    guard header.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
    return APIKey(header.dropFirst(7).trimmingCharacters(in: .whitespaces))
}

/// What the server knows of a request beside its head and body.
public struct RequestSource: InitializableFromSource, RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The address at the other end; nil on a Unix socket.
    public let peer: String?
    let connection: any Channel
    /// Set where it comes from within the process.
    var visitor: Visitor?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress
        connection = source.channel
    }
}
