import Foundation
import JSONEnvelope

/// What holds jobs back: the assignment fuse, breakers, pauses, and what went wrong before.
public enum BreakersView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/fuses/assignment`
        public var fuse: JSONNode
        /// `GET /v1/breakers`
        public var breakers: JSONNode
        /// `GET /v1/queues`
        public var queues: JSONNode
        /// `GET /v1/incidents`
        public var incidents: JSONNode

        /// What a breaker's name has in it; empty: whatever it has.
        public var search = ""
        /// How many come before the page.
        public var start = 0

        public init(fuse: JSONNode, breakers: JSONNode, queues: JSONNode, incidents: JSONNode) {
            self.fuse = fuse
            self.breakers = breakers
            self.queues = queues
            self.incidents = incidents
        }
    }

    /// Breakers on a page.
    private static let most = 20

    /// - Parameter fault: why the list does not begin where it was asked to.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let words = layout.words
        let breakers = facts.breakers["items"]?.elements ?? []
        let found = breakers.enumerated().filter { facts.search.isEmpty || $0.element["key"]?.string?.contains(facts.search) == true }
        // Behind the last page is the last page.
        let start = min(max(0, facts.start), max(0, found.count - 1) / most * most)
        let shown = found.dropFirst(start).prefix(most)
        func href(from start: Int) -> String {
            Layout.path("breakers") + query([("q", facts.search), ("from", start == 0 ? nil : String(start))])
        }
        let queues = facts.queues["items"]?.elements ?? []
        let held = facts.breakers["pauses"]?.elements ?? []
        let own = Set(held.filter { $0["scope"]?.string != "all" }.compactMap { $0["dependency"]?.string })
        let incidents = facts.incidents["items"]?.elements ?? []
        let isOpen = facts.fuse["state"]?.string == "open"
        let dials = Dials(layout: layout, once: once, refusal: refusal)
        let pauses =
            queues.filter { $0["paused"]?.bool == true }.map { pause(kind: $0, dials, clerk) }
            + held.enumerated().map { pause(dependency: $1, place: $0, dials, clerk) }
        return layout.page(
            words["breakers_title"],
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) }
                    ?? fault.map { $0.view(words, ofSearch: ["from": "search_place"], instead: "advice_first_page") } ?? .nothing,
                "fuseState": .chip(isOpen ? .bad : .good, words[isOpen ? "fuse_open" : "fuse_closed"]),
                "fuseWords": .text(fuse(facts.fuse, isOpen: isOpen, clerk)), "fuseForm": dials.fuse(isOpen: isOpen),
                "fuseWaiting": .text(isOpen ? words["fuse_waiting", ["n": clerk.number(facts.fuse["waiting"]) ?? "0"]] : nil),
                "waitingHref": .text(Layout.path("leads") + query([("state", "manual_queue")])),
                "noFuseControl": .text(dials.isOperator ? nil : words["breakers_no_role"]), "hasBreakers": .flag(!shown.isEmpty),
                "hasMany": .flag(breakers.count > most), "searchAction": .text(Layout.path("breakers")), "search": .text(facts.search),
                "pager": Pager.view(
                    words, shown: shown.count, first: start > 0 ? href(from: 0) : nil,
                    next: start + most < found.count ? href(from: start + most) : nil),
                "breakersNone": .text(words[breakers.isEmpty ? "breakers_none" : "breakers_none_found"]),
                "breakersNoneWhy": .text(words[breakers.isEmpty ? "breakers_none_why" : "breakers_none_found_why"]),
                "breakers": .list(shown.map { breaker($0.element, place: $0.offset, queues, dials, clerk) }),
                "hasPauses": .flag(!pauses.isEmpty), "pauses": .list(pauses),
                "holdForm": dials.hold(
                    kinds: queues.filter { $0["paused"]?.bool != true }.compactMap { $0["kind"]?.string },
                    dependencies: breakers.compactMap { $0["key"]?.string }.filter { !own.contains($0) }),
                "hasIncidents": .flag(!incidents.isEmpty),
                "incidents": .list(incidents.map { incident($0, clerk) }),
            ])
    }

    private static func fuse(_ fuse: JSONNode, isOpen: Bool, _ clerk: Clerk) -> String {
        guard let changed = fuse["changed_at"]?.date else { return clerk.words["fuse_words_closed"] }
        let said = clerk.words[
            isOpen ? "fuse_words_open" : "fuse_words_closed_since",
            [
                "ago": clerk.ago(changed), "actor": clerk.actor(fuse["set_by"]?.string) ?? "",
                "reason": Sentences.relayed(fuse["reason"]?.string ?? "", clerk.words),
            ]]
        guard let tried = fuse.canaries(clerk.words) else { return said }
        return clerk.words.passage([said.asSentence(clerk.words.language), tried])
    }

    // MARK: Breakers

    private static let cycle = ["closed", "open", "half_open", "ramping"]

    private static func breaker(_ breaker: JSONNode, place: Int, _ queues: [JSONNode], _ dials: Dials, _ clerk: Clerk) -> View {
        let words = clerk.words
        let (name, state) = (breaker["key"]?.string ?? "", breaker["state"]?.string ?? "")
        let isForced = breaker["forced"]?.bool == true
        let isShared = breaker["scope"]?.string == "all"
        let events = breaker["events"]?.elements ?? []
        let until = breaker["until"]?.date
        let openings = breaker["openings"]?.integer ?? 0
        let tone: Tone = state == "closed" ? .good : isForced ? .bad : .warn
        return [
            "breakerId": .text(String(place)), "breakerName": .text(name),
            "state": .chip(tone, isForced ? words["breaker_forced"] : words.known("breaker", state)),
            "scope": .text(words[isShared ? "breaker_scope_all" : "breaker_scope_tenant"]), "changed": clerk.when(breaker["changed_at"]),
            "cycle": .list(
                cycle.enumerated().map { step, name in
                    let isHere = name == state || name == "open" && state == "throttled"
                    return [
                        "stepClass": .text(isHere ? "here" : ""), "stepMark": .text(String(step + 1)),
                        "stepLabel": .text(words["breaker_\(name)"]), "isHere": .flag(isHere),
                    ]
                }), "breakerWords": .text(breakerWords(breaker, state, clerk)),
            "atOnce": .text(
                breaker["limit"]?.integer.map { clerk.number(Int($0)) } ?? words[state == "closed" ? "breaker_no_limit" : "breaker_none"]),
            "lookedAt": .text(isForced ? words["breaker_by_hand"] : until.map { clerk.ago($0) } ?? "–"),
            "openings": .text(openings > 0 ? clerk.number(Int(openings)) : nil), "hasEvents": .flag(!events.isEmpty),
            "events": .list(events.map { event($0, clerk) }),
            // What concerns every tenant only the platform turns, for none in particular.
            "breakerForm": isShared ? .nothing : dials.breaker(name, isClosed: state == "closed", place: place),
        ]
    }

    private static func breakerWords(_ breaker: JSONNode, _ state: String, _ clerk: Clerk) -> String {
        let words = clerk.words
        if state == "closed" { return words["breaker_words_closed"] }
        let reason = breaker["reason"]?.string ?? ""
        guard breaker["forced"]?.bool == true else { return Sentences.said(reason, words) }
        return words["breaker_words_forced", ["actor": clerk.actor(breaker["set_by"]?.string) ?? "", "reason": reason]]
    }

    private static func event(_ event: JSONNode, _ clerk: Clerk) -> View {
        let state = event["state"]?.string ?? ""
        let by = clerk.actor(event["set_by"]?.string)
        let reason = event["reason"]?.string.map { Sentences.said($0, clerk.words) }
        return .step(
            event["at"]?.date, state == "closed" ? .good : state == "open" ? .warn : .info, clerk.words.known("breaker", state),
            detail: [by, reason].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ": "), clerk)
    }

    // MARK: Pauses and incidents

    private static func pause(kind queue: JSONNode, _ dials: Dials, _ clerk: Clerk) -> View {
        let kind = queue["kind"]?.string ?? ""
        let isShared = queue["paused_scope"]?.string == "all"
        let waiting = queue["parked"]?.integer.map { clerk.words["pause_waiting", ["n": clerk.number(Int($0))]] }
        return [
            "pauseName": .text(clerk.words.known("kind", kind)), "pausedSince": clerk.when(queue["paused_since"]),
            "pauseWords": .text([queue["paused_reason"]?.string, waiting].compactMap(\.self).joined(separator: " · ")),
            "resumeForm": isShared ? .nothing : dials.resume(kind: kind),
            "pauseScope": .text(isShared ? clerk.words["pause_by_platform"] : nil),
        ]
    }

    private static func pause(dependency pause: JSONNode, place: Int, _ dials: Dials, _ clerk: Clerk) -> View {
        let name = pause["dependency"]?.string ?? ""
        let isShared = pause["scope"]?.string == "all"
        return [
            "pauseName": .text(clerk.words["hold_dependency", ["name": name]]), "pausedSince": clerk.when(pause["since"]),
            "pauseWords": .text(
                [clerk.actor(pause["set_by"]?.string), pause["reason"]?.string].compactMap(\.self).joined(separator: ": ")),
            "resumeForm": isShared ? .nothing : dials.resume(dependency: name, place: place),
            "pauseScope": .text(isShared ? clerk.words["pause_by_platform"] : nil),
        ]
    }

    private static func incident(_ incident: JSONNode, _ clerk: Clerk) -> View {
        let words = clerk.words
        let state = incident["state"]?.string ?? ""
        let isLate = incident["late"]?.bool == true
        let detected = incident["detected_at"]?.date
        func after(_ name: String) -> String {
            guard let detected, let end = incident[name]?.date else { return "–" }
            return clerk.span(max(0, end.timeIntervalSince(detected)))
        }
        let cause = incident["cause"]?.string.map { "\(words.all["outcome_\($0)"] ?? words.known("class", $0))\(words["colon"])" } ?? ""
        let fix = incident["fix"]?.string.map { "\(clerk.actor(incident["fixed_by"]?.string) ?? "")\(words["colon"])\($0)" }
        return [
            "detectedAt": .text(detected.map { clerk.full($0) }),
            "state": .chip(
                isLate ? .bad : state == "drained" ? .good : .warn,
                words.known("incident_state", state) + (isLate ? words["incident_late_suffix"] : "")),
            "cause": .text(cause + Sentences.relayed(incident["reason"]?.string ?? "", words)), "fix": .text(fix),
            "fixedAfter": .text(after("fixed_at")),
            "drainedAfter": .text(after("drained_at")),
        ]
    }
}
