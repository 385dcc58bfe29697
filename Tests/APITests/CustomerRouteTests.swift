import Foundation
import Testing

@Suite struct CustomerRouteTests {
    private let zhang = #"{"company":"上海明远科技有限公司","contact":"张伟","phone":"13800138000"}"#

    @Test func `a customer is stored under the tenant's id, and what is told later is kept beside it`() async throws {
        try await TestAPI.with { api in
            let made = try await api.send("PUT", "/v1/customers/erp-7", zhang)
            let changed = try await api.send("PUT", "/v1/customers/erp-7", #"{"phone":"13900139000"}"#)
            let same = try await api.send("PUT", "/v1/customers/erp-7", #"{"phone":"13900139000"}"#)

            #expect([made, changed, same].map(\.status) == [201, 200, 200])
            let number = try #require(try made.json["id"].string)
            let read = try await api.send("GET", "/v1/customers/\(number)").json
            #expect(read["external_id"].string == "erp-7")
            let phone = read["fields"].array?.first { $0["name"].string == "phone" }
            #expect(phone?["value"].string == "13900139000")
            #expect(phone?["conflict"].bool == true)
            #expect(phone?["values"].array?.map { $0["value"].string } == ["13900139000", "13800138000"])
            #expect(try await api.send("GET", "/v1/customers/erp-7").json["id"].string == number)
            #expect(try await api.send("GET", "/v1/customers/nobody").status == 404)
        }
    }

    @Test func `a customer like a known one is refused until it is said which one is meant, or why it is another`() async throws {
        try await TestAPI.with { api in
            let first = try await api.send("PUT", "/v1/customers/erp-7", zhang).json["id"].string ?? ""

            let refused = try await api.send("PUT", "/v1/customers/crm-1", zhang)
            let other = try await api.send(
                "PUT", "/v1/customers/crm-1", #"{"company":"上海明远科技有限公司","contact":"张伟","phone":"13800138000","new_reason":"a namesake"}"#)
            let taken = try await api.send("PUT", "/v1/customers/crm-2", #"{"phone":"13800138000","link_to":"\#(first)"}"#)

            #expect(refused.status == 409)
            #expect(try refused.json["code"].string == "customer_exists")
            #expect(try refused.json["errors"][0]["message"].string?.hasPrefix("\(first) is this customer") == true)
            #expect(other.status == 201)
            #expect(taken.status == 422)
            #expect(try await api.count("audit_log WHERE action = 'customer.new' AND reason = 'a namesake'") == 1)
            #expect(try await api.count("customer") == 2)
        }
    }

    @Test func `two creates at once of the same customer yield one, and the other is told of it`() async throws {
        try await TestAPI.with { api in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for n in 0..<6 { group.addTask { try await api.send("PUT", "/v1/customers/n\(n)", zhang).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(statuses.sorted() == [201, 409, 409, 409, 409, 409])
            #expect(try await api.count("customer") == 1)
        }
    }

    @Test func `a check names who it may be, and what cannot be compared`() async throws {
        try await TestAPI.with { api in
            let number = try await api.send("PUT", "/v1/customers/erp-7", zhang).json["id"].string

            let found = try await api.send(
                "POST", "/v1/customers:check_duplicate", #"{"contact":"张伟","phone":"+86 138 0013 8000","credit_code":"91330100799655058A"}"#
            )
            let nobody = try await api.send("POST", "/v1/customers:check_duplicate", #"{"phone":"13911139111"}"#)

            #expect([found, nobody].map(\.status) == [200, 200])
            let first = try found.json["duplicates"][0]
            #expect(first["customer_id"].string == number)
            #expect(first["highlighted"].bool == true)
            #expect(first["same"].bool == true)
            #expect(first["evidence"]["fields"].array?.map { $0["field"].string } == ["phone", "contact"])
            #expect(try found.json["invalid"][0].string == "credit_code")
            #expect(try nobody.json["duplicates"].array?.isEmpty == true)
            #expect(try await api.count("routing_state WHERE version = 1") == 1)
        }
    }

    @Test func `every wrong field of a customer is named`() async throws {
        let cases: [(path: String, body: String, faults: [String])] = [
            ("/v1/customers/x", "{}", ["company missing"]),
            ("/v1/customers/x", #"{"phone":5,"color":"red"}"#, ["color unknown_field", "phone wrong_type"]),
            ("/v1/customers/x", #"{"phone":"13800138000","owner":"nobody"}"#, ["owner not_found"]),
            ("/v1/customers/c12", zhang, ["path bad_format"]),
        ]
        try await TestAPI.with { api in
            for (path, body, faults) in cases {
                let reply = try await api.send("PUT", path, body)
                #expect(reply.status == 422, "\(path) \(body)")
                #expect(reply.faults.sorted() == faults, "\(path) \(body)")
            }
            #expect(try await api.count("customer") == 0)
        }
    }

    @Test func `of a known customer only what changes need be said, and blanks say nothing`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active"}"#)
            let blank = try await api.send("PUT", "/v1/customers/B1", #"{"company":" "}"#)
            #expect(blank.status == 422 && blank.faults.contains("company missing"))
            #expect(try await api.send("PUT", "/v1/customers/B1", #"{"owner":"anna"}"#).status == 422)
            #expect(try await api.send("PUT", "/v1/customers/B1", #"{"company":"Acme"}"#).status == 201)
            #expect(try await api.send("PUT", "/v1/customers/B1", #"{"owner":"anna"}"#).status == 200)
            #expect(try await api.count("customer") == 1)
        }
    }

    @Test func `unlinking needs an operator, a reason, and one thing to take back`() async throws {
        try await TestAPI.with { api in
            let number = try await api.send("PUT", "/v1/customers/erp-7", zhang).json["id"].string ?? ""
            let path = "/v1/customers/\(number)/unlink"

            #expect(try await api.send("POST", path, #"{"lead_id":"1","reason":"x"}"#).status == 403)
            let empty = try await api.send("POST", path, "{}", as: api.acme.operatorKey)
            #expect(empty.faults.sorted() == ["lead_id missing", "reason missing"])
            #expect(try await api.send("POST", path, #"{"lead_id":"1","reason":"x"}"#, as: api.acme.operatorKey).status == 409)
            #expect(try await api.send("POST", path, #"{"operation_id":"1","reason":"x"}"#, as: api.acme.operatorKey).status == 404)
            #expect(try await api.send("POST", "/v1/customer-reviews/1/link", #"{"reason":"x"}"#, as: api.acme.operatorKey).status == 404)
            #expect(try await api.send("GET", "/v1/customer-reviews").json["items"].array?.isEmpty == true)
        }
    }
}
