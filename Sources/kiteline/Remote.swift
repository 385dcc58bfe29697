import ArgumentParser
import AsyncHTTPClient
import Console
import Foundation
import NIOCore
import NIOPosix

/// The flags of commands that talk to the API about what is no tenant's, or name the tenant themselves.
struct PlatformOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The API (KITELINE_URL, or the kiteline dev that runs here).", valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("A key (KITELINE_KEY, or the platform key of the kiteline dev that runs here).", valueName: "key"))
    var key: String?

    @Option(help: ArgumentHelp("Where a running `kiteline dev` is looked for.", valueName: "folder"))
    var dataDir = ".kiteline"

    @OptionGroup var common: CommonOptions

    /// - Parameter tenant: whom a platform key acts for.
    func remote(for tenant: String? = nil) throws -> Remote {
        let settings = try common.settings([.apiURL: url, .key: key], dev: dataDir)
        return try Remote(checking: try settings.text(.apiURL), key: try settings.text(.key), tenant: tenant)
    }
}

/// The flags of commands that talk to the API.
struct RemoteOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The tenant a platform key acts for.", valueName: "slug"))
    var tenant: String?

    @OptionGroup var platform: PlatformOptions

    var key: String? { platform.key }

    func remote() throws -> Remote { try platform.remote(for: tenant) }
}

/// The API, as its callers see it.
struct Remote: Sendable {
    let url: String
    let key: String
    let tenant: String?

    /// As the next command needs it: ` --tenant acme`; nothing where the key tells.
    var tenantOption: String { tenant.map { " --tenant \($0)" } ?? "" }

    /// Tries an address once: a service that is not there is said not to be there, at once.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: configuration)
    }()

    /// - Throws: `SettingError` for what is no address or no key; the key is not repeated.
    init(checking url: String, key: String, tenant: String?) throws {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false else {
            throw SettingError("KITELINE_URL is no address of an API: \(url). It looks like https://kiteline.example.com")
        }
        guard key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw SettingError("KITELINE_KEY holds a space, a line break or another character that no key has")
        }
        self.init(url: url, key: key, tenant: tenant)
    }

    init(url: String, key: String, tenant: String?) {
        self.url = url
        self.key = key
        self.tenant = tenant
    }

    enum Method: Sendable {
        case get, post, put, patch, delete
    }

    /// The answer's body. A refusal is thrown as a `Refusal`, in the API's own words.
    func request(
        _ method: Method, _ path: String, query: [String: String?] = [:], body: HTTPClientRequest.Body? = nil,
        type: String = "application/json", headers: [String: String] = [:], timeout: TimeAmount = .seconds(60)
    ) async throws -> Data {
        guard var components = URLComponents(string: url) else { throw SettingError("KITELINE_URL is no URL: \(url)") }
        components.path = (components.path.hasSuffix("/") ? String(components.path.dropLast()) : components.path) + path
        let items = query.compactMapValues(\.self).sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        // A plus sign in a query may be read as a space.
        if !items.isEmpty {
            components.queryItems = items
            components.percentEncodedQuery = components.percentEncodedQuery?.replacing("+", with: "%2B")
        }
        var request = HTTPClientRequest(url: components.string ?? url)
        request.method =
            switch method {
            case .get: .GET
            case .post: .POST
            case .put: .PUT
            case .patch: .PATCH
            case .delete: .DELETE
            }
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        if let tenant { request.headers.add(name: "Kiteline-Tenant", value: tenant) }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = body
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        return try await send(request, "\(request.method.rawValue) \(path)", timeout)
    }

    private func send(_ request: HTTPClientRequest, _ asked: String, _ timeout: TimeAmount) async throws -> Data {
        let status: (code: UInt, reason: String)
        let data: Data
        do {
            let response = try await Self.client.execute(request, timeout: timeout)
            status = (response.status.code, response.status.reasonPhrase)
            data = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        } catch let error where error.isRefusal {
            throw Failure("nobody answers at \(url). Is Kiteline running there? `kiteline dev` starts one here")
        } catch {
            throw Failure("no answer from \(url): \(error)")
        }
        guard (200..<300).contains(status.code) else {
            if let refusal = try? JSONDecoder().decode(Refusal.self, from: data) { throw refusal.forCommandLine(asked, tenant: tenant) }
            throw Failure("\(url) answered \(status.code) \(status.reason)")
        }
        return data
    }
}

extension Error {
    /// Whether nobody listens at the address.
    fileprivate var isRefusal: Bool { self is NIOConnectionError || (self as? IOError)?.errnoCode == ECONNREFUSED }
}

/// What the API says when it refuses.
struct Refusal: Error, Decodable, CustomStringConvertible {
    struct Field: Decodable {
        let field: String
        let message: String
    }
    let title: String
    let code: String
    private(set) var detail: String?
    let errors: [Field]?

    var fields: [Field] { errors ?? [] }

    /// In the words of a command line, which has no headers.
    ///
    /// - Parameter asked: method and path.
    func forCommandLine(_ asked: String, tenant: String?) -> Refusal {
        var refusal = self
        switch code {
        case "tenant_required": refusal.detail = "A platform key acts for a tenant: name it with --tenant SLUG."
        case "not_found":
            let whose = tenant.map { " for the tenant \($0), if there is one of that name" } ?? ""
            refusal.detail = "It was asked for \(asked)\(whose)." + (detail.map { " \($0)" } ?? "")
        case "sandbox_rounds_missing":
            refusal.detail = detail?.replacing("POST …/replay.", with: "kiteline rules replay --kind KIND --version N.")
        case "permission", "data_domain": refusal.detail = detail.map(Self.sayingActions(in:))
        default: break
        }
        return refusal
    }

    /// What people do with records in words: “edit a lead” for `lead.edit`.
    private static func sayingActions(in detail: String) -> String {
        Words.of(.english).all.filter { $0.key.hasPrefix("action_") }.reduce(detail) { detail, word in
            detail.replacing(word.key.dropFirst("action_".count).replacing("_", with: "."), with: "“\(word.value)”")
        }
    }

    var description: String {
        let fields = fields.map { "\n  " + ($0.field.isEmpty ? "" : "\($0.field): ") + $0.message }.joined()
        return "\(title) (\(code))" + (detail.map { ". \($0)" } ?? "") + fields
    }
}
