import ArgumentParser
import Foundation
import Identity

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "How well records of one customer are recognised.", subcommands: [Measure.self])

    struct Measure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Precision, recall and F1 on records whose truth is known, beside simpler ways.",
            discussion: """
                Always on invented Chinese leads; with --data also on FEBRL's people, on restaurants and on leads made of listed \
                companies. Records come one after another, as leads do. Half of the entities are judged; where parameters are found \
                from data, they are found on the other half, without labels. Thresholds of whole texts are the best of that half, with \
                labels. Brackets hold 95 % intervals, by drawing entities anew.
                """)

        @Option(help: "The folder that holds dedupe-febrl, dedupe-restaurants and cn-listed-companies; default: KITELINE_TEST_DATA.")
        var data: String?

        @Option(help: "Invented companies (100 to 200000).")
        var companies = 10_000

        @Option(help: "Seed of the invention and of the order in which records come.")
        var seed: UInt64 = 1

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (100...200_000).contains(companies) else { throw ValidationError("100 to 200,000 companies are invented.") }
        }

        func run() async throws {
            var measurements: [MatchMeasurement] = []
            let invented = LeadSample().leads(of: SampleCompany.invented(companies, seed: seed), name: "invented leads", seed: seed)
            measurements.append(MatchMeasurement(invented, rules: .standard, learns: false, equal: Self.simple, seed: seed))
            if let folder = data ?? ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"] {
                measurements += try Self.published(TrialFiles(folder: URL(filePath: folder)), seed)
            } else if !json {
                complain("Without --data only invented leads are judged.")
            }
            if json { return print(try JSON.text(measurements.map(Report.init))) }
            for measurement in measurements { Self.show(measurement) }
        }

        private static let simple = [["phone"], ["company"]]

        private static func published(_ files: TrialFiles, _ seed: UInt64) throws -> [MatchMeasurement] {
            var measurements = [
                MatchMeasurement(try files.listedCompanies(seed: seed), rules: .standard, learns: false, equal: simple, seed: seed)
            ]
            for (data, rules) in try files.people(1) + files.people(3) {
                measurements.append(
                    MatchMeasurement(data, rules: rules, learns: true, equal: [["name"], ["name", "date_of_birth"]], seed: seed))
            }
            let (restaurants, rules) = try files.restaurants()
            measurements.append(MatchMeasurement(restaurants, rules: rules, learns: true, equal: [["phone"], ["company"]], seed: seed))
            return measurements
        }

        private static func show(_ measurement: MatchMeasurement) {
            func text(_ measured: Measured) -> String {
                String(format: "%.4f [%.4f–%.4f]", measured.value, measured.low, measured.high)
            }
            print("\(measurement.data): \(measurement.records) records of \(measurement.entities); parameters \(measurement.parameters)")
            print(
                Table(
                    ["method", "precision", "recall", "F1", "wrong pairs", "missed"],
                    measurement.rows.map {
                        [$0.method, text($0.precision), text($0.recall), text($0.f1), String($0.quality.wrong), String($0.quality.missed)]
                    }))
            print("")
        }
    }
}

/// A measurement as JSON.
private struct Report: Encodable {
    struct Share: Encodable {
        let value, low, high: Double

        init(_ measured: Measured) { (value, low, high) = (measured.value, measured.low, measured.high) }
    }

    struct Row: Encodable {
        let method: String
        let precision, recall, f1: Share
        let found, wrong, missed: Int
    }

    let data: String
    let records, entities: Int
    let parameters: String
    let methods: [Row]

    init(_ measurement: MatchMeasurement) {
        data = measurement.data
        (records, entities) = (measurement.records, measurement.entities)
        parameters = measurement.parameters
        methods = measurement.rows.map {
            Row(
                method: $0.method, precision: Share($0.precision), recall: Share($0.recall), f1: Share($0.f1), found: $0.quality.found,
                wrong: $0.quality.wrong, missed: $0.quality.missed)
        }
    }
}
