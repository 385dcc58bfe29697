import Foundation
import Testing

/// The first rows of a file, as the live rules would take them.
@Suite struct PreviewTests {
    private static let path = "/v1/leads:preview?source=fair&external_id=id"

    private func publish(_ api: TestAPI, _ kind: String, _ text: String) async throws {
        let reply = try await api.send(
            "POST", "/v1/rulesets/\(kind)/default/versions", text, as: api.acme.operatorKey, type: "application/yaml")
        #expect(reply.status == 201, "\(reply.text)")
    }

    private func withRules(_ body: @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.with { api in
            try await publish(
                api, "map",
                """
                sources: ["*"]
                fields:
                  company: { from: company }
                  region: { from: city, optional: true }
                  budget: { from: budget, currency: CNY, optional: true }
                ignore: [note]
                """)
            try await publish(
                api, "route",
                """
                rules:
                  - { id: rich, when: { field: budget, gte: CNY 100000 }, to: everyone, by: round_robin }
                  - { id: others, to: everyone, by: round_robin }
                """)
            try await body(api)
        }
    }

    @Test func `each row tells what was mapped, which rule applies, and why it would be held`() async throws {
        try await withRules { api in
            let csv = """
                id,company,city,budget,colour,note
                1,One Ltd,Hangzhou,200000,red,x
                2,Two Ltd,,a lot,,
                3,,Ningbo,5,,
                ,Four Ltd,,,,
                5,Five Ltd,Hangzhou,5,,
                """
            let reply = try await api.send("POST", Self.path, csv, type: "text/csv")
            #expect(reply.status == 200, "\(reply.text)")
            #expect(try reply.json["rules"].array?.compactMap(\.string) == ["map/default@1", "route/default@1"])
            let rows = try #require(try reply.json["rows"].array)

            #expect(rows.map { $0["line"].int } == [2, 3, 4, 5, 6])
            #expect(rows.map { $0["verdict"].string } == ["routed", "held_mapping_error", "held_missing_data", "rejected", "routed"])
            #expect(rows.map { $0["rule"].string } == ["rich", nil, nil, nil, "others"])
            #expect(rows.map { $0["goes_to"].string } == ["seller", nil, nil, nil, "seller"])
            #expect(rows[0]["fields"]["company"].string == "One Ltd" && rows[0]["fields"]["region"].string == "Hangzhou")
            #expect(rows[0]["unmapped"].array?.compactMap(\.string) == ["colour"])
            #expect(rows[1]["reasons"].array?.first?.string?.contains("“budget”") == true)
            #expect(rows[2]["reasons"].array?.first?.string?.contains("“company” is required") == true)
            #expect(rows[3]["reasons"].array?.first?.string == "id: is empty")
            #expect(rows.map { $0["code"].string } == [nil, nil, nil, "missing", nil])
        }
    }

    @Test func `a row that is rejected says why by its code and in the language asked for`() async throws {
        try await TestAPI.with { api in
            let csv = """
                id,company,seen
                ,One Ltd,
                2,Two Ltd,2026-02-30
                3,Three Ltd
                4,Four Ltd,soon
                5,Five Ltd,2999-01-01
                6,a "quote",
                7,Seven Ltd,31/1/2026
                """
            let path = Self.path + "&received_at=seen"
            let english = try await api.send("POST", path, csv, type: "text/csv").json["rows"].array ?? []
            let chinese = try await api.send("POST", path + "&language=zh", csv, type: "text/csv").json["rows"].array ?? []

            let codes = ["missing", "no_such_day", "column_count", "bad_time", "time_ahead", "bad_quotes", "bad_time"]
            #expect(english.map { $0["code"].string } == codes && chinese.map { $0["code"].string } == codes)
            #expect(english[1]["reasons"].array?.compactMap(\.string) == ["seen: “2026-02-30”: there is no such day, its month has 28"])
            #expect(
                chinese.map { $0["reasons"].array?.first?.string } == [
                    "id：为空", "seen：“2026-02-30”这一天不存在，该月只有 28 天", "有 2 个字段，而文件有 3 列",
                    "seen：“soon”不是可识别的时间（如 2026-01-31T08:00:00Z、2026-01-31 08:00、2026/1/31、2026年1月31日）",
                    "seen：晚于当前时间：只接收已经发生的事", "未加引号的字段中出现引号",
                    "seen：“31/1/2026”不是可识别的时间（如 2026-01-31T08:00:00Z、2026-01-31 08:00、2026/1/31、2026年1月31日）；date_order 设为 dmy 时可识别",
                ])
        }
    }

    @Test func `nothing is stored, and as many rows are told as were asked for, in the language asked for`() async throws {
        try await withRules { api in
            let tables = ["lead", "job", "job_live", "lead_import", "unmapped_field", "alert", "idem", "audit_log"]
            func counts() async throws -> [Int] {
                var counts: [Int] = []
                for table in tables { counts.append(try await api.count(table)) }
                return counts
            }
            let before = try await counts()
            let lines = (1...20).map { #"{"id":"\#($0)","city":"Ningbo"}"# }.joined(separator: "\n")
            let reply = try await api.send("POST", Self.path + "&limit=3&language=zh", lines, type: "application/x-ndjson")

            let rows = try #require(try reply.json["rows"].array)
            #expect(rows.count == 3)
            #expect(rows[0]["reasons"].array?.first?.string?.contains("company") == true)
            #expect(rows[0]["reasons"].array?.first?.string?.contains("required") == false)
            #expect(try await counts() == before)
        }
    }

    @Test func `a tenant without rules is told so, and what cannot be read is refused`() async throws {
        try await TestAPI.with { api in
            let bare = try await api.send("POST", Self.path, "id,company\n1,One\n", type: "text/csv")
            #expect(try bare.json["rows"][0]["verdict"].string == "unrouted")
            #expect(try bare.json["rules"].array?.isEmpty == true)

            let faulty = try await api.send("POST", Self.path, "name,company\n1,One\n", type: "text/csv")
            let many = try await api.send("POST", Self.path + "&limit=51", "id\n1\n", type: "text/csv")
            let other = try await api.send("POST", Self.path, "id\n1\n", type: "application/json")
            let large = try await api.send("POST", Self.path, "id\n" + String(repeating: "1\n", count: 600_000), type: "text/csv")
            #expect([faulty, many, other, large].map(\.status) == [422, 422, 415, 413])
            #expect(faulty.code == "unreadable_file")
        }
    }
}
