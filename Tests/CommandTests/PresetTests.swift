import API
import Foundation
import TestSupport
import Testing

@testable import kiteline

/// Exports of other systems, read by what their columns are called there.
@Suite struct PresetTests {
    @Test func `a header is read to its end, with quotes, a mark at the beginning and any end of line`() throws {
        let header = try #require(CSVHeader(Array("\u{FEFF}Record ID,\"Company, Name\",\"a \"\"b\"\"\nc\"\r\n1,2,3\r\n".utf8)))
        #expect(header.names == ["Record ID", "Company, Name", "a \"b\"\nc"])
        #expect(header.length == "\u{FEFF}Record ID,\"Company, Name\",\"a \"\"b\"\"\nc\"\r\n".utf8.count)
        #expect(try #require(CSVHeader(Array("a,b\nc".utf8))).names == ["a", "b"])
        #expect(CSVHeader(Array("a,\"b\nc,d\n".utf8)) == nil && CSVHeader(Array("a,b".utf8)) == nil)
        #expect(["a", "b \"c\", d"].csv == "\"a\",\"b \"\"c\"\", d\"\r\n")
    }

    @Test(arguments: [
        (
            "hubspot", ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Company name", "Create Date"],
            ["Record ID", "First Name", "Last Name", "email", "phone", "company", "Create Date"], "Record ID", "Create Date"
        ),
        (
            "salesforce", ["Id", "LastName", "FirstName", "Name", "Company", "MobilePhone", "Phone", "LeadSource", "CreatedDate"],
            ["Id", "LastName", "FirstName", "contact", "company", "phone", "Phone", "channel", "CreatedDate"], "Id", "CreatedDate"
        ),
        (
            "odoo", ["id", "partner_name", "contact_name", "email_from", "phone", "create_date", "company"],
            ["id", "partner_name", "contact", "email", "phone", "create_date", "company"], "id", "create_date"
        ),
    ])
    func `a system's columns get our names, its ids and times are found, and what has our name keeps it`(
        preset: String, header: [String], names: [String], id: String, time: String
    ) throws {
        let columns = try RenamedColumns(header, #require(Preset.all[preset]))
        #expect(columns.names == names)
        #expect(columns.externalID == id && columns.receivedAt == time)
    }

    @Test(
        arguments: [
            ("hubspot", ["Record ID", "First Name", "Last Name", "Email"], NameColumns(given: "First Name", family: "Last Name")),
            ("salesforce", ["Id", "LastName", "FirstName", "Company"], NameColumns(given: "FirstName", family: "LastName")),
            (
                "salesforce", ["Lead ID", "First Name", "Last Name", "Company / Account"],
                NameColumns(given: "First Name", family: "Last Name")
            ),
            ("salesforce", ["Id", "LastName", "FirstName", "Name", "Company"], nil),
            ("hubspot", ["Record ID", "First Name", "Last Name", "contact"], nil), ("odoo", ["id", "First Name", "Last Name"], nil),
        ] as [(String, [String], NameColumns?)])
    func `a first and a last name are joined where no column has the whole, and it is said`(
        preset: String, header: [String], personName: NameColumns?
    ) throws {
        let columns = try RenamedColumns(header, #require(Preset.all[preset]))
        #expect(columns.personName == personName)
        #expect(
            columns.said(.of(option: "en")).last { $0.contains("joined") }
                == personName.map { "columns \($0.given) and \($0.family) are joined to contact" })
    }

    @Test func `what is made of the columns is said in the language asked for`() throws {
        let columns = try RenamedColumns(["Record ID", "First Name", "Last Name", "Email"], #require(Preset.all["hubspot"]))
        #expect(
            columns.said(.of(option: "en")) == ["column Email is taken as email", "columns First Name and Last Name are joined to contact"])
        #expect(columns.said(.of(option: "zh")) == ["列 Email 视为 email", "列 First Name 与 Last Name 合并为 contact"])
    }

    @Test func `half a name stands for the whole where there is no more`() throws {
        let columns = try RenamedColumns(["Record ID", "Last Name", "Email"], #require(Preset.all["hubspot"]))
        #expect(columns.names == ["Record ID", "contact", "email"] && columns.personName == nil)
    }

    @Test func `the column that is named has the ids, whatever the preset knows`() throws {
        let hubspot = try #require(Preset.all["hubspot"])
        #expect(try RenamedColumns(["Deal Ref", "Email"], hubspot, externalID: "Deal Ref").externalID == "Deal Ref")
        #expect(try RenamedColumns(["Record ID", "Email"], hubspot, externalID: "Email").names == ["Record ID", "Email"])
        let error = #expect(throws: SetUpError.self) { try RenamedColumns(["Record ID"], hubspot, externalID: "Ref") }
        #expect(error?.description.contains("no column Ref") == true)
    }

    @Test func `without a column for ids the user is told which there could be`() throws {
        let error = #expect(throws: SetUpError.self) { try RenamedColumns(["Name"], #require(Preset.all["hubspot"])) }
        #expect(error?.description.contains("Record ID") == true && error?.description.contains("--external-id") == true)
    }

    @Test func `a preview and an import read the same renamed file`() async throws {
        try await withScratch { scratch in
            let path = "\(scratch)/export.csv"
            try "Id,Company\n1,One\n2,Two\n".write(toFile: path, atomically: true, encoding: .utf8)
            let head = Array(["Id", "company"].csv.utf8)
            let file = try FileChunks(path, replacing: "Id,Company\n".utf8.count, with: head)
            var whole: [UInt8] = []
            for try await chunk in file { whole += Array(chunk.readableBytesView) }
            #expect(String(decoding: whole, as: UTF8.self) == "\"Id\",\"company\"\r\n1,One\n2,Two\n")
            #expect(file.size == Int64(whole.count))
            let again = try FileChunks(path, replacing: "Id,Company\n".utf8.count, with: head).beginning(21)
            #expect(String(decoding: again, as: UTF8.self) == "\"Id\",\"company\"\r\n1,One")
        }
    }
}
