import API
import Console
import Foundation
import Hummingbird
import NIOCore
import Records
import SalesModel
import Synchronization
import Tenancy

/// A request before it is known who asks: with the preferences a browser keeps.
struct Guest: Sendable {
    let request: Request
    /// The address at the other end.
    let peer: String?
    let desk: Desk
    let site: ConsoleSite
    /// The page whose form was sent, as the form says; nil: none was.
    private var sentFrom: String?
    private let asked = AskedNames()

    init(request: Request, peer: String?, desk: Desk, site: ConsoleSite) {
        self.request = request
        self.peer = peer
        self.desk = desk
        self.site = site
    }

    /// The same with the form of a page at hand.
    func on(_ page: String) -> Guest {
        var guest = self
        guest.sentFrom = page
        return guest
    }

    private var cookies: CookieJar { CookieJar(request.headers[.cookie]) }

    var language: Language { Language(chosen: cookies["kl_language"], accepted: request.headers[.acceptLanguage]) }
    var theme: Theme { cookies["kl_theme"].flatMap(Theme.init(rawValue:)) ?? .auto }
    var words: Words { .of(language) }
    var now: Date { site.now() }
    var isSecure: Bool { site.transport.requiresHTTPS }

    /// Path and query, to come back to. What answers a form has an address that cannot be asked for; its page has.
    var place: String { InnerPath.checked(request.method == .post ? sentFrom : request.head.path) }
    var signInPath: String { "/console/sign-in?next=\(encoded(place))" }

    /// What follows the `?` of the address; nil: it cannot be read.
    var query: Form? { Form((request.uri.query ?? "").utf8) }

    /// A parameter of the query; nil when it is not there or empty. What it may be is the API's to say, so that nothing is passed over in silence.
    func parameter(_ name: String) -> String? {
        asked.note(name)
        return query?.words(name)
    }

    /// The same of the page a form was sent from; without a form, of this one.
    func parameterOfPlace(_ name: String) -> String? {
        guard request.method == .post else { return parameter(name) }
        return place.split(separator: "?", maxSplits: 1).dropFirst().first.flatMap { Form($0.utf8) }?.words(name)
    }

    /// What the address asks for and the page has not looked for: of use once that has all it shows. A form has an address of its own.
    var unknownParameters: [String] { request.method == .post ? [] : query?.names.filter { !asked.contains($0) } ?? [] }

    func session() async throws -> (SessionToken, ConsoleSession)? {
        guard let token = cookies[Self.sessionCookie].flatMap(SessionToken.init),
            let session = try await site.records.session(token, now: now)
        else { return nil }
        return (token, session)
    }

    /// The fields of a form. What comes from another site is refused before its body is read.
    func readForm() async throws -> Form {
        let provenance = Provenance(origin: request.headers[.origin], fetchSite: request.headers[.fetchSite])
        guard provenance.isOurs(host: request.head.authority, publicURL: site.transport.publicURL) else { throw ConsoleFault.foreignForm }
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type == "application/x-www-form-urlencoded" else { throw ConsoleFault.badForm }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= ConsoleSite.formBytes else { throw ConsoleFault.tooLarge }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        guard let form = Form(bytes) else { throw ConsoleFault.badForm }
        return form
    }

    // MARK: Coming and going

    static let sessionCookie = "kl_session"
    private static let aYear = 365 * 86_400

    /// What needs nobody to be signed in; nil: the request is for a page.
    func atTheDoor(_ form: Form) async throws -> Response? {
        let isPost = request.method == .post
        let path = request.uri.path
        if path.hasPrefix(SignInLink.path) { return isPost ? nil : try await redeem(String(path.dropFirst(SignInLink.path.count))) }
        switch path {
        case "/console/sign-in" where isPost: return try await signIn(form)
        case "/console/sign-in": return signIn(layout: await layoutOfVisitor)
        case "/console/preferences" where isPost: return prefer(form)
        default: return nil
        }
    }

    /// The page to sign in on.
    ///
    /// - Parameter refusal: what was tried before; nil: nothing was.
    func signIn(_ refusal: Refusal? = nil, next: String? = nil, layout: Layout? = nil) -> Response {
        let layout = layout ?? self.layout
        let next = InnerPath.checked(next ?? parameter("next"))
        return .html(Templates.all.page("signin", SignInView.page(layout, next: next, refusal: refusal)), status: refusal?.status ?? 200)
    }

    /// What stands around a page nobody is signed in on.
    var layout: Layout { Layout(words, theme: theme, path: place) }

    /// The same for somebody who is.
    func layout(of token: SessionToken, _ session: ConsoleSession) -> Layout {
        var layout = layout
        layout.formToken = token.formToken
        layout.role = session.bearer.role
        layout.person = session.bearer.user
        layout.tenant = session.tenant?.slug
        return layout
    }

    /// For whoever comes, signed in or not; where that cannot be known, as for nobody.
    private var layoutOfVisitor: Layout {
        get async {
            guard let (token, session) = try? await self.session() else { return layout }
            return layout(of: token, session)
        }
    }

    /// The address of whoever is at the far end.
    private var caller: String? { site.transport.caller(peer: peer, forwardedFor: request.headers[.forwardedFor]) }

    private func signIn(_ form: Form) async throws -> Response {
        guard site.attempts.admits(caller, at: now) else {
            return signIn(.tooManyAttempts, next: form["next"])
        }
        let key = form.words("key").flatMap { APIKey($0) }
        guard let key, let bearer = try await KeyRing(site.records).principal(key) else {
            return signIn(.wrongKey, next: form["next"], layout: await layoutOfVisitor)
        }
        return try await admit(bearer) { .seeOther(InnerPath.checked(form["next"])) }
    }

    private func redeem(_ text: String) async throws -> Response {
        // Who only looks at the link's head has not come in yet.
        guard request.method == .get else { return .html("") }
        guard site.attempts.admits(caller, at: now) else { return signIn(.tooManyAttempts) }
        guard let link = SessionToken(text), let bearer = try await site.records.redeemSignInLink(link, now: now) else {
            return signIn(.linkUsed, layout: await layoutOfVisitor)
        }
        // A cookie for this site only is not sent where another page led here, not even after a redirect; the next page asks by itself.
        return try await admit(bearer, actingFor: parameter("tenant").flatMap { Slug($0) }) {
            var layout = layout
            layout.notices = [Layout.Notice(.good, words["done_signed_in"], href: Layout.path("now"))]
            var page = signIn(layout: layout)
            page.headers[.refresh] = "0; url=/console/now"
            return page
        }
    }

    /// - Parameter slug: whom a platform key's session acts for from the beginning; where there is no such tenant, or for another key, nobody.
    private func admit(_ bearer: Principal, actingFor slug: Slug? = nil, _ answer: () -> Response) async throws -> Response {
        site.attempts.excuse(caller)
        let token = SessionToken.fresh()
        try await site.records.openSession(token, for: bearer, until: now.addingTimeInterval(ConsoleSite.session), now: now)
        // The link is used up by now: whoever it does not choose for chooses on the page.
        do {
            if let slug, let session = try await site.records.session(token, now: now) {
                _ = try await site.records.act(session, for: slug)
            }
        } catch {
            site.logger.warning("A link opened without its tenant", metadata: ["error": "\(error)"])
        }
        return answer().keeping(Self.sessionCookie, token.secret, for: Int(ConsoleSite.session), isSecure: isSecure)
    }

    /// Language and theme are the browser's, whoever sits before it.
    private func prefer(_ form: Form) -> Response {
        var answer = Response.seeOther(InnerPath.checked(form["back"]))
        if let language = Language(rawValue: form["language"]) {
            answer = answer.keeping("kl_language", language.rawValue, for: Self.aYear, isSecure: isSecure)
        }
        if let theme = Theme(rawValue: form["theme"]) {
            answer = answer.keeping("kl_theme", theme.rawValue, for: Self.aYear, isSecure: isSecure)
        }
        return answer
    }
}

/// A link that signs somebody in once.
public enum SignInLink {
    static let path = "/console/link/"

    /// Makes one for the bearer of a key.
    ///
    /// - Parameters:
    ///   - url: where the console is, without a path; with a slash at its end or without.
    ///   - tenant: whom a platform key acts for when the console opens; nil: the page asks.
    public static func make(
        _ records: Records, for bearer: Principal, actingFor tenant: Slug? = nil, at url: String, until end: Date
    ) async throws -> String {
        let token = SessionToken.fresh()
        try await records.makeSignInLink(token, for: bearer, until: end)
        return url.withoutSlashesAtEnd + path + token.secret + (tenant.map { "?tenant=\($0)" } ?? "")
    }
}

extension SessionToken {
    /// Made now, by the system's own chance.
    fileprivate static func fresh() -> SessionToken { SessionToken(chance: (0..<32).map { _ in UInt8.random(in: .min ... .max) }) }
}

/// Which parameters a page looked for.
private final class AskedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func note(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
