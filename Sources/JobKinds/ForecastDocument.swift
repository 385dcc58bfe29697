import Forecasts
import JSONEnvelope
import Records

/// A forecast as it is published: what it comes to, by class, stage and seller, what moved, how sure it is, and what it is made of.
struct ForecastDocument {
    let reading: ForecastReading
    let question: ForecastQuestion
    let run: ForecastRun
    let movements: Movements
    /// What who told of them calls those of `stalled`.
    var names: [Int64: String] = [:]

    /// Opportunities named in the document itself; all of them are behind `GET …/opportunities`.
    private static let named = 200

    /// The largest that are stalled, of each currency alike: amounts of two do not compare.
    var stalled: [ForecastLine] {
        func isLarger(_ a: ForecastLine, _ b: ForecastLine) -> Bool { (b.amountMinor, a.deal) < (a.amountMinor, b.deal) }
        let ranked = Dictionary(grouping: book.lines.filter { $0.counted == .atRisk }, by: \.currency).values
            .flatMap { $0.sorted(by: isLarger).enumerated() }
        return ranked.sorted { $0.offset == $1.offset ? isLarger($0.element, $1.element) : $0.offset < $1.offset }
            .prefix(Self.named).map(\.element).sorted(by: isLarger)
    }

    private var book: ForecastBook { run.book }
    private var currencies: Range<Int> { 0..<max(1, reading.currencies.count) }

    var json: [UInt8] {
        JSONWriter.object(capacity: 16_384) { object in
            object.member("as_of_day", reading.day.description)
            object.member("ruleset_version", reading.ruleVersion)
            object.member("currencies", reading.currencies)
            object.member("stages", book.policy.stages)
            object.member(
                "committed_from",
                book.policy.stages.indices.contains(book.policy.committedFrom) ? book.policy.stages[book.policy.committedFrom] : nil)
            object.member("sellers", reading.sellers)
            object.member("open", book.lines.count)
            object.array("totals") { list in for currency in currencies { list.object { totals(currency, &$0) } } }
            object.object("excluded") { for reason in Exclusion.allCases { $0.member(reason.rawValue, book.totals.excluded[reason] ?? 0) } }
            object.array("by_stage") { list in
                let dwells = StageDwell.all(reading.facts, asOf: reading.day)
                for figures in book.byStage { list.object { stage(figures, dwells[figures.stage], &$0) } }
            }
            object.array("by_seller") { list in for figures in book.bySeller { list.object { seller(figures, &$0) } } }
            object.array("stalled") { list in for line in stalled { list.object { self.stalled(line, &$0) } } }
            object.object("won") { won(&$0) }
            object.object("moved") { moved(&$0) }
            object.object("outlook") { outlook(&$0) }
            object.object("model") { model(&$0) }
            object.member(
                "note",
                "committed and weighted make the forecast; what is stalled or self-entered counts for nothing in it. The outlook is a statistical forecast of all that may be won in the period, the stalled and what has not begun included."
            )
        }
    }

    private func currency(_ place: Int) -> String? { reading.currencies.indices.contains(place) ? reading.currencies[place] : nil }

    private func totals(_ place: Int, _ object: inout JSONWriter) {
        object.member("currency", currency(place))
        for standing in ForecastClass.allCases {
            let figures = book.totals[place, standing]
            object.object(standing.rawValue) { figures.describe(&$0) }
        }
        object.member("forecast_total_minor", book.totals.total(place))
    }

    private func stage(_ figures: StageFigures, _ dwell: StageDwell, _ object: inout JSONWriter) {
        object.member("stage", book.policy.stages[figures.stage])
        object.member("count", figures.count)
        object.member("stalled_count", figures.stalled)
        object.array("amounts") { list in
            for (place, amounts) in figures.byCurrency.sorted(by: { $0.key < $1.key }) {
                list.object {
                    $0.member("currency", currency(place))
                    $0.member("count", amounts.count)
                    $0.member("stalled_count", amounts.stalled)
                    $0.member("amount_minor", amounts.amountMinor)
                    $0.member("weighted_minor", amounts.contribution)
                    $0.member("stalled_minor", amounts.stalledMinor)
                }
            }
        }
        object.member("conversion", dwell.conversion)
        object.member("conversion_n", dwell.exits)
        object.member("prior_used", run.isMostlyBelieved[figures.stage])
        object.member("dwell_p50_days", dwell.median)
        object.member("dwell_p90_days", dwell.p90)
    }

    private func seller(_ figures: SellerFigures, _ object: inout JSONWriter) {
        object.member("seller", figures.seller < 0 ? nil : reading.sellers[Int(figures.seller)])
        object.member("currency", currency(figures.currency))
        for standing in ForecastClass.allCases {
            object.object(standing.rawValue) { (figures.byClass[standing] ?? ClassFigures()).describe(&$0) }
        }
    }

    private func stalled(_ line: ForecastLine, _ object: inout JSONWriter) {
        object.member("opportunity_id", "\(line.deal)")
        object.member("external_id", names[line.deal])
        object.member("seller", line.seller < 0 ? nil : reading.sellers[Int(line.seller)])
        object.member("stage", line.stage.map { book.policy.stages[$0] })
        object.member("amount_minor", line.amountMinor)
        object.member("currency", currency(line.currency))
        object.member("days", line.stall?.days)
        object.member("reason", line.stall?.reason.rawValue)
    }

    private func won(_ object: inout JSONWriter) {
        let won = reading.facts.won(in: question.period)
        object.member("count", won.count)
        object.array("amounts") { list in
            for (place, part) in won.byCurrency.sorted(by: { $0.key < $1.key }) {
                list.object {
                    $0.member("currency", currency(place))
                    $0.member("count", part.count)
                    $0.member("amount_minor", part.amountMinor)
                }
            }
        }
    }

    private func moved(_ object: inout JSONWriter) {
        object.member("since", reading.inForce.map { "\($0.id)" })
        object.array("changes") { list in
            for (place, kinds) in movements.byCurrency.sorted(by: { $0.key < $1.key }) {
                list.object { object in
                    object.member("currency", currency(place))
                    for kind in Movement.allCases {
                        guard let part = kinds[kind] else { continue }
                        object.object(kind.rawValue) {
                            $0.member("count", part.count)
                            $0.member("amount_minor", part.amountMinor)
                        }
                    }
                    object.member("sum_minor", movements.sum(place))
                }
            }
        }
    }

    private func outlook(_ object: inout JSONWriter) {
        let outlook = run.outlook
        object.object("wins") {
            $0.member("expected_open", outlook.expectedOpen)
            $0.member("expected_new", outlook.expectedNew)
            $0.member("p10", outlook.paths.p10)
            $0.member("p50", outlook.paths.p50)
            $0.member("p90", outlook.paths.p90)
            $0.member("interval_low", outlook.interval.lowerBound)
            $0.member("interval_high", outlook.interval.upperBound)
            $0.member("interval_basis", outlook.basis.rawValue)
        }
        object.array("amounts") { list in
            for (place, spread) in outlook.amounts.enumerated() {
                list.object {
                    $0.member("currency", currency(place))
                    $0.member("p10_minor", Int64(nearest: spread.p10))
                    $0.member("p50_minor", Int64(nearest: spread.p50))
                    $0.member("p90_minor", Int64(nearest: spread.p90))
                }
            }
        }
        object.member("errors_learnt", outlook.errorsLearnt)
    }

    private func model(_ object: inout JSONWriter) {
        object.member("version", ForecastRun.modelVersion)
        object.member("level", run.level)
        object.member("evidence", run.haircut.origin.rawValue)
        object.array("evidence_factors") { list in for factor in run.haircut.factors { list.element(json: "\(factor)".utf8) } }
        object.array("amount_ratios") { list in
            for (place, ratio) in run.ratios.enumerated() {
                list.object {
                    $0.member("currency", currency(place))
                    $0.member("ratio", ratio)
                }
            }
        }
    }
}

extension ClassFigures {
    fileprivate func describe(_ object: inout JSONWriter) {
        object.member("count", count)
        object.member("amount_minor", amountMinor)
        object.member("forecast_minor", contribution)
    }
}
