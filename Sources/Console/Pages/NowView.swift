import Foundation
import JSONEnvelope

/// What flows, what waits and why, and what needs somebody.
public enum NowView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/queues`
        public var queues: JSONNode
        /// `GET /v1/flow`; nil: it is being counted.
        public var flow: JSONNode?
        /// `GET /v1/alerts?open=true`
        public var alerts: JSONNode
        /// `GET /v1/breakers`
        public var breakers: JSONNode
        /// `GET /v1/fuses/assignment`
        public var fuse: JSONNode
        /// `GET /v1/rollouts?running=true`
        public var rollouts: JSONNode
        /// `GET /v1/sla/first-touch`; nil: it is being counted.
        public var board: JSONNode?
        /// `GET /v1/notifications?recipient=role:seller`
        public var notices: JSONNode
        /// Whether there are sellers, live rules of who gets a lead, and leads; nil: work is flowing, and nobody has to be shown how to begin.
        public var begun: Beginning?
        /// The tenant's share of worker time against the others' weights; nil: not told to this key.
        public var weight: Int?

        public init(
            queues: JSONNode, flow: JSONNode?, alerts: JSONNode, breakers: JSONNode, fuse: JSONNode, rollouts: JSONNode, board: JSONNode?,
            notices: JSONNode, begun: Beginning? = nil, weight: Int?
        ) {
            self.begun = begun
            self.queues = queues
            self.flow = flow
            self.alerts = alerts
            self.breakers = breakers
            self.fuse = fuse
            self.rollouts = rollouts
            self.board = board
            self.notices = notices
            self.weight = weight
        }
    }

    /// How far a tenant has come with what has to be there before a lead has an owner.
    public struct Beginning: Sendable, Hashable {
        public var hasSellers: Bool
        public var hasRules: Bool
        public var hasLeads: Bool

        public init(hasSellers: Bool, hasRules: Bool, hasLeads: Bool) {
            self.hasSellers = hasSellers
            self.hasRules = hasRules
            self.hasLeads = hasLeads
        }

        var isComplete: Bool { hasSellers && hasRules && hasLeads }
    }

    /// - Parameter once: lets each form be done once.
    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let lines = facts.flow.map { $0["kinds"]?.elements.map(Line.init) ?? [] }
        let queues = facts.queues["items"]?.elements ?? []
        let attention = NowAttention(facts: facts, clerk: clerk, dials: Dials(layout: layout, once: once, refusal: refusal)).items
        let failures = facts.flow?["failures"]?.elements ?? []
        let shares = shares(layout, facts, queues, clerk)
        let active = queues.filter { isActive($0, lines ?? []) }
        let idle = queues.filter { !isActive($0, lines ?? []) }
        return layout.page(
            words["now_title"],
            [
                "asOf": clerk.when(clerk.now), "banner": banner(facts.notices, layout, clerk),
                "problem": refusal.map { $0.view(words) } ?? .nothing,
                "firstSteps": firstSteps(facts.begun, layout), "indexAway": .flag(facts.queues["index"]?.string == "away"),
                "isCountingLate": .flag(facts.board == nil), "isCountingFlow": .flag(facts.flow == nil),
                "hasAttention": .flag(!attention.isEmpty), "attention": .list(attention),
                "tiles": .list(tiles(queues, lines, clerk)), "flowChart": facts.flow.map { chart(lines ?? [], $0, clerk) } ?? .nothing,
                "hasKinds": .flag(!active.isEmpty),
                "kinds": .list(kinds(active, lines, clerk)), "hasIdle": .flag(!idle.isEmpty),
                "idleKinds": .list(idle.map { link(to: $0["kind"]?.string ?? "", words) }), "hasShares": .flag(!shares.isEmpty),
                "shares": .list(shares),
                "hasFailures": .flag(!failures.isEmpty), "failures": .list(failures.map { failure($0, clerk) }),
            ])
    }

    /// What has to be done before a lead has an owner, in order; nothing where all of it is.
    private static func firstSteps(_ begun: Beginning?, _ layout: Layout) -> View {
        guard let begun, !begun.isComplete else { return .nothing }
        let words = layout.words
        let steps: [(name: String, isDone: Bool, href: String?, command: String?)] = [
            (
                "sellers", begun.hasSellers, nil,
                #"curl -X PUT -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' $URL/v1/sellers/ann -d '{"name":"Ann","status":"active"}'"#
            ),
            ("rules", begun.hasRules, layout.door("rules", in: "rules"), nil),
            (
                "leads", begun.hasLeads, nil,
                #"kiteline import leads FILE.csv --source crm --external-id id --preview --url $URL --key $KEY"#
            ),
        ]
        return [
            "steps": .list(
                steps.map { step in
                    [
                        "stepTitle": .text(words["begin_\(step.name)"]), "stepText": .text(words["begin_\(step.name)_words"]),
                        "stepState": step.isDone ? .chip(.good, words["begin_done"]) : .chip(.idle, words["begin_open"]),
                        "isOpen": .flag(!step.isDone), "stepHref": .text(step.href), "stepCommand": .text(step.command),
                    ]
                })
        ]
    }

    /// The change of rules that sellers were told of last, for a day: what is now, what it was, why (RULE-08).
    private static func banner(_ notices: JSONNode, _ layout: Layout, _ clerk: Clerk) -> View {
        let told = notices["items"]?.elements.first { $0["code"]?.string == "rules_changed" }
        guard let told, let at = told["at"]?.date, clerk.now.timeIntervalSince(at) < 86_400 else { return .nothing }
        let text = told[clerk.words.language == .chinese ? "text_zh" : "text"]?.string ?? ""
        let lines = text.split(separator: "\n").map { $0.hasPrefix("· ") ? $0.dropFirst(2) : $0 }
        let ruleSet = told["subject"]?.string?.split(separator: "@").first.map(String.init)
        return [
            "bannerText": .text(lines.first.map { whyChanged(String($0), clerk.words) } ?? ""), "hasChanges": .flag(lines.count > 1),
            "changes": .list(lines.dropFirst().map { .text(String($0)) }),
            "rulesHref": .text(layout.door("rules/\(ruleSet ?? "")", in: "rules")), "since": clerk.when(at),
        ]
    }

    /// Why it was done may be in the service's own words, which are English whatever the text is in.
    private static func whyChanged(_ text: String, _ words: Words) -> String {
        guard let mark = text.firstRange(of: words.language == .chinese ? "原因：" : "Why: ") else { return text }
        return text[..<mark.upperBound] + Sentences.said(String(text[mark.upperBound...]), words)
    }

    /// How one kind's jobs ended, minute by minute.
    struct Line {
        let kind: String
        let completed: [Int]
        let failed: [Int]

        init(_ node: JSONNode) {
            kind = node["kind"]?.string ?? ""
            completed = node["completed"]?.elements.map { Int($0.integer ?? 0) } ?? []
            failed = node["failed"]?.elements.map { Int($0.integer ?? 0) } ?? []
        }

        var ended: Int { completed.reduce(0, +) + failed.reduce(0, +) }
        var failures: Int { failed.reduce(0, +) }
    }

    // MARK: Numbers

    /// Stands where a number is not known yet.
    static let counting = "…"

    /// - Parameter lines: nil: they are being counted.
    private static func tiles(_ queues: [JSONNode], _ lines: [Line]?, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        func sum(_ name: String) -> Int? {
            let values = queues.compactMap { $0[name]?.integer }
            return values.isEmpty ? nil : Int(values.reduce(0, +))
        }
        let oldest = queues.compactMap { $0["oldest_claimable_ms"]?.double }.max()
        let ended = lines?.reduce(0) { $0 + $1.ended }
        let failed = lines?.reduce(0) { $0 + $1.failures } ?? 0
        let share = ended.flatMap { $0 == 0 ? nil : Double(failed) / Double($0) }
        return [
            .tile(words["state_running"], sum("running").map(clerk.number) ?? "–", words["now_tile_running"]),
            .tile(words["now_ready"], sum("ready").map(clerk.number) ?? "–", words["now_tile_ready"]),
            .tile(
                words["state_parked"], sum("parked").map(clerk.number) ?? "–", words["now_tile_parked"],
                (sum("parked") ?? 0) > 0 ? .warn : .plain),
            .tile(words["now_oldest"], clerk.span(milliseconds: oldest) ?? "–", words["now_tile_oldest"]),
            .tile(words["now_last_hour"], ended.map(clerk.number) ?? counting, words["now_tile_ended"]),
            .tile(
                words["now_failed"], ended == nil ? counting : clerk.failures(share),
                ended == nil ? words["counting"] : words["now_tile_failed", ["n": clerk.number(failed)]], .ofFailures(share)),
        ]
    }

    private static func chart(_ lines: [Line], _ flow: JSONNode, _ clerk: Clerk) -> View {
        let minutes = Int(flow["minutes"]?.integer ?? 0)
        guard minutes > 0, lines.contains(where: { $0.ended > 0 }), let from = flow["from"]?.date else {
            return .nothing
        }
        let completed = (0..<minutes).map { minute in
            lines.reduce(0) { $0 + ($1.completed.indices.contains(minute) ? $1.completed[minute] : 0) }
        }
        let failed = (0..<minutes).map { minute in lines.reduce(0) { $0 + ($1.failed.indices.contains(minute) ? $1.failed[minute] : 0) } }
        let top = Picture.roundTop(Double(zip(completed, failed).map { $0 + $1 }.max() ?? 0))
        let step = 100 / Double(minutes)
        let words = clerk.words
        let bars = (0..<minutes).flatMap { minute -> [View] in
            let at = clerk.minute(from.addingTimeInterval(Double(minute) * 60))
            let said = words["now_flow_minute", ["at": at, "completed": "\(completed[minute])", "failed": "\(failed[minute])"]]
            let parts: [(tone: String, from: Int, count: Int)] = [
                ("one", 0, completed[minute]), ("bad", completed[minute], failed[minute]),
            ]
            return parts.filter { $0.count > 0 }.map { part in
                let height = Double(part.count) / top * 100
                return [
                    "barTone": .text(part.tone), "x": .text(Picture.coordinate(Double(minute) * step + step * 0.1)),
                    "width": .text(Picture.coordinate(step * 0.8)), "height": .text(Picture.coordinate(height)),
                    "y": .text(Picture.coordinate(100 - Double(part.from) / top * 100 - height)), "barWords": .text(said),
                ]
            }
        }
        let total = (completed.reduce(0, +), failed.reduce(0, +))
        return [
            "chartWords": .text(
                words["now_flow_words", ["completed": clerk.number(total.0), "failed": clerk.number(total.1), "minutes": "\(minutes)"]]),
            "yLabels": .list([top, top / 2, 0].map { .text(clerk.number($0, decimals: 1)) }), "gridLines": ["0", "50"], "bars": .list(bars),
            "xLabels": .list(
                [0, minutes / 3, minutes * 2 / 3, minutes].map { .text(clerk.minute(from.addingTimeInterval(Double($0) * 60))) }),
        ]
    }

    // MARK: Tables

    /// Whether anything of a kind ended in the last hour, runs, waits, or is held back.
    private static func isActive(_ queue: JSONNode, _ lines: [Line]) -> Bool {
        if queue["paused"]?.bool == true || lines.contains(where: { $0.kind == queue["kind"]?.string && $0.ended > 0 }) { return true }
        // What cannot be counted may be there.
        return ["running", "ready", "parked", "deferred"].contains { queue[$0]?.integer != 0 }
    }

    private static func link(to kind: String, _ words: Words) -> View {
        ["kindHref": .text(Layout.path("jobs") + Console.query([("kind", kind)])), "kindName": .text(words.known("kind", kind))]
    }

    private static func kinds(_ queues: [JSONNode], _ lines: [Line]?, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        return queues.map { queue in
            let kind = queue["kind"]?.string ?? ""
            let line = lines?.first { $0.kind == kind }
            let (ended, failed) = (line?.ended ?? 0, line?.failures ?? 0)
            let parkedBy = queue["parked_by"]?.elements.first
            let why =
                queue["paused_reason"]?.string
                ?? parkedBy.flatMap { words.all["waiting_\($0["code"]?.string ?? "")"] ?? $0["text"]?.string }
            return link(to: kind, words).merging([
                "state": state(queue, words), "why": .text(why), "running": .text(clerk.number(queue["running"]) ?? "–"),
                "ready": .text(clerk.number(queue["ready"]) ?? "–"), "parked": .text(clerk.number(queue["parked"]) ?? "–"),
                "deferred": .text(clerk.number(queue["deferred"]) ?? "–"),
                "drain": .text(queue["estimated_drain_seconds"]?.double.map { words["now_drain", ["span": clerk.span(max(1, $0))]] }),
                "oldest": .text(clerk.span(milliseconds: queue["oldest_claimable_ms"]?.double) ?? "–"),
                "lastHour": .text(lines == nil ? counting : clerk.number(ended)),
                "failedShare": .text(lines == nil ? counting : clerk.failures(ended == 0 ? nil : Double(failed) / Double(ended))),
                "trend": trend(line, clerk),
            ])
        }
    }

    private static func state(_ queue: JSONNode, _ words: Words) -> View {
        if queue["paused"]?.bool == true { return .chip(.warn, words["now_paused"]) }
        if (queue["parked"]?.integer ?? 0) > 0 { return .chip(.warn, words["state_parked"]) }
        if (queue["running"]?.integer ?? 0) > 0 { return .chip(.good, words["now_flows"]) }
        if (queue["ready"]?.integer ?? 0) > 0 { return .chip(.info, words["now_waits"]) }
        return .chip(.plain, words["now_idle"])
    }

    private static func trend(_ line: Line?, _ clerk: Clerk) -> View {
        guard let line, line.ended > 0 else { return .nothing }
        // Twelve points of five minutes say more in a small picture than sixty.
        let each = zip(line.completed, line.failed).map { Double($0 + $1) }
        let sums = stride(from: 0, to: each.count, by: 5).map { each[$0..<min($0 + 5, each.count)].reduce(0, +) }
        let top = sums.max() ?? 1
        return [
            "trendWords": .text(clerk.words["now_trend_words", ["n": clerk.number(line.ended)]]),
            "trendMost": .text(clerk.words["now_trend_most", ["n": clerk.number(Int(top))]]),
            "areaPoints": .text(Picture.area(sums, top: top)), "linePoints": .text(Picture.line(sums, top: top)),
        ]
    }

    /// Every queue tells the same of its tenant.
    private static func shares(_ layout: Layout, _ facts: Facts, _ queues: [JSONNode], _ clerk: Clerk) -> [View] {
        guard let queue = queues.first, let received = queue["share_received"]?.double, let entitled = queue["share_entitled"]?.double
        else {
            return []
        }
        return [
            [
                "tenantLabel": .text(layout.tenant), "weight": .text(facts.weight.map(String.init) ?? "–"),
                "received": .text(clerk.percent(received)), "entitled": .text(clerk.percent(entitled)),
                "shareBar": ["receivedX": .text(Picture.length(received)), "entitledX": .text(Picture.mark(entitled))],
            ]
        ]
    }

    /// Where those that failed so are: jobs among the dead letters by their class, leads in their state by the outcome of theirs.
    private static func place(ofFailure cause: String, _ words: Words) -> String {
        if words.all["class_\(cause)"] != nil { return Layout.path("dead-letters") + query([("error_class", cause)]) }
        let state = ["held", "manual_queue"].first(where: cause.hasPrefix)
        return state.map { Layout.path("leads") + query([("state", $0)]) } ?? Layout.path("jobs")
    }

    private static func failure(_ failure: JSONNode, _ clerk: Clerk) -> View {
        let cause = failure["cause"]?.string ?? ""
        let (name, meaning) = clerk.cause(cause)
        return [
            "failureHref": .text(place(ofFailure: cause, clerk.words)),
            "className": .text(name), "classMeaning": .text(meaning),
            "count": .text(clerk.number(failure["count"])),
            "last": clerk.when(failure["last_at"]),
            "newestError": .text(failure["error"]?.string.map { Sentences.relayed($0, clerk.words) }),
        ]
    }
}
