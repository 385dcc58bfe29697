import ArgumentParser
import Forecasts
import Foundation

struct ForecastCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "How good the forecasts are.", subcommands: [Backtest.self])

    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forecast past weeks from what was known then, and compare with what came and with simpler ways.",
            discussion: """
                Always on invented tenants; with --data also on the Olist funnel and on Maven's opportunities. Needs no server; the same \
                seed gives the same figures. WAPE is Σ|actual − forecast| ÷ Σ actual: of wins among the opportunities open on a day, \
                within the horizon after it. Intervals should hold 80 %. The defaults of the model were chosen with the two published \
                sets and seeds 1000 to 1005 of the invented tenants in view.
                """)

        @Option(help: "The folder that holds olist-marketing-funnel and maven-crm-opportunities; default: KITELINE_TEST_DATA.")
        var data: String?

        @Option(help: "Days forecast ahead (7 to 365).")
        var horizon = 28

        @Option(help: "Days from one forecast to the next (1 to 28).")
        var every = 7

        @Option(help: "Invented tenants (0 to 100).")
        var tenants = 5

        @Option(help: "Seed of the invention and of the drawn paths.")
        var seed: UInt64 = 1

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (7...365).contains(horizon) else { throw ValidationError("--horizon lies between 7 and 365 days") }
            guard (1...28).contains(every) else { throw ValidationError("--every lies between 1 and 28 days") }
            guard (0...100).contains(tenants) else { throw ValidationError("--tenants lies between 0 and 100") }
        }

        func run() async throws {
            var histories: [PastDeals] = []
            if let folder = data ?? ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"] {
                let files = PastDealFiles(folder: URL(filePath: folder))
                histories += [try files.olist(), try files.maven()]
            } else if !json {
                complain("Without --data only invented tenants are forecast.")
            }
            histories += (0..<tenants).map { InventedTenant(seed: seed &* 1_000 &+ UInt64($0)).deals() }
            let reports = histories.compactMap { history in
                let test = Forecasts.Backtest(history, horizon: horizon, every: every, seed: seed)
                return BacktestReport(test, test.run())
            }
            if json { return print(try JSON.text(reports)) }
            show(reports)
        }

        private func show(_ reports: [BacktestReport]) {
            print(
                "Wins within \(horizon) days among what was open, forecast every \(every) days; WAPE, and the forecast beside the last 28 days:\n"
            )
            print(
                Table(
                    ["data", "origins", "from", "to", "forecast", "last 28 days", "conversion", "win rate", "better by", "bias"],
                    reports.map { report in
                        [report.data, String(report.origins), report.firstOrigin, report.lastOrigin, text(report.open.forecast)]
                            + [text(report.open.lastPeriod), text(report.open.conversion), text(report.open.winRate)]
                            + [percent(1 - report.open.forecast / report.open.lastPeriod), text(report.bias)]
                    }))
            print("\nIntervals that should hold 80 %, and their width over the mean:\n")
            print(
                Table(
                    ["data", "adaptive", "width", "drawn paths", "width", "independent deals", "width"],
                    reports.map { report in
                        [report.data]
                            + [report.adaptive, report.paths, report.independent].flatMap { [percent($0.covered), text($0.width)] }
                    } + [together(reports)]))
            print("\nAmounts won among what was open, and all wins with new business; WAPE:\n")
            print(
                Table(
                    ["data", "amounts", "last 28 days", "all wins", "last 28 days", "origins"],
                    reports.map { report in
                        [report.data, text(report.amount?.forecast), text(report.amount?.lastPeriod)]
                            + [text(report.all?.forecast), text(report.all?.lastPeriod), String(report.allOrigins)]
                    }))
        }

        /// All origins, each counted once.
        private func together(_ reports: [BacktestReport]) -> [String] {
            let origins = Double(reports.reduce(0) { $0 + $1.origins })
            func covered(_ of: (BacktestReport) -> BacktestReport.Coverage) -> String {
                origins > 0 ? percent(reports.reduce(0) { $0 + of($1).covered * Double($1.origins) } / origins) : "–"
            }
            return ["\(Int(origins)) origins", covered(\.adaptive), "", covered(\.paths), "", covered(\.independent), ""]
        }

        private func text(_ value: Double?) -> String { value.map { String(format: $0 < 10 ? "%.2f" : "%.0f", $0) } ?? "–" }

        private func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
    }
}
