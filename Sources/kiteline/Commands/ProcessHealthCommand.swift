import ArgumentParser
import Foundation
import ProcessHealth

struct ProcessHealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spi", abstract: "How well falls of sales process health are foreseen.", subcommands: [Evaluate.self])

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Warnings 14 days ahead, judged on weeks nobody had seen, beside simpler ways to warn.",
            discussion: """
                Always on invented tenants, with a planted sign before most falls, with none, and with signs that drown in noise: these \
                figures say whether the machinery works, not how well it foresees real sellers. With --data also on two public logs, a \
                help desk's and a company's incidents, read as agents and weeks. Their base lines are the medians of their first half \
                year.

                An onset is a healthy seller who falls below the base line within 14 days. The model is trained anew every four weeks on \
                what was known by then. "always" warns of everybody, "level" is the best single threshold on the present level, "rule" \
                the two conditions, silent customers and fewer revisions; "stays" is who is below now. Brackets hold 95 % intervals, by \
                drawing sellers anew. Where the gate keeps the model silent the figures say what it would have done.
                """)

        @Option(
            help:
                "The folder that holds helpdesk-italian-events/helpdesk.csv and servicenow-incidents-sample/incident_event_log_dev.csv, each as it is or with .gz; default: KITELINE_TEST_DATA."
        )
        var data: String?

        @Option(help: "Invented tenants in each set, of 60 sellers.")
        var tenants = 6

        @Option(help: "Weeks that are invented.")
        var weeks = 52

        @Option(help: "Seed of the invention, of the bootstrap and of the shuffling.")
        var seed: UInt64 = 1

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (1...100).contains(tenants) else { throw ValidationError("1 to 100 tenants are invented.") }
            guard (4...260).contains(weeks) else { throw ValidationError("4 to 260 weeks are invented.") }
        }

        func run() async throws {
            var evaluation = RollingEvaluation()
            evaluation.seed = seed
            var reports = [(1, 0.15), (1, 0.5), (1, 1), (0, 0.15)].map { signal, noise in
                evaluation.report(Self.name(signal, noise), invented(signal, noise).series())
            }
            if let folder = data ?? ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"] {
                let files = EventLogFiles(folder: URL(filePath: folder))
                for log in [try files.helpdesk(), try files.incidents()].compactMap(\.self) {
                    reports.append(evaluation.report(log.name, log.series()))
                }
            } else if !json {
                complain("Without --data only invented tenants are judged.")
            }
            if json { return print(try JSON.text(reports)) }
            show(reports)
        }

        private static func name(_ signal: Double, _ noise: Double) -> String {
            signal == 0 ? "no sign" : "planted, noise \(noise)"
        }

        private func invented(_ signal: Double, _ noise: Double) -> GeneratedTenants {
            var invented = GeneratedTenants()
            (invented.tenants, invented.weeks, invented.signal, invented.noise, invented.seed) = (tenants, weeks, signal, noise, seed)
            return invented
        }

        private func show(_ reports: [WarningReport]) {
            print(
                """
                Invented: \(tenants) tenants of 60 sellers, \(weeks) weeks, seed \(seed); a fall begins in 7 of 100 healthy weeks, 10 % of \
                them without a sign, 10 % of signs without a fall.

                Onsets: healthy sellers who fall within 14 days.
                """)
            print(
                Table(
                    ["set", "judged", "onsets", "prevalence", "F1", "always", "level", "rule", "F1 less the best of them"],
                    reports.map { report in
                        [
                            report.name, "\(report.judged)", "\(report.judgedOnsets)", percent(report.prevalence), figure(report.f1),
                            number(report.alwaysF1), number(report.levelF1), number(report.twoConditionsF1),
                            figure(report.advantage, "%+.3f"),
                        ]
                    }))
            print("\nAll weeks, probabilities, attention, and labels dealt out anew (beside warning always on the same).")
            print(
                Table(
                    [
                        "set", "F1", "stays", "precision", "PR area", "Brier skill", "ECE", "lead days", "alerts a manager's week",
                        "shuffled F1",
                    ],
                    reports.map { report in
                        [
                            report.name, number(report.allWeeksF1), number(report.persistenceF1), number(report.confusion.precision),
                            number(report.averagePrecision), number(report.brierSkill), number(report.calibrationError),
                            number(report.medianLeadDays, "%.0f"), number(report.alertsPerManagerWeek, "%.2f"),
                            "\(number(report.shuffledF1)) (\(number(report.shuffledAlwaysF1)))",
                        ]
                    }))
            print("")
            for report in reports {
                print("\(report.name): \(report.verdict.passes ? "may warn" : "silent: " + report.verdict.reasons.joined(separator: "; "))")
            }
        }

        private func number(_ value: Double?, _ format: String = "%.3f") -> String { value.map { String(format: format, $0) } ?? "–" }

        private func figure(_ figure: WarningReport.Figure, _ format: String = "%.3f") -> String {
            guard let low = figure.low, let high = figure.high else { return number(figure.value, format) }
            return "\(number(figure.value, format)) [\(number(low, format)) to \(number(high, format))]"
        }

        private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    }
}
