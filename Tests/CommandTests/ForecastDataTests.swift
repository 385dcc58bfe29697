import Forecasts
import Foundation
import Testing

@testable import kiteline

/// The bars the published histories have to meet; the data are not part of the project.
@Suite(.enabled(if: Published.folder != nil, "set KITELINE_TEST_DATA to the folder that holds the published histories"))
struct ForecastDataTests {
    private func reports() throws -> [BacktestReport] {
        let files = PastDealFiles(folder: try #require(Published.folder))
        return try [files.olist(), files.maven()].map { data in
            let test = Backtest(data)
            return try #require(BacktestReport(test, test.run()))
        }
    }

    @Test func `on both published histories the error is a quarter below that of the last four weeks, and intervals hold four in five`()
        throws
    {
        let reports = try reports()

        for report in reports { #expect(report.open.forecast <= report.open.lastPeriod * 0.75, "\(report)") }
        let maven = try #require(reports.last?.amount)
        #expect(maven.forecast <= maven.lastPeriod * 0.75, "\(maven)")
        let origins = Double(reports.reduce(0) { $0 + $1.origins })
        let covered = reports.reduce(0) { $0 + $1.adaptive.covered * Double($1.origins) } / origins
        #expect(origins >= 40 && (0.72...0.88).contains(covered), "\(covered) of \(origins)")
        for report in reports { #expect((0.72...0.88).contains(report.adaptive.covered), "\(report)") }
    }

    @Test func `the published histories are read whole`() throws {
        let files = PastDealFiles(folder: try #require(Published.folder))
        let (olist, maven) = (try files.olist(), try files.maven())

        #expect(olist.deals.count == 8_000 && olist.deals.count { $0.won != nil } == 842 && !olist.hasAmounts)
        #expect(maven.deals.count == 8_300 && maven.deals.count { $0.won != nil } == 4_238)
        #expect(maven.deals.count { $0.ended != nil } == 6_711)
        #expect(maven.deals.reduce(0) { $0 + ($1.realised ?? 0) } == 1_000_553_400, "in cents")
        #expect(maven.deals.allSatisfy { $0.expected != nil }, "a product written in two ways is one")
    }
}

private enum Published {
    static let folder: URL? = ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"].map { URL(filePath: $0) }.flatMap { folder in
        let names = ["olist-marketing-funnel", "maven-crm-opportunities"]
        return names.allSatisfy { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) } ? folder : nil
    }
}
