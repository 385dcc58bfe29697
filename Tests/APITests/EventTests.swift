import AsyncHTTPClient
import Foundation
import JobKinds
import Jobs
import Ledger
import NIOCore
import Records
import Synchronization
import Tenancy
import TestSupport
import Testing

@testable import API

/// A tenant's event stream: what happens is told once, in order, to whoever of the tenant listens.
@Suite struct EventTests {
    private func probe(_ arguments: String = "{}", attempts: Int = 5) -> String {
        #"{"kind":"probe","max_attempts":\#(attempts),"args":\#(arguments)}"#
    }

    @Test func `ends of jobs, alerts, controls and breakers are told as they happen`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                try await api.listening { reader in
                    let done = try await api.enqueued(probe())
                    let failed = try await api.enqueued(probe(#"{"fail_times":1,"error_class":"permanent"}"#))
                    let later = try await api.enqueued(#"{"kind":"probe","run_at":"2031-01-01T00:00:00Z"}"#)
                    _ = try await api.send("POST", "/v1/jobs/\(later)/cancel", #"{"reason":"not needed"}"#)
                    // What waits when its queue is paused does not end.
                    try await expectSoon { Set([done, failed]).isSubset(of: reader.events.compactMap(\.job)) }
                    _ = try await api.send("POST", "/v1/queues/probe/pause", #"{"reason":"stock taking"}"#, as: api.acme.operatorKey)
                    _ = try await api.send("POST", "/v1/breakers/erp/open", #"{"reason":"x"}"#, as: api.acme.operatorKey)
                    _ = try await api.owner.query(
                        "INSERT INTO alert (tenant_id, code, subject) VALUES (\(api.acme.id.rawValue), 'drift', 'a/b')")
                    _ = try await api.owner.query("UPDATE alert SET count = count + 1")
                    _ = try await api.owner.query("UPDATE alert SET resolved_at = now()")

                    try await expectSoon { reader.events.contains { $0.type == "alert.resolved" } && reader.events.count >= 8 }

                    let ends = Dictionary(reader.events.compactMap { event in event.job.map { ($0, event) } }, uniquingKeysWith: { $1 })
                    #expect(ends[done]?.type == "job.completed")
                    #expect(ends[done]?.json["data"]["outcome"].string == "done")
                    #expect(ends[failed]?.type == "job.discarded")
                    #expect(ends[failed]?.json["data"]["error_class"].string == "permanent")
                    #expect(ends[later]?.type == "job.cancelled")
                    let pause = reader.events.first { $0.json["data"]["action"].string == "queue.pause" }
                    #expect(pause?.type == "control.changed")
                    #expect(pause?.json["data"]["reason"].string == "stock taking")
                    let breaker = try #require(reader.events.first { $0.type == "breaker.changed" })
                    #expect(breaker.json["data"]["dependency"].string == "erp")
                    #expect(breaker.json["data"]["state"].string == "open")
                    #expect(reader.events.filter { $0.type == "alert.raised" }.count == 1, "an alert that is raised again is not news")
                    #expect(Set(reader.events.map(\.id)).count == reader.events.count)
                    #expect(reader.events.allSatisfy { $0.json["id"].string == $0.id && $0.json["type"].string == $0.type })
                }
            }
        }
    }

    @Test func `only what was asked for is told, by type or by area`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                try await api.listening("?types=job.discarded,control") { reader in
                    _ = try await api.enqueued(probe())
                    let failed = try await api.enqueued(probe(#"{"fail_times":1,"error_class":"permanent"}"#))
                    try await expectSoon { reader.events.contains { $0.job == failed } }
                    _ = try await api.send("POST", "/v1/queues/probe/pause", #"{"reason":"x"}"#, as: api.acme.operatorKey)
                    try await expectSoon { reader.events.count >= 2 }

                    #expect(Set(reader.events.map(\.type)) == ["job.discarded", "control.changed"])
                }
            }
            let wrong = try await api.send("GET", "/v1/events?types=job.exploded")
            #expect(wrong.status == 422)
            #expect(wrong.faults == ["types not_allowed"])
            let place = try await api.send("GET", "/v1/events", headers: ["Last-Event-ID": "yesterday"])
            #expect(place.faults == ["Last-Event-ID bad_format"])
        }
    }

    @Test func `a reader who comes back again and again misses nothing and hears nothing twice`() async throws {
        try await TestAPI.with { api in
            var heard: [SentEvent] = []
            var last: String?
            var sent: Set<String> = []
            try await api.working {
                // Each time it listens for a while, and is away for a while; work goes on all the time.
                for _ in 0..<5 {
                    let (reader, ids) = try await api.listening(after: last) { reader in
                        var ids: [String] = []
                        for _ in 0..<20 { ids.append(try await api.enqueued(probe())) }
                        try await expectSoon { reader.events.count >= 5 }
                        return (reader, ids)
                    }
                    sent.formUnion(ids)
                    heard += reader.events
                    last = reader.lastID
                    for _ in 0..<20 { sent.insert(try await api.enqueued(probe())) }
                }
                let reader = try await api.listening(after: last) { [heard, sent] reader in
                    try await expectSoon { heard.count + reader.events.count >= sent.count }
                    return reader
                }
                heard += reader.events
            }
            #expect(heard.compactMap(\.job).sorted() == sent.sorted())
            #expect(heard.map { EventCursor($0.id)! } == heard.map { EventCursor($0.id)! }.sorted(), "in the order of their ids")
        }
    }

    @Test func `an event whose transaction ends late is not passed over`() async throws {
        try await TestAPI.with { api in
            let tenant = api.acme.id
            let start = try await api.records.listen(to: tenant).now
            let (begun, begins) = AsyncStream.makeStream(of: Void.self)
            let goOn = Mutex(false)
            let early = Task {
                try await api.engine.transaction { transaction in
                    _ = try transaction.query("INSERT INTO event (tenant_id, type, body) VALUES (\(tenant.rawValue), 'early', '{}')")
                    begins.yield()
                    while !goOn.withLock({ $0 }) { _ = try transaction.query("SELECT pg_sleep(0.01)") }
                }
            }
            for await _ in begun { break }
            _ = try await api.owner.query("INSERT INTO event (tenant_id, type, body) VALUES (\(tenant.rawValue), 'late', '{}')")

            // Whoever read the second now would go on behind it, and never read the first.
            #expect(try await api.records.events(of: tenant, after: start, limit: 10).isEmpty)
            goOn.withLock { $0 = true }
            try await early.value

            var read: [String] = []
            try await expectSoon {
                read = try await api.records.events(of: tenant, after: start, limit: 10).map(\.type)
                return read.count == 2
            }
            #expect(read == ["early", "late"])
        }
    }

    @Test func `another tenant hears nothing of it, and the platform hears whom it names`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                try await api.listening(as: api.globex.tenantKey) { stranger in
                    try await api.listening(as: api.platformKey, headers: ["Kiteline-Tenant": "acme"]) { platform in
                        let job = try await api.enqueued(probe())
                        try await expectSoon { platform.events.contains { $0.job == job } }
                        let own = try await api.enqueued(probe(), as: api.globex.tenantKey)
                        try await expectSoon { stranger.events.contains { $0.job == own } }

                        #expect(stranger.events.compactMap(\.job) == [own])
                        #expect(platform.events.compactMap(\.job) == [job])
                    }
                }
            }
            #expect(try await api.send("GET", "/v1/events", as: api.platformKey).code == "tenant_required")
            #expect(try await api.send("GET", "/v1/events", as: nil).status == 401)
        }
    }

    @Test func `while nobody listens nothing is written`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                let job = try await api.enqueued(probe())
                _ = try await api.send("POST", "/v1/queues/other/pause", #"{"reason":"x"}"#, as: api.acme.operatorKey)
                try await expectSoon { try await api.count("job_history WHERE id = \(job)") == 1 }
            }
            #expect(try await api.count("event") == 0)
        }
    }

    @Test func `many listen at once, and one too many is told to wait`() async throws {
        var limits = Limits()
        limits.streamsPerTenant = 20
        try await TestAPI.with(.init(limits: limits)) { api in
            try await api.working {
                try await api.crowd(20) { readers in
                    let refused = try await api.send("GET", "/v1/events")
                    #expect(refused.status == 429)
                    #expect(refused.code == "too_many_streams")
                    #expect(refused.headers["retry-after"] != nil)
                    let elsewhere = try await api.listening(as: api.globex.tenantKey) { $0.lastID }
                    #expect(!elsewhere.isEmpty, "another tenant has places of its own")
                    let job = try await api.enqueued(probe())
                    for reader in readers { try await expectSoon { reader.events.contains { $0.job == job } } }
                }
                // Whoever hangs up frees a place.
                try await expectSoon { api.api.events.count == 0 }
                try await api.listening { _ in }
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `whoever hangs up frees their place at once, though nothing is written to them`() async throws {
        var limits = Limits()
        limits.streamBeat = .seconds(3_600)
        try await TestAPI.with(.init(limits: limits)) { api in
            let request = "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\n\r\n"
            for _ in 0..<3 {
                try await api.converse { send in
                    let status = try await send(request)
                    #expect(status == 200 && api.api.events.count == 1)
                }
                try await expectSoon { api.api.events.count == 0 }
            }
            // Who closes their side with the request is hung up on: without that, this would wait for an hour.
            try await api.sendAndListenOnly(request)
            // Before they were answered.
            for _ in 0..<10 { try await api.sendAndHangUp(request) }
            try await api.listening { _ in }
            try await expectSoon { api.api.events.count == 0 }
        }
    }

    @Test func `a restart of Postgres ends no stream and loses no event`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                try await api.working {
                    try await api.listening { reader in
                        let before = try await api.enqueued(probe())
                        try await expectSoon { reader.events.contains { $0.job == before } }

                        await servers.stopPostgres(.immediate)
                        try await servers.startPostgres()

                        var after: String?
                        try await expectSoon {
                            after = try await api.send("POST", "/v1/jobs", probe()).json["id"].string
                            return after != nil
                        }
                        try await expectSoon { reader.events.contains { $0.job == after } }
                        #expect(reader.events.filter { $0.job == before }.count == 1)
                        #expect(!reader.isOver)
                    }
                }
            }
        }
    }

    @Test func `who asks for events that are not kept any more is told of the gap, and goes on behind it`() async throws {
        try await TestAPI.with { api in
            let start = try await api.listening { $0.lastID }
            let tenant = api.acme.id.rawValue
            for n in 1...5 {
                _ = try await api.owner.query(
                    "INSERT INTO event (tenant_id, type, body) VALUES (\(tenant), 'job.held', jsonb_build_object('n', \(Int32(n))))")
            }
            var retention = EventRetention()
            retention.count = 2
            try await api.ledger.sweepEvents(retention)
            #expect(try await api.count("event") == 2)

            try await api.listening(after: start) { reader in
                try await expectSoon { reader.events.count >= 3 }
                #expect(reader.events.first?.type == "gap")
                #expect(reader.events.first?.json["after"].string == start)
                #expect(reader.events.dropFirst().compactMap { $0.json["data"]["n"].int } == [4, 5])
            }
        }
    }

    @Test func `when nobody comes back, events are written no more and forgotten`() async throws {
        try await TestAPI.with { api in
            try await api.listening { _ in }
            _ = try await api.owner.query(
                "INSERT INTO event (tenant_id, type, body) VALUES (\(api.acme.id.rawValue), 'job.held', '{}')")
            try await api.ledger.sweepEvents()
            #expect(try await api.count("event") == 1)

            _ = try await api.owner.query("UPDATE event_listener SET until = now() - interval '1 second'")
            try await api.ledger.sweepEvents()

            #expect(try await api.count("event") == 0)
            #expect(try await api.count("event_listener") == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a reader who takes too long is cut with a last word, and can go on`() async throws {
        var limits = Limits()
        limits.streamPause = .milliseconds(500)
        limits.streamHangUp = .seconds(300)
        try await TestAPI.with(.init(limits: limits)) { api in
            let start = try await api.listening { $0.lastID }
            try await api.fillEvents()
            let response = try await api.events(after: start)
            let reader = EventReader()
            try await reader.read(response.body, pausing: .seconds(1))

            #expect(reader.events.last?.type == "end")
            #expect(reader.events.last?.json["reason"].string == "too_slow")
            let heard = reader.events.dropLast().compactMap { $0.json["data"]["n"].int }
            #expect(heard == Array(1...heard.count) && heard.count < 1_500)
            try await api.listening(after: reader.lastID) { again in
                try await expectSoon { again.events.first?.json["data"]["n"].int == heard.count + 1 }
            }
        }
    }

    @Test func `a reader who takes nothing at all is hung up on`() async throws {
        var limits = Limits()
        limits.streamHangUp = .milliseconds(10)
        try await TestAPI.with(.init(limits: limits)) { api in
            let start = try await api.listening { $0.lastID }
            try await api.fillEvents()
            let response = try await api.events(after: start)

            try await expectSoon { api.api.events.count == 0 }
            let reader = EventReader()
            // What was under way is still taken, and then the connection is at its end.
            await #expect(throws: (any Error).self) { try await reader.read(response.body) }
            #expect(reader.events.allSatisfy { $0.type != "end" })
        }
    }

    @Test func `a quiet stream gives signs of life, and ends with its key`() async throws {
        var limits = Limits()
        limits.streamBeat = .milliseconds(100)
        try await TestAPI.with(.init(limits: limits)) { api in
            try await api.listening(as: api.acme.operatorKey) { reader in
                let first = reader.lastID
                // Something happens elsewhere, so the place moves on without an event.
                _ = try await api.owner.query(
                    "INSERT INTO event (tenant_id, type, body) VALUES (\(api.acme.id.rawValue), 'job.held', '{}')")
                try await expectSoon { reader.lastID != first }

                _ = try await api.records.revokeKey(api.acme.operatorKeyID, by: "test")
                api.clock.advance(.seconds(10))

                try await expectSoon { reader.isOver }
                #expect(reader.events.last?.json["reason"].string == "key_revoked")
            }
        }
    }

    @Test func `any process tells the same, one that ends says so to its readers, and another goes on`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                try await api.servingToo { address, end in
                    let reader = try await api.listening(at: address) { reader in
                        let job = try await api.enqueued(probe())
                        try await expectSoon { reader.events.contains { $0.job == job } }
                        await end()
                        try await expectSoon { reader.isOver }
                        return reader
                    }
                    #expect(reader.events.last?.type == "end")
                    #expect(reader.events.last?.json["reason"].string == "shutdown")
                    let missed = try await api.enqueued(probe())
                    try await api.listening(after: reader.lastID) { again in
                        try await expectSoon { !again.events.isEmpty }
                        #expect(again.events.compactMap(\.job) == [missed])
                    }
                }
            }
        }
    }

    @Test func `decisions about leads are told with the seller or the reason`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            _ = try await house.records.listen(to: tenant)
            try await house.seller("S1", of: tenant)
            try await house.leads([.init(source: "web", externalID: "L1", receivedAt: Date(), fields: Array("{}".utf8))], of: tenant)
            try await house.workThrough()

            // Transactions of other tests, on the same server, may hold them back for a while.
            var events: [Event] = []
            try await expectSoon {
                events = try await house.records.events(of: tenant, after: EventCursor(transaction: 0, number: 0), limit: 100)
                return events.contains { $0.type.hasPrefix("lead.") } && events.contains { $0.type.hasPrefix("job.") }
            }
            let lead = try #require(events.first { $0.type.hasPrefix("lead.") })
            let job = try #require(events.first { $0.type.hasPrefix("job.") })
            let body = JSON(try JSONSerialization.jsonObject(with: Data(lead.body.bytes)))
            let end = JSON(try JSONSerialization.jsonObject(with: Data(job.body.bytes)))
            #expect(EventType(rawValue: lead.type) != nil && EventType(rawValue: job.type) != nil)
            #expect(body["job_id"].string == end["job_id"].string)
            #expect(body["outcome"].string == end["outcome"].string)
            #expect(lead.cursor.transaction == job.cursor.transaction, "both are of the transaction that settled it")
        }
    }
}

extension TestAPI {
    func enqueued(_ body: String, as key: String? = "acme", headers: [String: String] = [:]) async throws -> String {
        try #require(try await send("POST", "/v1/jobs", body, as: key, headers: headers).json["id"].string)
    }

    /// More events than any buffer between the server and its reader holds.
    fileprivate func fillEvents() async throws {
        _ = try await owner.query(
            """
            INSERT INTO event (tenant_id, type, body)
            SELECT \(acme.id.rawValue), 'job.held', jsonb_build_object('n', n, 'pad', repeat('x', 20000)) FROM generate_series(1, 1500) n
            """)
    }

    /// The events after that id; taken as the answer's body is read.
    fileprivate func events(after start: String) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url + "/v1/events")
        request.headers.add(name: "Authorization", value: "Bearer \(acme.tenantKey)")
        request.headers.add(name: "Last-Event-ID", value: start)
        return try await HTTPClient.shared.execute(request, timeout: .seconds(180))
    }

    /// Gives `body` as many readers.
    fileprivate func crowd(_ count: Int, _ readers: [EventReader] = [], _ body: @Sendable ([EventReader]) async throws -> Void) async throws
    {
        guard readers.count < count else { return try await body(readers) }
        try await listening { try await self.crowd(count, readers + [$0], body) }
    }
}
