import ArgumentParser
import Rollouts

extension RolloutCommand {
    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try the guards on simulated changes: how often they stop a harmless one, how soon a harmful one.",
            discussion: """
                Needs no server. The same seed gives the same figures. Every change is looked at after every lead. The fixed threshold (a \
                check each 20 canary leads, five failed ones are too many) and the z-test (5 %, repeated each 50 leads) meet the same leads.
                """)

        @Option(help: "Harmless changes.")
        var changes = 10_000

        @Option(help: "Leads that come to each of them.")
        var leads = 3_000

        @Option(help: "Runs for each size of harm, and of the faulty release.")
        var runs = 200

        @Option(help: "Seed of the random numbers.")
        var seed: UInt64 = 1

        @Flag(help: "Print one JSON object.")
        var json = false

        private struct Report: Encodable {
            let harmless: HarmlessChanges.Report
            let faultyRelease: FaultyRelease.Report
            let detection: [HarmDetection.Row]
            let leadsMost: Int
        }

        private static let detectionLeads = 4_000

        func validate() throws {
            guard (1...1_000_000).contains(changes) else { throw ValidationError("--changes lies between 1 and 1000000") }
            guard (1...100_000).contains(leads) else { throw ValidationError("--leads lies between 1 and 100000") }
            guard (1...100_000).contains(runs) else { throw ValidationError("--runs lies between 1 and 100000") }
        }

        func run() async throws {
            let report = Report(
                harmless: HarmlessChanges(changes: changes, leads: leads, seed: seed).run(),
                faultyRelease: FaultyRelease(runs: runs, seed: seed).run(),
                detection: HarmDetection(runs: runs, leads: Self.detectionLeads, seed: seed).rows(), leadsMost: Self.detectionLeads)
            if json { return print(try JSON.text(report)) }
            print(words(report.harmless))
            print(words(report.faultyRelease))
            print(
                "\nLeads of both arms until stopped, median / 95th percentile; – where not so many runs were stopped within \(report.leadsMost):\n"
            )
            print(table(report.detection))
        }

        private func words(_ report: HarmlessChanges.Report) -> String {
            let guards = report.byGuard.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            return """
                \(report.rolledBack) of \(report.changes) harmless changes were taken back within \(report.leadsEach) leads\
                \(guards.isEmpty ? "" : " (\(guards))"). At most \(percent(report.bound)) may be; the rate is below \(percent(report.upperBound)) \
                with 95 % confidence.
                """
        }

        private func words(_ report: FaultyRelease.Report) -> String {
            """
            A rule that fails \(percent(report.failureRate)) of its leads, at \(percent(report.percent / 100)): \(report.stopped) of \
            \(report.runs) runs stopped, after \(report.medianCanaryLeads) canary leads in the median, \(report.p95CanaryLeads) in 95 of 100, \
            \(report.mostCanaryLeads) at most; \(report.medianLeads) and \(report.p95Leads) leads had arrived by then.
            """
        }

        private func table(_ rows: [HarmDetection.Row]) -> Table {
            Table(
                ["harm", "canary", "guards", "canary leads", "stopped", "fixed threshold", "stopped", "z-test", "stopped"],
                rows.map { row in
                    let canary = pair(row.guards.medianCanaryLeads, row.guards.p95CanaryLeads)
                    return [row.harm, percent(row.percent / 100), pair(row.guards.medianLeads, row.guards.p95Leads), canary]
                        + [stopped(row.guards, row)]
                        + [row.fixedThreshold, row.peekedZTest].flatMap { [pair($0.medianLeads, $0.p95Leads), stopped($0, row)] }
                })
        }

        private func pair(_ median: Int?, _ p95: Int?) -> String {
            "\(median.map(String.init) ?? "–") / \(p95.map(String.init) ?? "–")"
        }

        private func stopped(_ times: HarmDetection.Times, _ row: HarmDetection.Row) -> String {
            percent(Double(times.stopped) / Double(row.runs))
        }

        /// With two decimals at most, and none where there are none.
        private func percent(_ share: Double) -> String {
            let hundredths = Int((share * 10_000).rounded(.up))
            return "\(Percent(hundredths: hundredths)?.description ?? "?") %"
        }
    }
}
