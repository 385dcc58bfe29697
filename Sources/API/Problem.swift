import Hummingbird
import JSONEnvelope
import Ledger
import Records

/// Why a request was not answered as hoped: RFC 9457 `application/problem+json`.
///
/// The one place where a failure becomes HTTP. `code` is for programs and never changes; `detail` is for people; `errors`
/// names every field that is wrong.
public struct Problem: Error, Sendable, Hashable {
    public var status: Int
    public var code: String
    public var title: String
    public var detail: String?
    public var errors: [FieldError] = []
    /// Seconds after which the same request may succeed.
    public var retryAfter: Int?
    /// For 405: what the path does take.
    public var allow: String?

    init(_ status: Int, _ code: String, _ title: String, detail: String? = nil, errors: [FieldError] = []) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
    }
}

// MARK: What can be wrong with a request

extension Problem {
    static let notFound = Problem(
        404, "not_found", "There is no such thing here", detail: "Either it never was, or it belongs to another tenant.")
    static func noSuchTenant(_ name: String) -> Problem {
        Problem(404, "not_found", "There is no such tenant", detail: "None is called \(name.prefix(63)): see GET /v1/tenants.")
    }
    static func noSuchKind(among kinds: [String]) -> Problem {
        Problem(404, "not_found", "There is no such kind of job", detail: "There are \(kinds.joined(separator: ", ")).")
    }
    static let unknownRoute = Problem(404, "unknown_route", "There is no such address", detail: "/openapi.yaml lists those there are.")
    static let unauthorized = Problem(
        401, "unauthorized", "A valid key is needed",
        detail: "Send it as: Authorization: Bearer KEY. A key that was revoked is valid no more.")
    static let httpsRequired = Problem(
        403, "https_required", "Only HTTPS is accepted", detail: "The request was not read. Repeat it over https.")
    static let keyReused = Problem(
        422, "idempotency_key_reused", "The Idempotency-Key belongs to another request",
        detail: "The same key was sent before with another method, path or body. Use a new key for a new request.")
    static let keyInFlight = Problem(
        409, "idempotency_key_in_flight", "The first request with this Idempotency-Key has not ended",
        detail: "Repeat it when that one has."
    ).retrying(after: 5)
    static let tenantRequired = Problem(
        400, "tenant_required", "Which tenant is not said", detail: "A platform key acts for a tenant: name it with Kiteline-Tenant: SLUG.")
    static let unavailable = Problem(
        503, "unavailable", "The database cannot be reached",
        detail: "It is not certain that nothing was stored: repeat the request with the same Idempotency-Key."
    ).retrying(after: 1)
    static let busy = Problem(503, "busy", "Too much is waiting to be stored", detail: "Nothing was stored. Repeat the request shortly.")
        .retrying(after: 1)
    static let unexpected = Problem(500, "internal", "Something is wrong here, not with the request")

    static func forbidden(_ needed: String) -> Problem {
        Problem(403, "forbidden", "This key may not do that", detail: "It needs a key of the role \(needed).")
    }

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        let names = allowed.sorted().joined(separator: ", ")
        var problem = Problem(405, "method_not_allowed", "The address is right, the method is not", detail: "It takes \(names).")
        problem.allow = names
        return problem
    }

    static func unsupportedMediaType(_ taken: [String]) -> Problem {
        Problem(
            415, "unsupported_media_type", "The body's type is not taken here",
            detail: "Send one of: \(taken.joined(separator: ", ")), not compressed.")
    }

    static func bodyTooLarge(_ limit: Int) -> Problem {
        Problem(413, "body_too_large", "The body is too large", detail: "At most \(limit) bytes are taken here.")
    }

    static func moduleOff(_ module: String) -> Problem {
        Problem(404, "module_off", "The module \(module) is switched off for this tenant")
    }

    static func quotaExceeded(_ kind: String, quota: Int) -> Problem {
        Problem(
            429, "quota_exceeded", "Too many jobs wait",
            detail: "The tenant's quota is \(quota) ready jobs of one kind, and \(kind) has reached it. Nothing was stored."
        ).retrying(after: 10)
    }

    static func tooManyStreams(_ limit: Int) -> Problem {
        Problem(
            429, "too_many_streams", "Too many event streams are open",
            detail: "This process serves \(limit) at once. Close one, or share one among those who listen."
        ).retrying(after: 30)
    }

    static func invalid(_ errors: [FieldError]) -> Problem {
        // What is wrong with the body as a whole is no field's fault.
        if let whole = errors.first(where: \.field.isEmpty) {
            return Problem(422, "invalid", "The body is wrong", detail: "It \(whole.message).")
        }
        return wrong(errors)
    }

    /// The same of a document within the body, such as a rule set: what is wrong with all of it has no field there.
    static func wrong(_ errors: [FieldError]) -> Problem {
        Problem(422, "invalid", errors.count == 1 ? "A field is wrong" : "\(errors.count) fields are wrong", errors: errors)
    }

    private func retrying(after seconds: Int) -> Problem {
        var problem = self
        problem.retryAfter = seconds
        return problem
    }
}

// MARK: From errors

extension Problem {
    /// What a caller is told of an error.
    public init(from error: any Error) { self.init(error) }

    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let fault as JSONFault: self.init(fault)
        case LedgerError.busy: self = .busy
        case LedgerError.unavailable, is CancellationError: self = .unavailable
        case LedgerError.invalid(let message): self.init(422, "refused", "The database refused what was sent", detail: message)
        default: self.init(stored: StoreFailure(error))
        }
    }

    private init(_ fault: JSONFault) {
        switch fault.reason {
        case .tooLarge: self = .bodyTooLarge(fault.offset)
        case _ where fault.isBound: self.init(422, "json_out_of_bounds", "The JSON is more than is taken", detail: fault.description)
        default: self.init(400, "bad_json", "The body is not JSON", detail: fault.description)
        }
    }

    private init(stored failure: StoreFailure) {
        switch failure {
        case .unavailable: self = .unavailable
        case .refused(let message): self.init(422, "refused", "The database refused what was sent", detail: message)
        case .unexpected: self = .unexpected
        }
    }
}

// MARK: To HTTP

extension Problem {
    var response: Response {
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if let allow { headers[.allow] = allow }
        if status == 401 { headers[.wwwAuthenticate] = "Bearer" }
        return Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    var body: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("type", "urn:kiteline:problem:\(code)")
            object.member("title", title)
            object.member("status", status)
            object.member("code", code)
            if let detail { object.member("detail", detail) }
            guard !errors.isEmpty else { return }
            object.array("errors") { list in
                for error in errors {
                    list.object { item in
                        item.member("field", error.field)
                        item.member("code", error.code)
                        item.member("message", error.message)
                    }
                }
            }
        }
    }
}
