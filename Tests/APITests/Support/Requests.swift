import AsyncHTTPClient
import Foundation
import NIOCore
import Testing

/// An answer, read whole.
struct Reply: Sendable {
    let status: Int
    let headers: [String: String]
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as an object; fails the test when it is none.
    var json: JSON {
        get throws {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any], "no JSON object: \(text)")
            return JSON(object)
        }
    }

    /// The problem's code, when it is a problem.
    var code: String? {
        guard headers["content-type"] == "application/problem+json" else { return nil }
        return try? json["code"].string
    }

    /// The fields a problem names, with what is wrong with each: `args.sleep_ms out_of_range`.
    var faults: [String] {
        ((try? json["errors"].array) ?? []).map { "\($0["field"].string ?? "?") \($0["code"].string ?? "?")" }
    }
}

/// A look into JSON, for tests.
struct JSON: @unchecked Sendable {  // holds plain values, never changed
    let value: Any?
    init(_ value: Any?) { self.value = value }
    subscript(name: String) -> JSON { JSON((value as? [String: Any])?[name]) }
    subscript(index: Int) -> JSON { JSON((value as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }) }
    var string: String? { value as? String }
    var int: Int? { (value as? NSNumber)?.intValue }
    var double: Double? { (value as? NSNumber)?.doubleValue }
    var bool: Bool? { (value as? NSNumber)?.boolValue }
    var array: [JSON]? { (value as? [Any])?.map(JSON.init) }
    var isNull: Bool { value is NSNull }
    var isAbsent: Bool { value == nil }
}

extension TestAPI {
    /// Sends a request as acme's tenant key, unless told otherwise.
    func send(
        _ method: String, _ path: String, _ body: String? = nil, as key: String? = "acme", type: String? = "application/json",
        headers: [String: String] = [:]
    ) async throws -> Reply {
        try await send(method, path, bytes: body.map { Array($0.utf8) }, as: key, type: type, headers: headers)
    }

    func send(
        _ method: String, _ path: String, bytes: [UInt8]?, as key: String? = "acme", type: String? = "application/json",
        headers: [String: String] = [:]
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key == "acme" ? acme.tenantKey : key)") }
        if let bytes {
            request.body = .bytes(ByteBuffer(bytes: bytes))
            if let type { request.headers.add(name: "Content-Type", value: type) }
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
        let buffer = try await response.body.collect(upTo: 64 << 20)
        return Reply(
            status: Int(response.status.code),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 }),
            bytes: Array(buffer.readableBytesView))
    }

    /// Rows of a table, whoever's they are.
    func count(_ from: String) async throws -> Int {
        try await owner.query(.init("SELECT count(*) AS n FROM \(from)")).first!.get("n")
    }
}
