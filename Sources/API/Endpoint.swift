import Hummingbird
import Tenancy

/// One method on one path: who may call it, and what answers.
struct Endpoint: Sendable {
    enum Access: Sendable, Hashable {
        /// Anybody, without a key.
        case open
        /// Within a tenant, for keys of this role and those above.
        case tenant(Role)
        /// As `tenant`; and a platform key that names none acts for all of them.
        case tenantOrAll(Role)
        /// The platform, for no tenant in particular.
        case platform
    }

    /// What a person's key may do here, besides what its role allows.
    enum People: Sendable, Hashable {
        /// It asks the person's policies itself.
        case judged
        /// It shows and changes nothing that has a city.
        case harmless
        /// It shows or changes records wherever they are: not for whom a data domain holds.
        case unheld
        /// What permissions rest on, and the rules: never.
        case never
    }

    let method: HTTPRequest.Method
    /// As OpenAPI writes it: `/v1/jobs/{id}`.
    let path: String
    let access: Access
    /// Switched off with it.
    let module: Module?
    /// Whether it reads the query itself. A query where none is read is refused, so that nothing is ignored in silence.
    let takesQuery: Bool
    let people: People
    let answer: @Sendable (Call) async throws -> Answer

    init(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access = .tenant(.tenant), module: Module? = nil,
        takesQuery: Bool = false, people: People = .unheld, answer: @Sendable @escaping (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.module = module
        self.takesQuery = takesQuery
        self.people = people
        self.answer = answer
    }
}

/// What is sent back when all went well.
struct Answer: Sendable {
    var status: Int
    var body: [UInt8]
    var type = "application/json"
    /// The answer is that of an earlier request with the same Idempotency-Key.
    var isReplayed = false
    /// Instead of `body`: bytes that come bit by bit.
    var stream: ResponseBody?

    init(_ status: Int, _ body: [UInt8], type: String = "application/json") {
        self.status = status
        self.body = body
        self.type = type
    }

    /// - Parameter stream: comes bit by bit, and is not to be kept by anybody between.
    init(streaming stream: ResponseBody, type: String) {
        self.init(200, [], type: type)
        self.stream = stream
    }

    static let noContent = Answer(204, [])

    var response: Response {
        var headers = HTTPFields()
        if let stream {
            headers[.contentType] = type
            headers[.cacheControl] = "no-store"
            return Response(status: .init(code: status), headers: headers, body: stream)
        }
        if !body.isEmpty { headers[.contentType] = type }
        if isReplayed { headers[.idempotencyReplayed] = "true" }
        return Response(
            status: .init(code: status), headers: headers, body: body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
