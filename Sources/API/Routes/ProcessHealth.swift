import Foundation
import JSONEnvelope
import ProcessHealth
import Records
import Tenancy

extension API {
    static let processHealthEndpoints = [
        Endpoint(.get, "/v1/spi", takesQuery: true, answer: listWeeks),
        Endpoint(.get, "/v1/spi/summary", takesQuery: true, answer: readSummary),
        Endpoint(.get, "/v1/spi/versions", takesQuery: true, answer: listVersions),
        Endpoint(.get, "/v1/spi/diagnoses", takesQuery: true, answer: listDiagnoses),
        Endpoint(.get, "/v1/predictions", takesQuery: true, answer: listPredictions),
        Endpoint(.get, "/v1/predictions/quality", answer: readQuality),
    ]
}

/// `GET /v1/spi?week=`: sellers' process health in a week; without a week, in the last one that is over.
@Sendable private func listWeeks(_ call: Call) async throws -> Answer {
    let (wanted, weeks, order, seller, team, cursor, limit) = try call.query { query in
        let (week, weeks) = (query.week("week"), query.integer("weeks", in: 1...26) ?? 1)
        let order = query.choice("order", of: HealthOrder.self) ?? .seller
        return (week, weeks, order, query.string("seller"), query.string("team"), query.cursor(in: order.rawValue), query.limit())
    }
    guard let week = try await call.week(wanted) else { return .page(Page<HealthWeekRecord>(items: [], next: nil), \.json) }
    let page = try await call.records.healthWeeks(
        of: call.tenant.id, in: week, order: order, seller: seller, team: team, after: cursor ?? 0, limit: limit)
    let earlier = try await call.records.healthWeeks(
        of: call.tenant.id, sellers: page.items.map(\.sellerID), before: week, count: weeks - 1)
    return .page(page, in: order.rawValue) { $0.json(earlier: weeks == 1 ? nil : earlier[$0.sellerID] ?? []) }
}

/// `GET /v1/spi/summary?week=`
@Sendable private func readSummary(_ call: Call) async throws -> Answer {
    let (wanted, team) = try call.query { ($0.week("week"), $0.string("team")) }
    let week = try await call.week(wanted)
    var (tally, lasting) = (Tally(), 0)
    if let week { (tally, lasting) = try await call.records.healthAttainment(of: call.tenant.id, in: week, team: team) }
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("week", week?.description)
            object.member("team", team)
            object.member("with_index", tally.cases)
            object.member("at_base_line", tally.hits)
            object.member("below_two_weeks", lasting)
            object.member("attainment", tally.rate)
        })
}

/// `GET /v1/spi/versions?seller=&week=`: what was published of a week, and what late facts made of it.
@Sendable private func listVersions(_ call: Call) async throws -> Answer {
    let (seller, wanted) = try call.query { ($0.string("seller", required: true), $0.week("week")) }
    guard let week = try await call.week(wanted) else { return .page(Page<HealthWeekRecord>(items: [], next: nil), \.json) }
    let versions = try await call.records.healthVersions(of: call.tenant.id, seller: seller ?? "", week: week)
    return .page(Page(items: versions, next: nil), \.json)
}

/// `GET /v1/spi/diagnoses`
@Sendable private func listDiagnoses(_ call: Call) async throws -> Answer {
    let (seller, cursor, limit) = try call.query { ($0.string("seller"), $0.cursor(), $0.limit()) }
    return .page(
        try await call.records.healthDiagnoses(of: call.tenant.id, seller: seller, before: cursor ?? .max, limit: limit), \.json)
}

/// `GET /v1/predictions`
@Sendable private func listPredictions(_ call: Call) async throws -> Answer {
    let (week, seller, warned, cursor, limit) = try call.query {
        ($0.week("week"), $0.string("seller"), $0.bool("warned"), $0.cursor(), $0.limit())
    }
    return .page(
        try await call.records.healthPredictions(
            of: call.tenant.id, week: week, seller: seller, warned: warned, before: cursor ?? .max, limit: limit), \.json)
}

/// `GET /v1/predictions/quality`: whether anybody is warned now, why not, and how well it went.
@Sendable private func readQuality(_ call: Call) async throws -> Answer {
    let quality = try await call.records.healthQuality(of: call.tenant.id)
    let status = quality.live != nil ? "ok" : quality.last.map { $0.status == "ok" ? "silent" : $0.status } ?? "insufficient_data"
    return Answer(
        200,
        JSONWriter.object(capacity: 2_048) { object in
            object.member("status", status)
            object.member("reasons", quality.silence)
            object.member("live_version", quality.live?.version)
            object.member("live_hash", quality.live?.hash)
            object.object("outcomes") { inner in
                inner.member("hits", quality.confusion.hits)
                inner.member("false_alarms", quality.confusion.falseAlarms)
                inner.member("misses", quality.confusion.misses)
                inner.member("rest", quality.confusion.rest)
                inner.member("pending", quality.pending)
                inner.member("precision", quality.confusion.precision)
                inner.member("recall", quality.confusion.recall)
                inner.member("f1", quality.confusion.falls == 0 ? nil : quality.confusion.f1)
            }
            object.member("last_version", quality.last?.version)
            object.member("last_state", quality.last?.state.rawValue)
            object.member("last_hash", quality.last?.hash)
            object.member("trained_at", quality.last?.trainedAt)
            object.member("report", json: quality.last?.report.bytes)
        })
}

extension Call {
    /// The week asked for, or the last one that is over.
    fileprivate func week(_ wanted: Week?) async throws -> Week? {
        if let wanted { return wanted }
        return try await records.lastHealthWeek(of: tenant.id)
    }
}

extension QueryReader {
    fileprivate mutating func week(_ name: String) -> Week? {
        guard let text = string(name) else { return nil }
        guard let week = Week(text) else {
            fail(name, .badFormat, "must be an ISO week such as 2026-W48")
            return nil
        }
        return week
    }
}

extension HealthWeekRecord {
    fileprivate var json: [UInt8] { json(earlier: nil) }

    /// - Parameter earlier: the weeks before it; nil: nobody asked for them.
    fileprivate func json(earlier: [HealthWeekRecord]?) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("seller_id", seller)
            object.member("team", team)
            object.member("iso_week", week.description)
            object.member("version", version)
            object.member("as_of", asOf)
            object.member("complete", isComplete)
            object.member("status", reading.status.rawValue)
            object.member("spi", reading.index)
            object.array("interval") { list in
                for end in reading.interval.map({ [$0.lowerBound, $0.upperBound] }) ?? [] {
                    list.element(json: Array(end.description.utf8))
                }
            }
            object.member("below_baseline", reading.isBelow)
            object.member("cases", reading.cases)
            object.member("streak_weeks", streak.weeks)
            for (place, dimension) in reading.dimensions.enumerated() {
                object.object("d\(place + 1)") { inner in
                    inner.member("name", dimension.dimension.rawValue)
                    inner.member("num", dimension.tally.hits)
                    inner.member("den", dimension.tally.cases)
                    inner.member("rate", dimension.tally.rate)
                    inner.member("target", dimension.target)
                    inner.member("pass", dimension.passes)
                }
            }
            if let earlier { object.array("earlier") { list in for week in earlier { list.element(json: week.json) } } }
        }
    }
}

extension HealthDiagnosisRecord {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 4_096) { object in
            object.member("id", String(id))
            object.member("seller_id", seller)
            object.member("iso_week", week.description)
            object.member("since", since.description)
            object.member("as_of", asOf)
            object.member("report", json: body.bytes)
        }
    }
}

extension HealthPredictionRecord {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            object.member("id", String(id))
            object.member("seller_id", seller)
            object.member("iso_week", week.description)
            object.member("as_of", asOf)
            object.member("horizon_days", 14)
            object.member("model_version", modelVersion)
            object.member("probability", probability)
            object.member("warning", isWarned)
            object.member("state", state)
            object.member("outcome", outcome)
            object.member("outcome_at", outcomeAt)
            object.member("detail", json: body.bytes)
        }
    }
}
