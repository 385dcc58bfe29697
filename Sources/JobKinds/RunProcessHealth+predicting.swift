import Foundation
import JSONEnvelope
import Jobs
import ProcessHealth
import Records

extension RunProcessHealth {
    /// Says of every healthy seller how likely they fall within 14 days, and warns of those most likely to, as far as managers can attend
    /// to it: by the live model or, in the teams of a canary, by the model that is rolled out. Where no model warns nobody is warned; what the
    /// rule of two conditions says is kept, under its own name.
    func predict(_ run: Run) async throws -> Outcome {
        let standing = try await records.standing(of: run.tenant)
        guard let last = standing.last else { return Self.silent(run, "insufficient_data", ["no model has been trained yet"]) }
        guard last.status == "ok" || standing.live != nil || standing.trial != nil else {
            return Self.silent(run, "insufficient_data", last.reasons)
        }
        if let version = run.job.arguments.modelVersion, version != standing.live?.version {
            guard let model = try await records.model(version, of: run.tenant), model.model != nil else {
                return .failed(.permanent, "there is no model \(version) that could be asked")
            }
            return Self.silent(run, "silent", model.reasons + ["model \(version) is \(model.state.rawValue)"])
        }
        let series = try await records.series(through: run.last, weeks: Self.span, of: run.tenant)
        let sellers = Dictionary(
            uniqueKeysWithValues: try await records.sellers(of: run.tenant, limit: 1_000_000).map { ($0.id, $0) })
        let rows = OnsetRow.rows(of: series).filter {
            $0.week == run.last && !$0.isBelow && sellers[Int64($0.identity.seller)]?.isActive == true
        }
        let forecast = Forecasting(
            run: run, standing: standing, rows: rows, sellers: sellers,
            series: Dictionary(uniqueKeysWithValues: series.map { ($0.identity.seller, $0) }))
        return forecast.outcome(of: Set(run.job.arguments.sellers ?? []))
    }

    private static func silent(_ run: Run, _ status: String, _ reasons: [String]) -> Outcome {
        let result = JSONWriter.object { object in
            object.member("mode", "predict")
            object.member("status", status)
            object.member("reasons", reasons)
            object.member("warnings", 0)
        }
        return Outcome(.completed(status), result: result)
    }
}

/// One tenant's sellers at the end of one week, and what is said of them.
struct Forecasting {
    let run: RunProcessHealth.Run
    let standing: HealthStanding
    let rows: [OnsetRow]
    let sellers: [Int64: HealthSeller]
    let series: [Int: SellerSeries]

    func outcome(of wanted: Set<String>) -> Outcome {
        let canaries = rows.indices.filter { standing.trial?.isCanary(team(of: $0)) ?? false }
        let others = Set(rows.indices).subtracting(canaries).sorted()
        let candidate = canaries.isEmpty ? [:] : sayings(of: standing.trial?.candidate, on: canaries)
        let said = sayings(of: standing.live, on: others).merging(candidate) { $1 }
        let shadow = standing.trial?.isShadow == true ? sayings(of: standing.trial?.candidate, on: Array(rows.indices)) : [:]
        var predictions: [HealthPrediction] = []
        // Of those the job speaks of: of the others another job counts what the shadow says.
        var spoken: [Int] = []
        for place in rows.indices {
            guard let seller = sellers[Int64(rows[place].identity.seller)], wanted.isEmpty || wanted.contains(seller.externalID) else {
                continue
            }
            spoken.append(place)
            predictions.append(prediction(rows[place], seller, said[place] ?? Saying(), shadow: shadow[place]))
        }
        let isSilent = standing.live == nil && canaries.isEmpty
        let result = JSONWriter.object { object in
            object.member("mode", "predict")
            object.member("status", isSilent ? "silent" : "ok")
            object.member("reasons", isSilent ? standing.silence : [])
            object.member("week", run.last.description)
            object.member("horizon_days", 14)
            object.member("model_version", standing.live?.version)
            object.member("rollout_id", standing.trial.map { String($0.id) })
            object.member("canary_version", canaries.isEmpty ? nil : standing.trial?.candidate.version)
            object.member("asked_of_canary", canaries.count(where: Set(spoken).contains))
            object.member("labelled", isSilent ? "rule_baseline" : "model")
            object.member("asked", predictions.count)
            object.member("warnings", predictions.count { $0.isWarned })
            object.member("mechanical_followup", predictions.count { $0.state == .mechanicalFollowUp })
        }
        let asked = spoken.filter { shadow[$0] != nil }
        let differing = asked.count { shadow[$0]?.isWarned != (said[$0]?.isWarned ?? false) }
        return Outcome(
            .completed(isSilent ? "silent" : "predicted"),
            effects: [HealthPredictionsEffect(predictions, asOf: run.asOf, standing: standing, shadow: (asked.count, differing))],
            ruleVersion: standing.live.map { "health_model@\($0.version)" }, result: result)
    }

    /// What a model says of one seller.
    private struct Saying {
        var model: HealthModel?
        var probability: Double?
        var isWarned = false
    }

    /// What a model says of some of the rows, each warned of within the attention of their manager.
    private func sayings(of model: HealthModel?, on places: [Int]) -> [Int: Saying] {
        guard let model, let warning = model.model else { return [:] }
        let own = places.map { rows[$0] }
        let probabilities = own.map(warning.probability)
        let warned = AttentionBudget().chosen(own, probabilities, threshold: warning.threshold)
        return Dictionary(
            uniqueKeysWithValues: places.indices.map {
                (places[$0], Saying(model: model, probability: probabilities[$0], isWarned: warned.contains($0)))
            })
    }

    private func team(of place: Int) -> String? { sellers[Int64(rows[place].identity.seller)]?.team }

    private func prediction(_ row: OnsetRow, _ seller: HealthSeller, _ said: Saying, shadow: Saying?) -> HealthPrediction {
        let (model, isWarned) = (said.model, said.isWarned)
        let reasons = isWarned ? model?.model?.reasons(row) ?? [] : []
        let peer = isWarned ? peer(of: seller, row) : nil
        let body = JSONWriter.object(capacity: 512) { object in
            object.member("label", model == nil ? "rule_baseline" : "model")
            if let own = series[row.identity.seller] { describe(own, row, &object) }
            if let shadow, let version = shadow.model?.version {
                object.object("shadow") { inner in
                    inner.member("model_version", version)
                    inner.member("probability", shadow.probability)
                    inner.member("warning", shadow.isWarned)
                }
            }
            if isWarned {
                object.array("contributions") { list in
                    for one in model?.model?.contributions(row) ?? [] {
                        list.object { inner in
                            inner.member("feature", one.feature.rawValue)
                            inner.member("value", one.value)
                            inner.member("weight", one.logOdds)
                        }
                    }
                }
                object.object("suggestion") { inner in
                    inner.member("kind", "ride_along")
                    inner.member("with_seller_id", peer?.externalID)
                    inner.member("focus", "hidden_needs")
                }
            }
        }
        return HealthPrediction(
            seller: seller, week: row.week, modelVersion: model?.version, probability: said.probability, isWarned: isWarned,
            state: row.isMechanical ? .mechanicalFollowUp : .none, body: body,
            message: isWarned ? message(seller, said.probability ?? 0, reasons, peer) : nil)
    }

    private func describe(_ own: SellerSeries, _ row: OnsetRow, _ object: inout JSONWriter) {
        let place = row.week - own.first
        object.array("silence_rate_weekly") { list in
            for week in max(0, place - 3)...place {
                let rate = MechanicalFollowUp.silenceRate(own.published[week])
                list.element(json: Array((rate?.description ?? "null").utf8))
            }
        }
        object.member("revision_change", MechanicalFollowUp.revisionChange(own.published, at: place))
    }

    /// One of the three with the most headroom of the seller's team, or of all where the team has nobody else; who it is changes from seller
    /// to seller, so that not everybody rides with the same one.
    private func peer(of seller: HealthSeller, _ row: OnsetRow) -> HealthSeller? {
        func best(_ isPeer: (HealthSeller) -> Bool) -> [HealthSeller] {
            rows.sorted { ($1.headroom, $0.identity.seller) < ($0.headroom, $1.identity.seller) }
                .compactMap { sellers[Int64($0.identity.seller)] }.filter { $0.id != seller.id && isPeer($0) }
        }
        let team = best { $0.team == seller.team }
        let peers = (team.isEmpty ? best { _ in true } : team).prefix(3)
        return peers.isEmpty ? nil : peers[Int(seller.id % Int64(peers.count))]
    }

    private func message(_ seller: HealthSeller, _ probability: Double, _ reasons: [Contribution], _ peer: HealthSeller?) -> (
        english: String, chinese: String
    ) {
        let percent = Int((100 * probability).rounded())
        let why = reasons.map(\.feature.words)
        let ride =
            peer.map { " Suggested: one ride-along with \($0.name), watching how hidden needs are found." } ?? " Suggested: one ride-along."
        let english =
            "\(seller.name) may fall below the process health base line within 14 days (\(percent) of 100 such fall)."
            + (why.isEmpty ? "" : " What speaks for it: \(why.map(\.english).joined(separator: "; ")).") + ride
        let chinese =
            "\(seller.name) 的销售过程健康度可能在14天内跌破基线（概率约\(percent)%）。"
            + (why.isEmpty ? "" : "主要信号：\(why.map(\.chinese).joined(separator: "；"))。")
            + (peer.map { "建议：由\($0.name)陪访1次，观摩如何挖掘隐性需求。" } ?? "建议：安排1次陪访。")
        return (english, chinese)
    }
}
