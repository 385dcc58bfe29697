import AsyncHTTPClient
import Foundation

// What the demo sends, as the API takes it.

struct DemoTeam: Encodable { var name: String }

struct DemoSeller: Encodable {
    var name: String
    var team: String
    var status: String
    var regions: [String]
    var industries: [String]
    var capacity: Int
    var weight: Int
    var newcomer: Bool
}

struct DemoDeal: Encodable {
    var owner: String
    var industry: String
    var stage: String
    var won: Bool
    var closedAt: String
}

struct DemoLead: Encodable {
    var externalID: String
    var source: String
    var receivedAt: String
    var fields: [String: String]

    enum CodingKeys: String, CodingKey {
        case externalID = "external_id"
        case source
        case receivedAt = "received_at"
        case fields
    }
}

struct DemoTouches: Encodable { var items: [DemoTouch] }

struct DemoTouch: Encodable {
    struct Subject: Encodable {
        var type = "lead"
        var externalId: String
        var source: String
    }

    var subject: Subject
    var type = "touch"
    var at = Date().formatted(.iso8601)
    var actor: String

    init(lead: String, source: String, seller: String) {
        subject = Subject(externalId: lead, source: source)
        actor = seller
    }
}

extension Remote {
    func acting(for tenant: String) -> Remote { Remote(url: url, key: key, tenant: tenant) }

    func put(_ path: String, _ body: some Encodable) async throws { try await put(path, json: try JSON.text(body)) }

    func put(_ path: String, json: String) async throws { _ = try await request(.put, path, body: .bytes(Array(json.utf8))) }

    func post(_ path: String, _ body: some Encodable) async throws { try await post(path, json: try JSON.text(body)) }

    func post(_ path: String, json: String) async throws { _ = try await request(.post, path, body: .bytes(Array(json.utf8))) }

    func post<Answer: Decodable>(_ path: String, json: String) async throws -> Answer {
        try JSON.read(from: try await request(.post, path, body: .bytes(Array(json.utf8))))
    }

    func get<Answer: Decodable>(_ path: String, query: [String: String?] = [:]) async throws -> Answer {
        try JSON.read(from: try await request(.get, path, query: query))
    }

    /// Asks until the answer is what is waited for, two minutes at most.
    func wait<Answer: Decodable>(
        _ what: String, _ path: String, query: [String: String?] = [:], until isReached: (Answer) -> Bool
    ) async throws -> Answer {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            let answer: Answer = try await get(path, query: query)
            if isReached(answer) { return answer }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Failure("the demo waited two minutes \(what) in vain; `kiteline job list` and \(path) show why")
    }
}
