import Foundation
import Identity

/// Data sets with known truth, as their publishers wrote them; none is part of the project.
struct TrialFiles {
    let folder: URL

    /// FEBRL's invented people, with and without the number that is nearly a key.
    func people(_ number: Int) throws -> [(data: TrialData, rules: MatchRules)] {
        let table = try DelimitedTable(folder.appending(path: "dedupe-febrl/febrl_dataset\(number).csv"))
        let records = table.rows.map { row -> TrialRecord in
            var values: [String: [String]] = [:]
            for field in ["street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth", "soc_sec_id"] {
                values[field] = row[field].map { [$0] }
            }
            let name = [row["given_name"], row["surname"]].compactMap(\.self)
            values["name"] = name.isEmpty ? nil : [name.joined(separator: " ")]
            return TrialRecord(values: values, entity: String((row["rec_id"] ?? "").split(separator: "-").prefix(2).joined(separator: "-")))
        }
        let without = records.map { TrialRecord(values: $0.values.filter { $0.key != "soc_sec_id" }, entity: $0.entity) }
        return [
            (TrialData(name: "febrl \(number)", records: records), Self.peopleRules(withNumber: true)),
            (TrialData(name: "febrl \(number) without soc_sec_id", records: without), Self.peopleRules(withNumber: false)),
        ]
    }

    private static func peopleRules(withNumber: Bool) -> MatchRules {
        let number = withNumber ? [learnt("soc_sec_id", .code, [1, 0.9, 0.8])] : []
        return MatchRules(
            fields: number + [
                learnt("name", .person, [1, 0.92, 0.8]), learnt("date_of_birth", .date, [1, 0.9, 0.8]),
                learnt("address_1", .text, [1, 0.92, 0.8]),
                learnt("suburb", .text, [1, 0.92, 0.8], finds: false), learnt("postcode", .code, [1, 0.9], finds: false),
                learnt("street_number", .code, [1, 0.9], finds: false), learnt("address_2", .text, [1, 0.92, 0.8], finds: false),
            ])
    }

    func restaurants() throws -> (data: TrialData, rules: MatchRules) {
        let table = try DelimitedTable(folder.appending(path: "dedupe-restaurants/restaurants.csv"), separator: "|")
        let pairs = try DelimitedTable(folder.appending(path: "dedupe-restaurants/true_pairs.csv"), separator: "|", header: ["a", "b"])
        let first = Dictionary(
            pairs.rows.compactMap { row in row["a"].flatMap { a in row["b"].map { ($0, a) } } }, uniquingKeysWith: { $1 })
        let records = table.rows.map { row in
            let id = row["id"] ?? ""
            return TrialRecord(
                values: ["company": row["name"], "phone": row["phone"], "addr": row["addr"], "city": row["city"]].compactMapValues {
                    $0.map { [$0] }
                },
                entity: first[id] ?? id)
        }
        return (
            TrialData(name: "restaurants", records: records),
            MatchRules(fields: [
                Self.learnt("phone", .phone, [1, 0.9]), Self.learnt("company", .company, [1, 0.8, 0.6, 0.4]),
                Self.learnt("addr", .text, [1, 0.92, 0.8]),
                Self.learnt("city", .text, [1, 0.9], finds: false),
            ])
        )
    }

    /// Leads of companies listed in Shenzhen under their names of 2020 and 2026, with noise.
    func listedCompanies(seed: UInt64) throws -> TrialData {
        let today = try DelimitedTable(folder.appending(path: "cn-listed-companies/szse_companies_2026-01.csv"))
        let former = try DelimitedTable(folder.appending(path: "cn-listed-companies/szse_companies_2020-07.csv"))
        let names = Dictionary(
            former.rows.compactMap { row in row["A股代码"].flatMap { code in row["公司全称"].map { (code, $0) } } }, uniquingKeysWith: { $1 })
        let companies = today.rows.compactMap { row -> SampleCompany? in
            guard let code = row["A股代码"], let name = row["公司全称"] else { return nil }
            let city = row["城市"].map { $0.hasSuffix("市") ? String($0.dropLast()) : $0 }
            return SampleCompany(
                id: code, names: [name, names[code] ?? name], short: row["A股简称"], city: city ?? row["省份"] ?? "深圳",
                domain: row["公司网址"].flatMap(Self.domain))
        }
        return LeadSample().leads(of: companies, name: "listed companies' leads", seed: seed)
    }

    private static func domain(_ website: String) -> String? {
        let host = website.split(separator: "/").first { $0.contains(".") && !$0.hasSuffix(":") }
        return host.map { $0.hasPrefix("www.") ? String($0.dropFirst(4)) : String($0) }
    }

    /// Where m and u are about to be found, it only matters that they are sound.
    private static func learnt(
        _ field: String, _ comparison: FieldComparison.Comparison, _ likenesses: [Double], finds: Bool = true
    ) -> FieldComparison {
        FieldComparison(
            field, comparison, levels: likenesses.map { ComparisonLevel(atLeast: $0, m: 0.8 / Double(likenesses.count), u: 0.01) },
            finds: finds)
    }
}

/// A small file of rows, read whole: quoted fields may hold separators; spaces around a field are not its own.
struct DelimitedTable {
    let rows: [[String: String]]

    /// - Throws: `SetUpError` when it cannot be read.
    init(_ file: URL, separator: Character = ",", header: [String]? = nil) throws {
        guard FileManager.default.isReadableFile(atPath: file.path) else {
            throw SetUpError("There is no \(file.path) that can be read; --data names the folder of the data sets.")
        }
        self.init(text: try String(contentsOf: file, encoding: .utf8), separator: separator, header: header)
    }

    init(text: String, separator: Character = ",", header: [String]? = nil) {
        var lines = text.split(whereSeparator: \.isNewline).map { Self.fields(of: $0, separator) }
        let names = header ?? (lines.isEmpty ? [] : lines.removeFirst())
        rows = lines.map { Dictionary(zip(names, $0).filter { !$0.1.isEmpty }, uniquingKeysWith: { first, _ in first }) }
    }

    private static func fields(of line: Substring, _ separator: Character) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == separator, !isQuoted {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        return fields.map { $0.trimmingCharacters(in: .whitespaces) }
    }
}
