import Foundation
import Hummingbird
import JSONEnvelope
import Ledger
import NIOCore
import Records
import Telemetry
import Tenancy

/// One request on its way to its answer: who asks, what for, and the world to answer from.
struct Call: Sendable {
    let request: Request
    /// Of the path, in its order, percent-decoded.
    let parameters: [String]
    let principal: Principal?
    /// Who asks without a key, from within the process.
    let visitor: Visitor?
    let api: API
    /// What it came in over.
    let connection: any Channel
    /// Of this request, where traces are told of.
    let span: TracedSpan?

    var records: Records { api.records }
    var limits: Limits { api.limits }

    /// Whose data this is about. Endpoints within a tenant are reached with one only.
    var tenant: Tenant {
        guard let tenant = principal?.tenant else { preconditionFailure("an endpoint within a tenant was called without one") }
        return tenant
    }

    /// The same where an endpoint may be called for all tenants at once: nil then.
    var tenantOrAll: TenantID? { principal?.tenant?.id }

    /// The person whose key this is, where it is one's.
    var user: String? { principal?.user }

    /// Who is asking, as the audit log names them.
    var actor: String { principal?.actor ?? "nobody" }
}

// MARK: The path and the query

extension Call {
    /// A number in the path; what is none cannot be the id of anything.
    func id(_ position: Int = 0) throws -> Int64 {
        let text = parameters[position]
        guard let value = Int64(text), value > 0, String(value) == text else { throw Problem.notFound }
        return value
    }

    /// A name in the path that the tenant chose.
    func externalID(_ position: Int = 0) throws -> String {
        let text = parameters[position]
        guard text.unicodeScalars.count <= 200 else {
            throw Problem.invalid([FieldError("path", .tooLong, "an external id has at most 200 characters")])
        }
        return text
    }

    /// Reads the query with `read` and refuses what nobody asked for.
    func query<R>(_ read: (inout QueryReader) -> R) throws -> R {
        var reader = QueryReader(request.uri.query ?? "", page: limits.page)
        let result = read(&reader)
        let errors = reader.finish()
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        return result
    }
}

// MARK: The body

extension Call {
    /// The body's bytes.
    func body(atMost limit: Int) async throws -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw Problem.bodyTooLarge(limit) }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= limit else { throw Problem.bodyTooLarge(limit) }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }

    /// The body as JSON, split down to `levels`.
    func json(_ bytes: [UInt8], levels: Int = 2) throws -> JSONEnvelope {
        try JSONEnvelope(bytes, levels: levels, limits: limits.envelope)
    }

    /// Reads a JSON object with `read`; everything wrong with it is one problem.
    func object<R>(_ read: (inout FieldReader) -> R) async throws -> R {
        try requireMediaType(["application/json"])
        return try object(try await body(atMost: limits.body), read)
    }

    /// As `object(_:)`, of bytes that were collected already.
    func object<R>(_ bytes: [UInt8], _ read: (inout FieldReader) -> R) throws -> R {
        var reader = FieldReader(try json(bytes, levels: 4).root)
        let result = read(&reader)
        let errors = reader.finish()
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        return result
    }

    /// Refuses a body of another type than these. None named counts as the first of them.
    func requireMediaType(_ taken: [String]) throws {
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem.unsupportedMediaType(taken)
        }
        guard let header = request.headers[.contentType] else { return }
        let parts = header.lowercased().split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        guard let type = parts.first, taken.contains(type) else { throw Problem.unsupportedMediaType(taken) }
        let charsets = parts.dropFirst().filter { $0.hasPrefix("charset=") }.map { $0.dropFirst(8).trimmingCharacters(in: ["\""]) }
        guard charsets.allSatisfy({ ["utf-8", "utf8", "us-ascii"].contains($0) }) else {
            throw Problem(415, "unsupported_media_type", "The body is not in UTF-8", detail: "Only UTF-8 is read, whatever the type.")
        }
    }
}

extension Limits {
    /// What any JSON body must keep to.
    var envelope: JSONLimits { JSONLimits(bytes: batchBody, depth: depth, members: members) }
}

// MARK: Repetition

extension Call {
    /// The request's Idempotency-Key, if it carries one.
    func idempotencyKey() throws -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard !key.isEmpty, key.utf8.count <= limits.idempotencyKey, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Problem.invalid([
                FieldError("Idempotency-Key", .badFormat, "must be 1 to \(limits.idempotencyKey) visible ASCII characters without spaces")
            ])
        }
        // What one person was answered is for nobody else. No key has a space; names alike to Unicode only are two people's.
        return user.map { "\(key) \(Array($0.utf8).hexadecimal)" } ?? key
    }

    /// The key with the hash that ties it to this request and no other.
    func idempotencyKey(over body: [UInt8]) throws -> IdempotencyKey? {
        guard let key = try idempotencyKey() else { return nil }
        var digest = requestDigest()
        digest.update(body)
        return IdempotencyKey(tenant: tenant.id, key: key, hash: digest.finish())
    }

    /// Begins the hash: method and target, apart from the body by a byte neither can hold.
    func requestDigest() -> SHA256Digest {
        var digest = SHA256Digest()
        digest.update(Array("\(request.method.rawValue) \(request.head.path ?? "")\0".utf8))
        return digest
    }

    /// The answer to a request that may be a repetition.
    func answer(_ once: Once) throws -> Answer {
        switch once {
        case .done(let stored): return Answer(stored.status, stored.body)
        case .replayed(let stored):
            var answer = Answer(stored.status, stored.body)
            answer.isReplayed = true
            return answer
        case .keyReused: throw Problem.keyReused
        case .inFlight: throw Problem.keyInFlight
        }
    }
}
