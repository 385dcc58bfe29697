import Forecasts
import Foundation

/// Whose opportunities a forecast is of.
public struct ForecastScope: Sendable, Hashable {
    /// By their names in `seller.team`, and sellers by their external ids; both empty: everybody's.
    public var teams: [String]
    public var sellers: [String]

    public init(teams: [String] = [], sellers: [String] = []) {
        self.teams = Set(teams).sorted()
        self.sellers = Set(sellers).sorted()
    }

    public var isWhole: Bool { teams.isEmpty && sellers.isEmpty }

    /// The same for the same choice, whatever order it was made in.
    public var key: String {
        isWhole ? "" : (teams.map { "team:\($0)" } + sellers.map { "seller:\($0)" }).joined(separator: "\n")
    }
}

/// What a forecast is asked for.
public struct ForecastQuestion: Sendable {
    public var scope: ForecastScope
    public var period: ClosedRange<Day>
    /// Nil: now.
    public var asOf: Date?
    /// Nothing older than this; nil: whatever is told by then.
    public var watermark: Int64?
    public var reason: String

    public init(scope: ForecastScope, period: ClosedRange<Day>, asOf: Date? = nil, watermark: Int64? = nil, reason: String) {
        self.scope = scope
        self.period = period
        self.asOf = asOf
        self.watermark = watermark
        self.reason = reason
    }
}

/// What stands in force for a scope and period, before it is replaced.
public struct ForecastInForce: Sendable {
    public let id: Int64
    public let asOf: Date
    public let watermark: Int64
    public let modelVersion: String
    let job: Int64
    let run: Int64
    /// By place, as its lines count them.
    let currencies: [String]
}

/// Everything a forecast is made of, of one moment, with the names behind the places.
public struct ForecastReading: Sendable {
    public let facts: ForecastFacts
    public let asOf: Date
    public let day: Day
    public let watermark: Int64
    public let sellers: [String]
    public let currencies: [String]
    /// Why stages are told apart as they are: `gate/default@3`; nil: by what was told.
    public let ruleVersion: String?
    public let inForce: ForecastInForce?
    /// Lines of the forecast in force, with currencies by their places here.
    public let linesInForce: [ForecastLine]
    /// Of opportunities that have ended: whether they were won.
    public let ended: [Int64: Bool]
}
