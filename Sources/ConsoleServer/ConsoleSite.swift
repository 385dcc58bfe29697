import API
import Console
import Foundation
import Hummingbird
import Logging
import NIOCore
import Records
import SalesModel
import Tenancy

/// The console: pages under `/console/` for people who sign in with a key.
///
/// It keeps sessions and asks the API for everything else, as the key's bearer would.
public struct ConsoleSite: Site {
    let records: Records
    let transport: TransportSecurity
    /// Names of the kinds of jobs there are.
    let kinds: [String]
    let attempts = SignInGuard()
    let failedCounts = FailedCounts()
    let routes = PageTable(ConsoleSite.pages)
    let logger: Logger
    let now: @Sendable () -> Date

    /// - Parameter api: serves beside it.
    public init(_ api: API, logger: Logger, now: @Sendable @escaping () -> Date = { Date() }) {
        records = api.records
        transport = api.transport
        kinds = api.kinds.keys.sorted()
        self.logger = logger
        self.now = now
        // Read here rather than while the first visitor waits.
        _ = (Templates.all, Language.allCases.map(Words.of))
    }

    /// How long somebody stays signed in.
    static let session: TimeInterval = 12 * 3_600
    /// The most a form may hold; a rule set is the largest.
    static let formBytes = 2 << 20

    public func serves(_ request: Request) -> Bool {
        let path = request.uri.path
        if path == "/" { return request.headers[.accept]?.contains("text/html") ?? false }
        return path == "/console" || path.hasPrefix("/console/")
    }

    public func respond(to request: Request, from source: RequestSource, asking desk: Desk) async -> Response {
        var response = await answer(request, source, desk)
        protect(&response)
        return response
    }

    private func answer(_ request: Request, _ source: RequestSource, _ desk: Desk) async -> Response {
        let path = request.uri.path
        guard transport.admits(peer: source.peer, forwardedProto: request.headers[.forwardedProto]) else { return overHTTPS(request) }
        if ["/", "/console", "/console/"].contains(path) { return .seeOther("/console/now") }
        if path.hasPrefix(Asset.folder) { return asset(path, request) }
        let guest = Guest(request: request, peer: source.peer, desk: desk, site: self)
        do {
            return try await route(guest)
        } catch {
            return guest.failure(error)
        }
    }

    private func route(_ guest: Guest) async throws -> Response {
        let isPost = guest.request.method == .post
        guard isPost || [.get, .head].contains(guest.request.method) else { throw ConsoleFault.method }
        let form = isPost ? try await guest.readForm() : Form()
        let guest = isPost ? guest.on(form["at"]) : guest
        if let answer = try await guest.atTheDoor(form) { return answer }
        guard let (page, parameters) = routes.page(isPost ? .post : .get, guest.request.uri.path) else { throw ConsoleFault.noPage }
        guard let (token, session) = try await guest.session() else {
            return isPost ? guest.signIn(.signedOut) : .seeOther(guest.signInPath)
        }
        let visit = Visit(guest: guest, parameters: parameters, form: form, token: token, session: session)
        if isPost {
            try visit.requireOwnForm()
            try visit.requireSameBuild()
            if !page.isOfSession { try visit.requireSameTenant() }
        }
        do {
            // A page is shown without what cannot be read, and says so; a form does nothing half.
            guard guest.query != nil || !isPost else { throw ConsoleFault.badQuery }
            if !isPost { try await visit.pass(page.door) }
            return try await page.answer(visit)
        } catch {
            return try await visit.failure(error)
        }
    }

    /// A page is asked for again over HTTPS; what was sent in the open is not read.
    private func overHTTPS(_ request: Request) -> Response {
        let address = (transport.publicURL ?? "").withoutSlashesAtEnd + InnerPath.checked(request.head.path)
        if [.get, .head].contains(request.method) { return .seeOther(address, status: .permanentRedirect) }
        return Response(
            status: .forbidden, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: "https_required: nothing was read. The console is at \(address)\n")))
    }

    private func asset(_ path: String, _ request: Request) -> Response {
        guard [.get, .head].contains(request.method), let asset = Asset.at(path) else {
            return Response(
                status: .notFound, headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: "no such file\n")))
        }
        // The name holds the content's hash: what it names never changes.
        return Response(
            status: .ok, headers: [.contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable"],
            body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
}

extension String {
    /// An address that a path can follow.
    var withoutSlashesAtEnd: String {
        var text = self[...]
        while text.last == "/" { text = text.dropLast() }
        return String(text)
    }
}
