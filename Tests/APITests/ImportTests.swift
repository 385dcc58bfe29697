import Foundation
import JSONEnvelope
import NIOCore
import Records
import Tenancy
import TestSupport
import Testing

@Suite struct ImportTests {
    private static let path = "/v1/leads:import?source=olist&external_id=mql_id&received_at=first_contact_date"

    @Test func `a CSV's rows become leads, each with a job of its own`() async throws {
        try await TestAPI.with { api in
            let csv =
                "\u{FEFF}mql_id,first_contact_date,origin,note\r\na1,2018-02-01,social,\"one, \"\"two\"\"\nthree\"\r\n\r\nb2,2018-02-02T10:00:00Z,,x\r\n"

            let reply = try await api.send("POST", Self.path, csv, type: "text/csv; charset=utf-8")

            #expect(reply.status == 202)
            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect(record["state"].string == "completed")
            #expect([record["rows"].int, record["accepted"].int, record["rejected"].int] == [2, 2, 0])
            let leads = try #require(await api.send("GET", "/v1/leads").json["items"].array)
            #expect(leads.map { $0["external_id"].string } == ["b2", "a1"])
            // The tenant's day begins eight hours before that of UTC.
            #expect(leads.map { $0["received_at"].string } == ["2018-02-02T10:00:00Z", "2018-01-31T16:00:00Z"])
            #expect(leads[1]["fields"]["note"].string == "one, \"two\"\nthree")
            #expect(leads[0]["fields"]["origin"].string == "")
            #expect(leads[1]["fields"]["mql_id"].isAbsent)
            let jobs = try #require(await api.send("GET", "/v1/jobs?kind=assign_lead").json["items"].array)
            #expect(jobs.map { $0["args"]["trigger"].string } == ["batch_import", "batch_import"])
        }
    }

    @Test func `NDJSON's lines become leads, values as they are`() async throws {
        try await TestAPI.with { api in
            let lines =
                #"{"mql_id":"a1","first_contact_date":"2018-02-01","n":1.50,"deep":{"x":[1]}}"# + "\n\n"
                + #"{"mql_id":7,"first_contact_date":"2018-02-01"}"#

            let reply = try await api.send("POST", Self.path, lines, type: "application/x-ndjson")

            #expect(reply.status == 202)
            let leads = try #require(await api.send("GET", "/v1/leads").json["items"].array)
            #expect(Set(leads.map { $0["external_id"].string }) == ["7", "a1"])
            let first = try #require(leads.first { $0["external_id"].string == "a1" })
            #expect(first["fields"]["deep"]["x"][0].int == 1)
        }
    }

    @Test(arguments: [
        ("text/csv", "id,名,姓,city\n1,小明,王,杭州\n2,John,Smith,\n"),
        ("application/x-ndjson", #"{"id":"1","名":"小明","姓":"王","city":"杭州"}"# + "\n" + #"{"id":"2","名":"John","姓":"Smith","city":""}"#),
    ])
    func `a name in two columns is one field of the lead`(type: String, file: String) async throws {
        try await TestAPI.with { api in
            let names = "given_name=\("名".queryEncoded)&family_name=\("姓".queryEncoded)"

            let reply = try await api.send("POST", "/v1/leads:import?source=crm&external_id=id&\(names)", file, type: type)

            #expect(reply.status == 202, "\(reply.text)")
            let leads = try #require(await api.send("GET", "/v1/leads").json["items"].array)
            #expect(leads.map { $0["fields"]["contact"].string } == ["John Smith", "王小明"])
            #expect(leads.allSatisfy { $0["fields"]["名"].isAbsent && $0["fields"]["姓"].isAbsent && !$0["fields"]["city"].isAbsent })
        }
    }

    @Test func `a lead that tells no part of a name has none, and what is no text is kept as it was`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/leads:import?source=crm&external_id=id&given_name=first&family_name=last"
            let file = #"{"id":"1","first":{"en":"Ann"},"last":null}"# + "\n" + #"{"id":"2","first":{"en":"Ann"},"last":"Lee"}"#

            #expect(try await api.send("POST", path, file, type: "application/x-ndjson").status == 202)
            #expect(try await api.send("POST", path, "id,first,last\n3,,\n", type: "text/csv").status == 202)

            let fields = try #require(await api.send("GET", "/v1/leads").json["items"].array).map { $0["fields"] }
            #expect(fields.map { $0["contact"].string } == [nil, "Lee", nil])
            #expect(fields[1...].allSatisfy { $0["first"]["en"].string == "Ann" })
        }
    }

    @Test(arguments: [
        ("text/csv", "id,first,last,contact\n1,Ann,Lee,Ann Lee-Jones\n"),
        ("application/x-ndjson", #"{"id":"1","first":"Ann","last":"Lee","contact":"Ann Lee-Jones"}"#),
    ])
    func `a whole name is kept, and its parts as they are`(type: String, file: String) async throws {
        try await TestAPI.with { api in
            let path = "/v1/leads:import?source=crm&external_id=id&given_name=first&family_name=last"

            #expect(try await api.send("POST", path, file, type: type).status == 202)

            let fields = try await api.send("GET", "/v1/leads").json["items"][0]["fields"]
            #expect(["contact", "first", "last"].map { fields[$0].string } == ["Ann Lee-Jones", "Ann", "Lee"])
        }
    }

    @Test func `a name's two columns are told together, and both are there`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/leads:import?source=crm&external_id=id&given_name=first"
            let half = try await api.send("POST", path, "id,first\n1,Ann\n", type: "text/csv")
            let absent = try await api.send("POST", path + "&family_name=last", "id,first\n1,Ann\n", type: "text/csv")

            #expect(half.faults == ["given_name missing"])
            #expect(absent.code == "unreadable_file" && absent.text.contains("no column last"), "\(absent.text)")
        }
    }

    @Test func `bad rows are listed with line and field, good rows proceed`() async throws {
        try await TestAPI.with { api in
            let csv = """
                mql_id,first_contact_date,origin
                a1,2018-02-01,x
                ,2018-02-01,x
                b2,yesterday,x
                c3,2018-02-01
                d4,2018-02-01,x,y
                e5,2018-02-01,a"b
                f6,2018-02-01,"a"b
                g7,2018-02-30,x
                h8,2018-02-01 10:30:00,x
                """

            let reply = try await api.send("POST", Self.path, csv, type: "text/csv")

            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect([record["rows"].int, record["accepted"].int, record["rejected"].int] == [9, 2, 7])
            let errors = try #require(record["errors"].array)
            #expect(errors.map { $0["line"].int } == [3, 4, 5, 6, 7, 8, 9])
            #expect(
                errors.map { $0["field"].string } == ["mql_id", "first_contact_date", nil, nil, nil, nil, "first_contact_date"])
            #expect(errors[2]["message"].string == "has 2 fields; the file has 3 columns")
            #expect(try await api.count("lead") == 2)
        }
    }

    @Test func `rows of before 1970 or of the future are listed with their field, others proceed`() async throws {
        try await TestAPI.with { api in
            let times = ["0001-01-01", "1969-12-31 23:59", "2018-02-01", "2999-01-01T00:00:00Z", "9999-12-31", Date().ISO8601Format()]
            let csv = "mql_id,first_contact_date\n" + times.enumerated().map { "\($0),\($1)\n" }.joined()

            let reply = try await api.send("POST", Self.path, csv, type: "text/csv")

            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect([record["accepted"].int, record["rejected"].int] == [2, 4])
            let errors = try #require(record["errors"].array)
            #expect(errors.map { $0["line"].int } == [2, 3, 5, 6])
            #expect(errors.allSatisfy { $0["field"].string == "first_contact_date" })
            #expect(errors.map { $0["message"].string?.prefix(10) } == ["lies befor", "lies befor", "lies ahead", "lies ahead"])
        }
    }

    @Test func `bad lines of NDJSON are listed too`() async throws {
        try await TestAPI.with { api in
            let lines = [
                #"{"mql_id":"a1","first_contact_date":"2018-02-01"}"#, #"{"mql_id":"b2""#, "[]", #"{"first_contact_date":"2018-02-01"}"#,
                #"{"mql_id":true,"first_contact_date":"2018-02-01"}"#, #"{"mql_id":"c3"}"#, #"{"mql_id":"d4","first_contact_date":5}"#,
                #"{"mql_id":"e5","first_contact_date":"2018-02-01","x":"\u0000"}"#,
            ].joined(separator: "\n")

            let reply = try await api.send("POST", Self.path, lines, type: "application/x-ndjson")

            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect([record["accepted"].int, record["rejected"].int] == [1, 7])
            #expect(record["errors"].array?.map { $0["line"].int } == [2, 3, 4, 5, 6, 7, 8])
        }
    }

    @Test func `a file that cannot be read is refused with the reason, and nothing is stored`() async throws {
        let gbk: [UInt8] = Array("mql_id,first_contact_date,origin\na1,2018-02-01,".utf8) + [0xD5, 0xB9, 0xBB, 0xE1] + Array("\n".utf8)
        let utf16: [UInt8] = [0xFF, 0xFE] + "mql_id,origin\na,b\n".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let files: [(bytes: [UInt8], says: String)] = [
            ([], "empty"), (Array("\n\n".utf8), "empty"), (Array("id,first_contact_date\na,2018-02-01\n".utf8), "no column mql_id"),
            (Array("mql_id,date\na,2018-02-01\n".utf8), "no column first_contact_date"),
            (Array("mql_id,mql_id,first_contact_date\n".utf8), "two columns"), (Array("mql_id,,first_contact_date\n".utf8), "no name"),
            (gbk, "GBK"), (utf16, "UTF-16"), (Array("\"mql_id,first_contact_date\na,b\n".utf8), "never closed"),
            (Array((0..<201).map { "c\($0)" }.joined(separator: ",").utf8), "200 columns"),
        ]
        try await TestAPI.with { api in
            for (bytes, says) in files {
                let reply = try await api.send("POST", Self.path, bytes: bytes, type: "text/csv")
                #expect(reply.status == 422, "\(says)")
                #expect(reply.code == "unreadable_file", "\(says)")
                #expect(reply.text.contains(says), "\(reply.text)")
            }
            #expect(try await api.count("lead") == 0)
            #expect(try await api.count("lead_import") == 0)
        }
    }

    @Test func `an import names its columns in the query`() async throws {
        try await TestAPI.with { api in
            let missing = try await api.send("POST", "/v1/leads:import", "a\n1\n", type: "text/csv")
            let wrong = try await api.send(
                "POST", "/v1/leads:import?source=s&external_id=a&colour=red&source=t", "a\n1\n", type: "text/csv")
            let type = try await api.send("POST", Self.path, "a\n1\n", type: "application/vnd.ms-excel")

            #expect(missing.faults == ["source missing", "external_id missing"])
            #expect(wrong.faults == ["source duplicate", "colour unknown_field"])
            #expect(type.status == 415)
        }
    }

    @Test func `a file is taken in by chunks, and a lead that comes twice is one`() async throws {
        try await TestAPI.with { api in
            let rows = (0..<1_300).map { "k\($0 % 1_200),2018-02-01,\($0)\n" }.joined()

            let reply = try await api.send("POST", Self.path, "mql_id,first_contact_date,n\n" + rows, type: "text/csv")

            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect([record["rows"].int, record["accepted"].int] == [1_300, 1_300])
            #expect(try await api.count("lead") == 1_200)
            #expect(try await api.count("job") == 1_200)
            let backwards = """
                (SELECT substr(l.external_id, 2)::int < lag(substr(l.external_id, 2)::int) OVER (ORDER BY l.job_id) AS "is" FROM lead l) x WHERE "is"
                """
            #expect(try await api.count(backwards) == 0, "jobs are in the file's order")
            #expect(try await api.count("lead WHERE external_id = 'k7' AND fields->>'n' = '1207'") == 1)
        }
    }

    @Test func `leads that were known before are counted, and a file sent again makes none`() async throws {
        try await TestAPI.with { api in
            func counts(_ rows: String) async throws -> [Int] {
                let reply = try await api.send("POST", Self.path, "mql_id,first_contact_date\n" + rows, type: "text/csv")
                let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
                return [record["accepted"].int, record["updated"].int].compactMap(\.self)
            }
            let file = "a,2018-02-01\nb,2018-02-01\na,2018-02-01\n"

            let (first, again) = (try await counts(file), try await counts(file))
            let more = try await counts("b,2018-02-01\nc,2018-02-01\n")

            #expect(first == [3, 1], "one of them twice in the file")
            #expect(again == [3, 3] && more == [2, 1])
            #expect(try await api.count("job") == 3)
        }
    }

    @Test func `an id that an earlier line has too is told with that line, before an import and after it`() async throws {
        try await TestAPI.with { api in
            let file = "mql_id,budget\na,1\nb,2\na,3\na,4\n" + String(repeating: "b,4\n", count: 150) + ",5\n,\n,\n"
            let told = "Line 2 has this id too: it is one lead, and this line's fields count."

            let preview = try await api.send(
                "POST", "/v1/leads:preview?source=web&external_id=mql_id&limit=5", file, type: "text/csv"
            ).json["rows"].array
            let reply = try await api.send("POST", "/v1/leads:import?source=web&external_id=mql_id", file, type: "text/csv")
            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json

            #expect(preview?.map { $0["reasons"].array?.last?.string == told } == [false, false, true, true, false])
            #expect(record["errors"].array?.map { $0["line"].int } == [156], "what was accepted is no fault")
            #expect(record["repeated"].array?.prefix(3).map { [$0["line"].int, $0["earlier"].int] } == [[4, 2], [5, 2], [6, 3]])
            #expect(record["repeated"].array?.count == 100)
            #expect(record["accepted"].int == 154 && record["rejected"].int == 1, "commas alone are no row")
        }
    }

    @Test func `of many faults the first hundred are told, all are counted`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", Self.path, "mql_id,first_contact_date\n" + String(repeating: "x,never\n", count: 250), type: "text/csv")

            let record = try await api.send("GET", "/v1/imports/\(try reply.json["import_id"].string ?? "")").json
            #expect(record["rejected"].int == 250)
            #expect(record["errors"].array?.count == 100)
        }
    }

    @Test func `a file with too much in it keeps what came before, and says so`() async throws {
        var limits = Limits()
        limits.importRows = 700
        limits.importRow = 200
        try await TestAPI.with(.init(limits: limits)) { api in
            let rows = (0..<800).map { "k\($0),2018-02-01\n" }.joined()

            let many = try await api.send("POST", Self.path, "mql_id,first_contact_date\n" + rows, type: "text/csv")
            let long = try await api.send(
                "POST", Self.path, "mql_id,first_contact_date,t\na,2018-02-01,\(String(repeating: "x", count: 300))\nb,2018-02-01,x\n",
                type: "text/csv")

            let failed = try await api.send("GET", "/v1/imports/\(try many.json["import_id"].string ?? "")").json
            #expect(failed["state"].string == "failed")
            #expect(failed["accepted"].int == 500)
            #expect(failed["errors"][0]["message"].string?.contains("700 rows") == true)
            let other = try await api.send("GET", "/v1/imports/\(try long.json["import_id"].string ?? "")").json
            #expect([other["accepted"].int, other["rejected"].int] == [1, 1])
        }
    }

    @Test func `an upload that is cut short is not taken for whole`() async throws {
        try await TestAPI.with { api in
            let rows = (0..<600).map { "k\($0),2018-02-01\n" }.joined()
            let head =
                "POST \(Self.path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\nContent-Type: text/csv\r\nContent-Length: 90000\r\n\r\n"

            try await api.sendAndHangUp(head + "mql_id,first_contact_date\n" + rows + "k600,2018-0")

            try await expectSoon { try await api.count("lead_import WHERE state = 'failed' AND accepted = 500") == 1 }
            #expect(try await api.count("lead") == 500)
        }
    }

    @Test func `an import whose process died ends as failed and says how to go on, one that goes on does not`() async throws {
        try await TestAPI.with { api in
            let dead = try await api.records.beginImport(source: "s", of: api.acme.id)
            let alive = try await api.records.beginImport(source: "s", of: api.globex.id)
            var count = ImportCount()
            count.rows = 7
            try await api.records.noteImport(dead, of: api.acme.id, .running, count, errors: Array("[]".utf8))
            _ = try await api.owner.query("UPDATE lead_import SET heard_at = now() - interval '3 minutes'")
            try await api.records.keepImport(alive, of: api.globex.id)

            try await api.records.endSilentImports()

            let ended = try await api.send("GET", "/v1/imports/\(dead)").json
            #expect(ended["state"].string == "failed")
            #expect(ended["errors"][0]["line"].int == 7)
            #expect(ended["errors"][0]["message"].string?.contains("Send the same file again") == true)
            #expect(!ended["finished_at"].isNull)
            #expect(try await api.records.leadImport(alive, of: api.globex.id)?.state == .running)
        }
    }

    @Test func `a body that is cut short stores nothing`() async throws {
        try await TestAPI.with { api in
            let head =
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"

            try await api.sendAndHangUp(head + #"{"kind":"probe"}"#)

            #expect(try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).status == 202)
            #expect(try await api.count("job") == 1)
        }
    }
}
