import Testing

@Suite struct EnqueueTests {
    @Test func `a job is accepted, stored and can be read`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/jobs",
                #"{"kind":"probe","args":{"effect_key":"a","payload":{"n":1.50,"t":"中"}},"priority":9,"max_attempts":3}"#)

            #expect(reply.status == 202)
            let id = try #require(try reply.json["id"].string)
            #expect(reply.text == #"{"id":"\#(id)","kind":"probe","state":"available"}"#)
            let job = try await api.send("GET", "/v1/jobs/\(id)").json
            #expect(job["state"].string == "available")
            #expect(job["args"]["payload"]["t"].string == "中")
            #expect(job["attempt"].int == 0)
            #expect(job["max_attempts"].int == 3)
            #expect(job["why_waiting"].string?.isEmpty == false)
            #expect(job["error"].isNull)
            #expect(try await api.count("job_live WHERE priority = 9") == 1)
        }
    }

    @Test func `a job for later is scheduled`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send("POST", "/v1/jobs", #"{"kind":"probe","run_at":"2035-01-01T08:00:00+08:00"}"#)

            #expect(try reply.json["state"].string == "scheduled")
            let job = try await api.send("GET", "/v1/jobs/\(try reply.json["id"].string ?? "")").json
            #expect(job["run_at"].string == "2035-01-01T00:00:00Z")
        }
    }

    @Test func `a unique key names one job while it lasts`() async throws {
        try await TestAPI.with { api in
            let body = #"{"kind":"probe","unique_key":"u"}"#

            let first = try await api.send("POST", "/v1/jobs", body).json["id"].string
            let second = try await api.send("POST", "/v1/jobs", body).json["id"].string

            #expect(first != nil)
            #expect(second == first)
            #expect(try await api.count("job") == 1)
        }
    }

    @Test func `where a job holds the unique key, the answer says so and how that one stands`() async throws {
        try await TestAPI.with { api in
            let later = #"{"kind":"probe","unique_key":"u","run_at":"2035-01-01T00:00:00Z"}"#
            let made = try await api.send("POST", "/v1/jobs", later).json
            let id = try #require(made["id"].string)

            let repeated = try await api.send("POST", "/v1/jobs", #"{"kind":"probe","unique_key":"u"}"#).json
            let batch = try await api.send(
                "POST", "/v1/jobs:batch",
                #"{"jobs":[{"kind":"probe"},{"kind":"probe","unique_key":"u"},{"kind":"probe","unique_key":"v"}]}"#
            ).json
            let twice = try await api.send(
                "POST", "/v1/jobs:batch", #"{"jobs":[{"kind":"probe","unique_key":"w"},{"kind":"probe","unique_key":"w"}]}"#
            ).json

            #expect(made["existing"].bool == nil)
            #expect(repeated["id"].string == id && repeated["state"].string == "scheduled" && repeated["existing"].bool == true)
            #expect(batch["existing"].array?.map(\.string) == [id])
            #expect(batch["ids"].array?.count == 3)
            #expect(twice["existing"].array?.count == 1 && twice["ids"][0].string == twice["ids"][1].string)
            #expect(try await api.count("job") == 4)
        }
    }

    @Test func `every field that is wrong is named, and nothing is stored`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/jobs",
                #"""
                {"kind":"probe","args":{"sleep_ms":-1,"fail_times":"two","error_class":"odd","effect_key":5,"colour":"red"},"priority":10,"run_at":"soon",
                "unique_key":"","max_attempts":0,"extra":true}
                """#)

            #expect(reply.status == 422)
            #expect(reply.code == "invalid")
            #expect(
                Set(reply.faults) == [
                    "args.sleep_ms out_of_range", "args.fail_times wrong_type", "args.error_class not_allowed",
                    "args.effect_key wrong_type",
                    "args.colour unknown_field", "priority out_of_range", "run_at bad_format", "unique_key too_short",
                    "max_attempts out_of_range",
                    "extra unknown_field",
                ])
            #expect(reply.text.contains("is not a field here; possible here: sleep_ms, fail_times"))
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `a body of the wrong shape is refused with the place`() async throws {
        let bodies = [
            (#"{"kind":"nope"}"#, "kind unknown_kind"), (#"{}"#, "kind missing"),
            (#"{"kind":5}"#, "kind wrong_type"), (#"{"kind":"probe","args":[]}"#, "args wrong_type"), (#"{"kind":""}"#, "kind too_short"),
        ]
        try await TestAPI.with { api in
            for (body, fault) in bodies {
                let reply = try await api.send("POST", "/v1/jobs", body)

                #expect(reply.status == 422, "\(body)")
                #expect(reply.faults.contains(fault), "\(body)")
            }
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `of a body that is no object it is said what it is, and no field is named`() async throws {
        try await TestAPI.with { api in
            for path in ["/v1/jobs", "/v1/jobs:batch", "/v1/leads"] {
                for (body, type) in [("[]", "an array"), ("null", "null")] {
                    let reply = try await api.send("POST", path, body)

                    #expect(reply.status == 422 && reply.code == "invalid", "\(path) \(body)")
                    #expect(try reply.json["detail"].string == "It must be an object, not \(type).", "\(path)")
                    #expect(try reply.json["errors"].isAbsent, "\(path) \(body)")
                }
            }
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `what is not JSON is a 400 that says where`() async throws {
        let bodies = [
            "", "{", #"{"kind":"probe""#, #"{"kind":"probe",}"#, "\u{FEFF}{}", #"{"kind":"probe","kind":"probe"}"#, #"{"kind":"probe"} x"#,
            #"{"kind":"probe","args":{"effect_key":"\u0000"}}"#, #"{"kind":"probe","args":{"effect_key":"\ud800"}}"#, #"{'kind':'probe'}"#,
        ]
        try await TestAPI.with { api in
            for body in bodies {
                let reply = try await api.send("POST", "/v1/jobs", body)

                #expect(reply.status == 400, "\(body)")
                #expect(reply.code == "bad_json", "\(body)")
                #expect(try reply.json["detail"].string?.contains("at byte") == true, "\(body)")
            }
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `bytes that are not UTF-8 are refused`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/jobs", bytes: Array(#"{"kind":"probe","args":{"effect_key":""#.utf8) + [0xD6, 0xD0] + Array(#""}}"#.utf8))

            #expect(reply.status == 400)
            #expect(reply.code == "bad_json")
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `what is too deep, too many or too large is refused by its bound`() async throws {
        try await TestAPI.with { api in
            let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
            let many = "[" + Array(repeating: "1", count: 10_001).joined(separator: ",") + "]"
            let large = "\"" + String(repeating: "x", count: 70_000) + "\""
            func enqueue(_ payload: String) async throws -> Reply {
                try await api.send("POST", "/v1/jobs", #"{"kind":"probe","args":{"payload":\#(payload)}}"#)
            }

            let (tooDeep, tooMany, tooLarge) = (try await enqueue(deep), try await enqueue(many), try await enqueue(large))
            let huge = try await enqueue("\"" + String(repeating: "x", count: 2 << 20) + "\"")

            let replies = [tooDeep, tooMany, tooLarge, huge]
            #expect(replies.map(\.status) == [422, 422, 422, 413])
            #expect(
                replies.map(\.code) == [
                    "json_out_of_bounds", "json_out_of_bounds", "invalid", "body_too_large",
                ])
            #expect(tooLarge.faults == ["args.payload too_long"])
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `a body of another type is refused`() async throws {
        try await TestAPI.with { api in
            let form = try await api.send("POST", "/v1/jobs", "kind=probe", type: "application/x-www-form-urlencoded")
            let latin = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, type: "application/json; charset=gbk")
            let zipped = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, headers: ["Content-Encoding": "gzip"])
            let plain = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, type: "application/json; charset=utf-8")

            #expect([form, latin, zipped, plain].map(\.status) == [415, 415, 415, 202])
            #expect(form.code == "unsupported_media_type")
        }
    }

    @Test func `a body that names no type is read as JSON`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, type: nil)
            #expect(reply.status == 202)
        }
    }

    @Test func `a batch is accepted whole, in order`() async throws {
        try await TestAPI.with { api in
            let jobs = (0..<1_000).map { #"{"kind":"probe","args":{"effect_key":"k\#($0)"}}"# }.joined(separator: ",")

            let reply = try await api.send("POST", "/v1/jobs:batch", #"{"jobs":[\#(jobs)]}"#)

            #expect(reply.status == 202)
            let ids = try #require(try reply.json["ids"].array).compactMap { Int($0.string ?? "") }
            #expect(ids.count == 1_000)
            #expect(ids == ids.sorted())
            #expect(try await api.count("job") == 1_000)
        }
    }

    @Test func `one bad job of a batch is named by its index and none is accepted`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/jobs:batch",
                #"{"jobs":[{"kind":"probe"},{"kind":"probe","priority":11},{"kind":"nope"},{"kind":"probe","args":{"sleep_ms":"x"}}]}"#)

            #expect(reply.status == 422)
            #expect(reply.faults == ["jobs[1].priority out_of_range", "jobs[2].kind unknown_kind", "jobs[3].args.sleep_ms wrong_type"])
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `a batch holds one to a thousand jobs`() async throws {
        try await TestAPI.with { api in
            for (count, fault) in [(0, "jobs too_short"), (1_001, "jobs too_many")] {
                let jobs = Array(repeating: #"{"kind":"probe"}"#, count: count).joined(separator: ",")

                let reply = try await api.send("POST", "/v1/jobs:batch", #"{"jobs":[\#(jobs)]}"#)

                #expect(reply.status == 422)
                #expect(reply.faults == [fault])
            }
        }
    }

    @Test func `above the quota of a kind enqueues are refused until there is room`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/tenants/acme", #"{"quota":5}"#, as: api.platformKey)

            let batch = try await api.send(
                "POST", "/v1/jobs:batch", #"{"jobs":[{"kind":"probe"},{"kind":"probe"},{"kind":"probe"},{"kind":"probe"}]}"#)
            let fifth = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            let sixth = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            let other = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.globex.tenantKey)

            #expect([batch, fifth, sixth, other].map(\.status) == [202, 202, 429, 202])
            #expect(sixth.code == "quota_exceeded")
            #expect(sixth.headers["retry-after"] != nil)
            #expect(try await api.count("job") == 6)
        }
    }
}
