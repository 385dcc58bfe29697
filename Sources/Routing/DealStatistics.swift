import SalesModel

/// Deals closed in a trailing window, by owner and industry.
public struct DealStatistics: Sendable {
    struct Tally: Sendable {
        var won = 0
        var lost = 0
        var closed: Int { won + lost }
    }

    private var overall: [String: Tally] = [:]
    private var byIndustry: [String: [String: Tally]] = [:]

    public init(_ deals: [ClosedDeals] = []) {
        for deal in deals {
            overall[deal.owner, default: Tally()].won += deal.won
            overall[deal.owner, default: Tally()].lost += deal.lost
            guard let industry = deal.industry else { continue }
            byIndustry[industry, default: [:]][deal.owner, default: Tally()].won += deal.won
            byIndustry[industry, default: [:]][deal.owner, default: Tally()].lost += deal.lost
        }
    }

    /// Everyone who owned a closed deal, known here or not.
    var owners: Set<String> { Set(overall.keys) }

    /// - Parameter industry: nil: all industries together.
    func tally(of owner: String, in industry: String?) -> Tally {
        guard let industry else { return overall[owner] ?? Tally() }
        return byIndustry[industry]?[owner] ?? Tally()
    }
}
