import Forecasts
import PostgresClient

/// Some thousand lines of a forecast, as they are kept: one array for each thing said.
struct ForecastChunk {
    static let size = 20_000
    static let columns = "place, deals, sellers, stages, currencies, standings, amounts, odds, contributions, stalls"

    let place: Int
    let lines: [ForecastLine]

    init(place: Int, lines: [ForecastLine]) {
        self.place = place
        self.lines = lines
    }

    init(_ row: Row) throws {
        place = Int(try row.get(0, as: Int32.self))
        let deals: [Int64] = try row.get(1)
        let (sellers, stages, currencies): ([Int32], [Int16], [Int16]) = (try row.get(2), try row.get(3), try row.get(4))
        let (standings, amounts, odds): ([Int16], [Int64], [Float]) = (try row.get(5), try row.get(6), try row.get(7))
        let (contributions, stalls): ([Int64], [Int32]) = (try row.get(8), try row.get(9))
        lines = deals.indices.map { place in
            ForecastLine(
                deal: deals[place], seller: sellers[place], stage: stages[place] < 0 ? nil : Int(stages[place]),
                currency: Int(currencies[place]), standing: ForecastLine.Standing(code: standings[place]), amountMinor: amounts[place],
                odds: Double(odds[place]), contribution: contributions[place], stall: Stall(code: stalls[place]))
        }
    }

    func statement(tenant: Int64, job: Int64, run: Int64) -> Statement {
        """
        INSERT INTO forecast_line (tenant_id, job_id, run, place, deals, sellers, stages, currencies, standings, amounts, odds, contributions, stalls)
        VALUES (\(tenant), \(job), \(run), \(Int32(place)), \(lines.map(\.deal)), \(lines.map(\.seller)),
            \(lines.map { Int16($0.stage ?? -1) }), \(lines.map { Int16($0.currency) }), \(lines.map(\.standing.code)), \(lines.map(\.amountMinor)),
            \(lines.map { Float($0.odds) }), \(lines.map(\.contribution)), \(lines.map { $0.stall?.code ?? 0 }))
        ON CONFLICT DO NOTHING
        """
    }
}

extension ForecastChunk {
    /// A standing's name in JSON, by its number.
    static func name(_ code: Int16) -> String {
        switch ForecastLine.Standing(code: code) {
        case .counted(let standing): standing.rawValue
        case .excluded(let reason): reason.rawValue
        }
    }

    /// The number of a standing by its name; one that nothing has where there is no such name.
    static func code(_ name: String) -> Int16 {
        if let standing = ForecastClass(rawValue: name) { return ForecastLine.Standing.counted(standing).code }
        return Exclusion(rawValue: name).map { ForecastLine.Standing.excluded($0).code } ?? -1
    }
}

extension ForecastEntry {
    /// The names of all standings.
    public static let standings = ForecastClass.allCases.map(\.rawValue) + Exclusion.allCases.map(\.rawValue)
}

extension ForecastLine.Standing {
    fileprivate var code: Int16 {
        switch self {
        case .counted(let standing): Int16(ForecastClass.allCases.firstIndex(of: standing)!)
        case .excluded(let reason): Int16(10 + Exclusion.allCases.firstIndex(of: reason)!)
        }
    }

    /// What is kept was written by `code`.
    fileprivate init(code: Int16) {
        let place = Int(code)
        self = place < 10 ? .counted(ForecastClass.allCases[place]) : .excluded(Exclusion.allCases[place - 10])
    }
}

extension Stall {
    fileprivate var code: Int32 { reason == .noKnownAction ? -Int32(days) : Int32(days) }

    fileprivate init?(code: Int32) {
        guard code != 0 else { return nil }
        self.init(reason: code < 0 ? .noKnownAction : .noRecentAction, days: Int(abs(code)))
    }
}
