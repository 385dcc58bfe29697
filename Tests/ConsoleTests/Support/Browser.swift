import AsyncHTTPClient
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

/// What a browser without scripts does: keeps cookies, follows no redirect by itself, sends forms with what stands in them.
final class Browser: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: [(name: String, value: String)]
        let text: String

        subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        var cookies: [String] { headers.filter { $0.name == "set-cookie" }.map(\.value) }
        /// Where the problem's code stands in the page.
        var code: String? { text.firstMatch(of: /data-code="([^"]*)"/).map { String($0.1) } }
    }

    let house: House
    private let jar = Mutex<[String: String]>([:])

    init(_ house: House) { self.house = house }

    var cookies: [String: String] {
        get { jar.withLock { $0 } }
        set { jar.withLock { $0 = newValue } }
    }

    /// A page with all that is counted for it: scripts read it again until then, however busy the machine is.
    func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        var answer = try await send("GET", path, nil, headers)
        guard answer.text.contains(" data-counting") else { return answer }
        try await expectSoon {
            answer = try await send("GET", path, nil, headers)
            return !answer.text.contains(" data-counting")
        }
        return answer
    }

    /// Sends a form as one of our own pages would.
    func post(_ path: String, _ fields: [String: String], headers: [String: String] = [:]) async throws -> Answer {
        let body = fields.map { "\($0.key)=\(Self.encoded($0.value))" }.joined(separator: "&")
        let own = ["Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Origin": house.url]
        return try await send("POST", path, body, own.merging(headers) { $1 })
    }

    /// Sends the form of a page that goes to `action`, with the fields it holds and those that are typed in.
    func submit(_ page: Answer, _ action: String, _ typed: [String: String] = [:], headers: [String: String] = [:]) async throws -> Answer {
        try await post(action, try form(page, action).merging(typed) { $1 }, headers: headers)
    }

    /// The hidden fields of a page's form.
    func form(_ page: Answer, _ action: String) throws -> [String: String] {
        let start = try #require(page.text.firstRange(of: "method=\"post\" action=\"\(action)\""), "no form goes to \(action)")
        let form = page.text[start.upperBound...]
        let inside = form[..<(form.firstRange(of: "</form>")?.lowerBound ?? form.endIndex)]
        var fields: [String: String] = [:]
        for match in inside.matches(of: /<input type="hidden" name="([^"]*)" value="([^"]*)">/) {
            fields[String(match.1)] = String(match.2)
        }
        return fields
    }

    /// Signs in with a key.
    @discardableResult
    func signIn(_ key: String) async throws -> Answer {
        let answer = try await submit(try await get("/console/sign-in"), "/console/sign-in", ["key": key])
        try #require(answer.status == 303, "not signed in: \(answer.status) \(answer.code ?? "")")
        return answer
    }

    func send(_ method: String, _ path: String, _ body: String?, _ headers: [String: String]) async throws -> Answer {
        var request = HTTPClientRequest(url: house.url + path)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let kept = cookies
        if !kept.isEmpty, headers["Cookie"] == nil {
            request.headers.add(name: "Cookie", value: kept.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))
        }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await Self.client.execute(request, timeout: .seconds(180))
        let text = String(buffer: try await response.body.collect(upTo: 16 << 20))
        let answer = Answer(
            status: Int(response.status.code), headers: response.headers.map { ($0.name.lowercased(), $0.value) }, text: text)
        jar.withLock { jar in
            for cookie in answer.cookies {
                let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if cookie.contains("Max-Age=0") { jar[String(pair[0])] = nil } else { jar[String(pair[0])] = String(pair[1]) }
            }
        }
        return answer
    }

    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.intersection(CharacterSet(charactersIn: "!"..."~"))) ?? ""
    }
}

extension House {
    /// Asks the API itself, as a key's bearer.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: String? = nil, as key: String? = nil, type: String = "application/json")
        async throws
        -> (status: Int, json: [String: String], text: String)
    {
        var headers = ["Authorization": "Bearer \(key ?? acme.tenantKey)"]
        if body != nil { headers["Content-Type"] = type }
        if key == platformKey { headers["Kiteline-Tenant"] = "acme" }
        let answer = try await Browser(self).send(method, path, body, headers)
        let json = (try? JSONSerialization.jsonObject(with: Data(answer.text.utf8))) as? [String: Any] ?? [:]
        return (answer.status, json.compactMapValues { $0 as? String }, answer.text)
    }

    /// The number of a job of acme's that is not due before tomorrow.
    func waitingJob(_ args: String = "{}") async throws -> String {
        let tomorrow = Date().addingTimeInterval(86_400).formatted(.iso8601)
        return try #require(await call("POST", "/v1/jobs", #"{"kind":"probe","run_at":"\#(tomorrow)","args":\#(args)}"#).json["id"])
    }

    /// Rows of a table, whoever's they are.
    func count(_ from: String) async throws -> Int {
        try await owner.query(.init("SELECT count(*) AS n FROM \(from)")).first!.get("n")
    }
}
