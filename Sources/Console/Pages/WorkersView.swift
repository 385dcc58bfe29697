import Foundation
import JSONEnvelope

/// Which processes run jobs, what they run now, and how many there should be.
public enum WorkersView {
    /// After so many seconds without a sign of life a process is shown as silent.
    static let silence: TimeInterval = 60
    /// So many of the jobs that run are named at most, by the API.
    static let most = 50

    /// - Parameters:
    ///   - fleet: `GET /v1/workers`.
    ///   - demand: `GET /v1/autoscale`; nil: not known now.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, fleet: JSONNode, demand: JSONNode?, once: String, refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let workers = fleet["items"]?.elements ?? []
        let running = fleet["running"]?.elements ?? []
        return layout.page(
            words["workers_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(words) } ?? .nothing,
                "drain": drain(workers, clerk, Control("drain", action: Layout.path("workers/drain"), once: once, refusal: refusal)),
                "tiles": .list(tiles(workers, demand, clerk)),
                "hasWorkers": .flag(!workers.isEmpty), "workers": .list(workers.map { row($0, clerk) }),
                "hasRunning": .flag(!running.isEmpty), "running": .list(running.map { job(layout, $0, clerk) }),
                "runningLead": .text(runningLead(workers, running.count, clerk)),
                "runningNoneWhy": .text(words["workers_running_none_why"]), "scaleWords": .text(scale(demand, workers, clerk)),
            ])
    }

    private static func runningLead(_ workers: [JSONNode], _ shown: Int, _ clerk: Clerk) -> String {
        let all = workers.reduce(0) { $0 + (isAlive($1, clerk) ? Int($1["running"]?.integer ?? 0) : 0) }
        guard shown >= most, all > shown else { return clerk.words["workers_running_lead"] }
        return clerk.words["workers_running_longest", ["n": clerk.number(shown), "all": clerk.number(all)]]
    }

    /// Nothing where nobody is there to be asked.
    private static func drain(_ workers: [JSONNode], _ clerk: Clerk, _ control: Control) -> View {
        let working = workers.filter { isAlive($0, clerk) && $0["drain_asked_at"]?.date == nil }
        guard !working.isEmpty else { return .nothing }
        let options = working.map { worker in
            let id = worker["id"]?.string ?? ""
            return (id, "\(id) · \(worker["host"]?.string ?? "") · pid \(RolloutWords.number(worker["pid"]))")
        }
        return control.view(["workerOptions": .list(Option.list(options, chosen: control.draft("worker")))])
    }

    private static func state(_ worker: JSONNode, _ clerk: Clerk) -> View {
        guard isAlive(worker, clerk) else { return .chip(.bad, clerk.words["worker_silent"]) }
        return worker["drain_asked_at"]?.date == nil
            ? .chip(.good, clerk.words["worker_alive"]) : .chip(.warn, clerk.words["worker_drains"])
    }

    private static func isAlive(_ worker: JSONNode, _ clerk: Clerk) -> Bool {
        worker["beat_at"]?.date.map { clerk.now.timeIntervalSince($0) < silence } ?? false
    }

    private static func tiles(_ workers: [JSONNode], _ demand: JSONNode?, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let alive = workers.filter { isAlive($0, clerk) }
        let lost = workers.reduce(0) { $0 + Int($1["leases_lost"]?.integer ?? 0) }
        let silent = workers.count - alive.count
        return [
            .tile(
                words["worker_alive"], clerk.number(alive.count),
                words["workers_tile_silent", ["n": clerk.number(silent)]], alive.isEmpty ? .bad : silent > 0 ? .warn : .plain),
            .tile(
                words["workers_running"], clerk.number(alive.reduce(0) { $0 + Int($1["running"]?.integer ?? 0) }),
                words["workers_tile_running"]),
            .tile(
                words["workers_backlog"], clerk.number(demand?["backlog_jobs"]) ?? "–",
                demand?["backlog_worker_seconds"]?.double.map { words["workers_backlog_note", ["span": clerk.span(max(1, $0))]] } ?? ""),
            .tile(words["worker_lost"], clerk.number(lost), words["workers_tile_lost"], lost > 0 ? .warn : .plain),
        ]
    }

    private static func row(_ worker: JSONNode, _ clerk: Clerk) -> View {
        let running = Int(worker["running"]?.integer ?? 0)
        let places = worker["concurrency"]?.integer.map { max(1, Int($0)) }
        return [
            "workerName": .text(worker["id"]?.string),
            "state": state(worker, clerk),
            "host": .text(worker["host"]?.string), "process": .text("pid \(RolloutWords.number(worker["pid"]))"),
            "places": .text(
                places.map { clerk.words["worker_of", ["n": clerk.number(running), "places": clerk.number($0)]] } ?? clerk.number(running)),
            "placesX": .text(places.map { Picture.length(min(1, Double(running) / Double($0))) }),
            "ended": .text(clerk.number(worker["settled"]) ?? "–"), "lost": .text(clerk.number(worker["leases_lost"]) ?? "–"),
            "sign": clerk.when(worker["beat_at"]), "started": clerk.when(worker["started_at"]),
        ]
    }

    private static func job(_ layout: Layout, _ job: JSONNode, _ clerk: Clerk) -> View {
        let id = job["id"]?.string ?? ""
        let started = job["started_at"]?.date
        return [
            "jobHref": .text(job["tenant"]?.string == layout.tenant ? Layout.path("jobs/\(id)") : nil), "number": .text(id),
            "kindName": .text(clerk.words.known("kind", job["kind"]?.string ?? "")), "tenantLabel": .text(job["tenant"]?.string),
            "worker": .text(job["worker"]?.string),
            "runningFor": .text(started.map { clerk.span(max(0, clerk.now.timeIntervalSince($0))) } ?? "–"),
        ]
    }

    private static func scale(_ demand: JSONNode?, _ workers: [JSONNode], _ clerk: Clerk) -> String {
        guard let demand else { return clerk.words["workers_scale_unknown"] }
        return clerk.words[
            "workers_scale_words",
            [
                "wanted": RolloutWords.number(demand["workers_wanted"]), "slots": RolloutWords.number(demand["slots"]),
                "target": clerk.span(demand["target_seconds"]?.double ?? 60),
                "alive": clerk.number(workers.count { isAlive($0, clerk) }),
            ]]
    }
}
