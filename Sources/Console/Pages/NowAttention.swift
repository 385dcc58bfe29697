import JSONEnvelope

/// Which open alerts are told together, on *Now* and on the command line.
public enum AlertGroups {
    /// Columns of one file come together, and one map puts all of them right.
    public static let drift = "schema_drift"
    private static let alike = 3

    /// Whether so many open alerts of one code are one line: two columns are, more than three of anything else.
    public static func isOne(_ code: String, of open: Int) -> Bool { open > (code == drift ? 1 : alike) }
}

/// What needs somebody: no worker, an open fuse, alerts, late leads, breakers, pauses, and rollouts that wait for a decision.
struct NowAttention {
    let facts: NowView.Facts
    let clerk: Clerk
    let dials: Dials

    /// Of breakers, of paused dependencies and of fields no map names so many are named, then how many more there are.
    private static let named = 5
    /// And of these so many are named.
    private static let shown = 20

    private var words: Words { clerk.words }

    var items: [View] { workers + fuse + alerts + late + breakers + pauses + rollouts }

    private func item(
        _ tone: Tone, _ label: String, _ text: String, href: String?, since: View = .nothing, ending: View = .nothing
    ) -> View {
        [
            "state": .chip(tone, label), "itemText": .text(text), "itemHref": .text(href), "since": since, "endForm": ending,
            "alike": .nothing,
        ]
    }

    private func rest(_ tone: Tone, _ label: String, _ word: String, of nodes: [JSONNode]) -> [View] {
        guard nodes.count > Self.named else { return [] }
        return [item(tone, label, words[word, ["n": clerk.number(nodes.count - Self.named)]], href: Layout.path("breakers"))]
    }

    /// Nothing runs without one, whatever else there is to see.
    private var workers: [View] {
        guard facts.queues["workers"]?.string == "none" else { return [] }
        return [
            item(
                .bad, words["now_no_worker"], words["now_no_worker_words"], href: dials.layout.may(.platform) ? Layout.path("workers") : nil
            )
        ]
    }

    // MARK: What failed

    private var isFuseOpen: Bool { facts.fuse["state"]?.string == "open" }

    private var fuse: [View] {
        guard isFuseOpen else { return [] }
        let reason = Sentences.relayed(facts.fuse["reason"]?.string ?? "", words)
        let waiting = words["fuse_waiting", ["n": clerk.number(facts.fuse["waiting"]) ?? "0"]]
        let opened = words["now_fuse_open", ["reason": reason]]
        let tried = facts.fuse.canaries(words)
        let text = words.passage([waiting, tried == nil ? opened : opened.asSentence(words.language), tried].compactMap(\.self))
        return [
            item(
                .bad, words["now_fuse"], text, href: Layout.path("breakers"),
                since: clerk.when(facts.fuse["changed_at"]))
        ]
    }

    private var alerts: [View] {
        let known = Dictionary(grouping: facts.alerts["items"]?.elements ?? []) { $0["code"]?.string ?? "" }
        return (facts.alerts["codes"]?.elements ?? []).flatMap { sort -> [View] in
            let (code, open) = (sort["code"]?.string ?? "", Int(sort["open"]?.integer ?? 0))
            // The fuse has said so itself.
            if code == "assignment_fuse", isFuseOpen { return [] }
            let alerts = known[code] ?? []
            guard AlertGroups.isOne(code, of: open) || alerts.count < open else { return alerts.map { one($0, code) } }
            return [many(alerts, of: open, code, newest: sort["newest_id"]?.string ?? "")]
        }
    }

    private func one(_ alert: JSONNode, _ code: String) -> View {
        let subject = alert["subject"]?.string ?? ""
        let text =
            switch code {
            case "rollout_aborted":
                words["now_rollout_aborted", ["n": subject, "reason": Sentences.said(alert["detail"]?["reason"]?.string ?? "–", words)]]
            case "clock_unreadable":
                words[
                    "now_alert_clock",
                    [
                        "clock": words.known("clock", String(subject.prefix { $0 != "/" })),
                        "field": String(subject.drop { $0 != "/" }.dropFirst()),
                    ]]
            case "failure_rate": words["now_alert", ["alert": words.known("alert", code), "subject": words.known("kind", subject)]]
            default: words["now_alert", ["alert": words.known("alert", code), "subject": subject]]
            }
        return item(
            .bad, words["now_alert_label"], text, href: place(of: alert, code), since: clerk.when(alert["first_at"]),
            ending: dials.end(alert: alert["id"]?.string ?? "", of: subject))
    }

    /// - Parameters:
    ///   - alerts: the newest of them, the newest first.
    ///   - count: how many there are.
    ///   - newest: the id of the newest, which need not be among them.
    private func many(_ alerts: [JSONNode], of count: Int, _ code: String, newest: String) -> View {
        let name = words.known("alert", code)
        let shown = alerts.prefix(Self.shown)
        let places = Set(shown.map { place(of: $0, code) })
        let item = item(
            .bad, words["now_alert_label"], text(of: shown, of: count, code),
            href: places.count == 1 ? places.first ?? nil : nil, since: clerk.when(shown.first?["first_at"]),
            ending: dials.endAll(of: code, name: name, count: clerk.number(count), newest: newest))
        guard !shown.isEmpty else { return item }
        return item.merging([
            "alike": [
                "alikeCode": .text(code), "alikeName": .text(name),
                "isOpen": .flag(shown.contains { dials.isRefused(alert: $0["id"]?.string) }),
                // Each is an alert; the one line above says so for all.
                "alikeItems": .list(shown.map { one($0, code).merging(["state": .nothing]) }),
                "more": .text(count > shown.count ? words["now_more_alerts", ["n": clerk.number(count - shown.count)]] : nil),
            ]
        ])
    }

    /// - Parameters:
    ///   - alerts: the newest of them.
    ///   - count: how many there are.
    private func text(of alerts: ArraySlice<JSONNode>, of count: Int, _ code: String) -> String {
        let fields = code == AlertGroups.drift ? alerts.prefix(Self.named).compactMap { $0["subject"]?.string } : []
        guard !fields.isEmpty else { return words["now_alerts", ["alert": words.known("alert", code), "n": clerk.number(count)]] }
        let named = fields.joined(separator: words["list_separator"])
        guard count > fields.count else { return words["now_drift", ["fields": named]] }
        return words["now_drift_more", ["fields": named, "n": clerk.number(count - fields.count)]]
    }

    /// Where something can be done about an alert: the very lead or rollout where it names one; nil: nowhere in particular.
    private func place(of alert: JSONNode, _ code: String) -> String? {
        let subject = alert["subject"]?.string ?? ""
        switch code {
        case AlertGroups.drift: return dials.layout.door("rules", in: "rules")
        // Of the latest it was about: mending that lead tells what the rules lack.
        case "clock_unreadable":
            let lead = alert["detail"]?["subject"]?.string?.split(separator: "/").map(String.init) ?? []
            return lead.count == 2 && lead[0] == "lead" ? Layout.path("leads/\(lead[1])") : dials.layout.door("rules", in: "rules")
        case "missing_data": return Layout.path("leads") + query([("state", "held")])
        case "manual_queue": return Layout.path("leads") + query([("state", "manual_queue")])
        // An assignment fails by holding its lead; other jobs are set aside.
        case "failure_rate" where subject == "assign_lead": return Layout.path("leads") + query([("state", "held")])
        case "failure_rate": return Layout.path("dead-letters") + query([("kind", subject)])
        case "rollout_aborted": return dials.layout.door("rollouts/\(encoded(subject))", in: "rollouts")
        case "assignment_fuse", "incident_late": return Layout.path("breakers")
        case PermissionsView.alertCode: return dials.isOperator ? Layout.path("permissions") : nil
        default: return alert["detail"]?["lead_id"]?.string.map { Layout.path("leads/\($0)") }
        }
    }

    /// Leads whose first touch is overdue, all as one.
    private var late: [View] {
        guard let board = facts.board else {
            return [item(.plain, words["counting"], words["now_late_counting"], href: Layout.path("overdue"))]
        }
        guard let count = board["late"]?.integer, count > 0 else { return [] }
        let span = clerk.span(board["latest_by"]?.double ?? 0)
        return [
            item(
                .bad, words["now_late_label"], words["now_late", ["n": clerk.number(Int(count)), "span": span]],
                href: Layout.path("overdue"))
        ]
    }

    // MARK: What is held up

    private var breakers: [View] {
        let breakers = facts.breakers["items"]?.elements.filter { $0["state"]?.string != "closed" } ?? []
        let items = breakers.prefix(Self.named).map { breaker in
            let text = words[
                "now_breaker", ["name": breaker["key"]?.string ?? "", "reason": Sentences.said(breaker["reason"]?.string ?? "", words)]]
            let state = breaker["state"]?.string ?? ""
            return item(
                state == "open" ? .bad : .warn, words.known("breaker", state), text, href: Layout.path("breakers"),
                since: clerk.when(breaker["changed_at"]))
        }
        return items + rest(.bad, words.known("breaker", "open"), "now_more_breakers", of: breakers)
    }

    private var pauses: [View] {
        let kinds = (facts.queues["items"]?.elements ?? []).filter { $0["paused"]?.bool == true }.map { queue in
            pause(words.known("kind", queue["kind"]?.string ?? ""), queue["paused_reason"], since: queue["paused_since"])
        }
        let pauses = facts.breakers["pauses"]?.elements ?? []
        let dependencies = pauses.prefix(Self.named).map { pause in
            self.pause(words["hold_dependency", ["name": pause["dependency"]?.string ?? ""]], pause["reason"], since: pause["since"])
        }
        return kinds + dependencies + rest(.warn, words["now_paused"], "now_more_pauses", of: pauses)
    }

    private func pause(_ name: String, _ reason: JSONNode?, since: JSONNode?) -> View {
        item(
            .warn, words["now_paused"], words["now_paused_kind", ["kind": name, "reason": reason?.string ?? ""]],
            href: Layout.path("breakers"), since: clerk.when(since))
    }

    // MARK: What waits for a decision

    private var rollouts: [View] {
        (facts.rollouts["items"]?.elements ?? []).filter { $0["decision"]?.string == "promotable" }.map { rollout in
            let name = "\(words.known("rule_kind", rollout["kind"]?.string ?? "")) \(rollout["name"]?.string ?? "")"
            return item(
                .info, words["decision_promotable"], words["now_promotable", ["name": name]],
                href: Layout.path("rollouts/\(rollout["id"]?.string ?? "")"), since: clerk.when(rollout["started_at"]))
        }
    }
}
