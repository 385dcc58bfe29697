import Foundation
import Messages
import SalesModel

/// Seeded, so that a failing run can be repeated.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A vendor's limit as it is kept: over the minute of the clock and over the last sixty seconds; what exceeds either is punished.
struct StrictVendor {
    var perMinute: Int
    var perSecond = Int.max
    var isDead = false
    /// How long it lets a dead call wait.
    var silence: TimeInterval = 10
    private(set) var arrivals: [Date] = []
    private(set) var penalties = 0

    init(perMinute: Int, perSecond: Int = .max) {
        self.perMinute = perMinute
        self.perSecond = perSecond
    }

    mutating func take(at now: Date) -> Bool {
        guard !isDead else { return false }
        arrivals = arrivals.filter { now.timeIntervalSince($0) < 120 } + [now]
        let minute = (now.timeIntervalSince1970 / 60).rounded(.down)
        let fixed = arrivals.count { ($0.timeIntervalSince1970 / 60).rounded(.down) == minute }
        let sliding = arrivals.count { now.timeIntervalSince($0) < 60 }
        let burst = arrivals.count { now.timeIntervalSince($0) < 1 }
        if fixed > perMinute || sliding > perMinute || burst > perSecond { penalties += 1 }
        return true
    }
}

/// The planner, and around it what a database and workers do: deliveries, answers, windows. In drawn time.
struct Outside {
    struct Told {
        var urgency: Urgency
        var since: Date
        var at: Date
        var line: String
        var companions: Int
    }

    var now: Date
    var vendors: [String: StrictVendor]
    let kinds: [String: ConnectorKind]
    let order: [String]
    var random: Seeded
    let planner = MessagePlanner()
    /// What sending takes on its way there, at most, in seconds.
    var slowness = 0.5

    private(set) var told: [Int64: [Told]] = [:]
    private(set) var givenUp: [Int64: String] = [:]
    private var waiting: [Int64: MessageBoard.Message] = [:]
    private var underWay: [Int64: MessageBoard.Message] = [:]
    private var deliveries: [Int64: MessageBoard.Delivery] = [:]
    private var windows: [String: [Int: SendWindow.Send]] = [:]
    private var abandoned: [Int64: MessageBoard.Delivery] = [:]
    private var messagesOf: [Int64: [MessageBoard.Message]] = [:]
    private struct Answer { var at: Date, delivery: Int64, isTaken: Bool, send: Int }
    private var answers: [Answer] = []
    private var number: Int64 = 0
    private var sends = 0

    init(_ lines: [(name: String, kind: ConnectorKind, vendor: StrictVendor)], at now: Date, seed: Int) {
        self.now = now
        vendors = Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.vendor) })
        kinds = Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.kind) })
        order = lines.map(\.name)
        random = Seeded(seed)
    }

    var isQuiet: Bool { waiting.isEmpty && deliveries.isEmpty }

    mutating func say(_ urgency: Urgency, bytes: Int = 90) {
        number += 1
        waiting[number] = MessageBoard.Message(
            id: number, urgency: urgency, since: now, bytes: bytes, ways: order.map { MessageBoard.Way(line: $0) })
    }

    /// Runs for so long, a quarter of a second at a time.
    mutating func run(_ seconds: TimeInterval, until isOver: (Outside) -> Bool = { _ in false }) {
        let end = now.addingTimeInterval(seconds)
        while now < end, !isOver(self) {
            // A quarter of a second while anything is under way or hurries; else five.
            now += deliveries.isEmpty && !waiting.values.contains { $0.urgency != .digest } ? 5 : 0.25
            settle()
            for move in planner.moves(board, at: now) { make(move) }
        }
    }

    private var board: MessageBoard {
        MessageBoard(
            lines: order.map { MessageBoard.Line(name: $0, kind: kinds[$0]!, window: SendWindow(Array((windows[$0] ?? [:]).values))) },
            waiting: Array(waiting.values), deliveries: Array(deliveries.values), underWay: underWay)
    }

    private mutating func make(_ move: MessageMove) {
        switch move {
        case .send(let ids, let line, _, let isUrgent, let isReserved):
            number += 1
            deliveries[number] = MessageBoard.Delivery(
                id: number, line: line, messages: ids, state: .sending, firstPlannedAt: now, isUrgent: isUrgent)
            messagesOf[number] = ids.compactMap { waiting[$0] }
            for id in ids { underWay[id] = waiting.removeValue(forKey: id) }
            dispatch(number, isReserved)
        case .again(let id, let isReserved):
            deliveries[id]?.state = .sending
            dispatch(id, isReserved)
        case .abandon(let id):
            guard let delivery = deliveries.removeValue(forKey: id) else { return }
            abandoned[id] = delivery
            for message in delivery.messages {
                guard var back = underWay.removeValue(forKey: message) else { continue }
                back.tried.insert(delivery.line)
                waiting[message] = back
            }
        case .anotherRound(let id, let notBefore):
            waiting[id]?.tried = []
            waiting[id]?.rounds += 1
            waiting[id]?.notBefore = notBefore
        case .giveUp(let id, let reason):
            waiting[id] = nil
            givenUp[id] = reason
        }
    }

    /// On its way; when it arrives the vendor counts, some time later its answer is back.
    private mutating func dispatch(_ id: Int64, _ isReserved: Bool) {
        guard let line = deliveries[id]?.line else { return }
        let arrives = now.addingTimeInterval(.random(in: 0...slowness, using: &random))
        let isTaken = vendors[line]!.take(at: arrives)
        let answered = arrives.addingTimeInterval(isTaken ? .random(in: 0...slowness, using: &random) : vendors[line]!.silence)
        sends += 1
        windows[line, default: [:]][sends] = SendWindow.Send(plannedAt: now, endedAt: nil, isReserved: isReserved)
        answers.append(Answer(at: answered, delivery: id, isTaken: isTaken, send: sends))
        guard isTaken else { return }
        for message in messagesOf[id] ?? [] {
            told[message.id, default: []].append(
                Told(urgency: message.urgency, since: message.since, at: arrives, line: line, companions: messagesOf[id]!.count - 1))
        }
    }

    private mutating func settle() {
        for answer in answers where answer.at <= now {
            let delivery = deliveries[answer.delivery] ?? abandoned[answer.delivery]
            guard let delivery else { continue }
            windows[delivery.line]?[answer.send]?.endedAt = answer.at
            windows[delivery.line] = windows[delivery.line]?.filter { now.timeIntervalSince($0.value.endedAt ?? now) <= 61 }
            guard deliveries[answer.delivery] != nil else { continue }
            if answer.isTaken {
                deliveries[answer.delivery] = nil
                for message in delivery.messages { underWay[message] = nil }
            } else {
                deliveries[answer.delivery]?.state = .waiting(until: now.addingTimeInterval(.random(in: 0...2, using: &random)))
            }
        }
        answers.removeAll { $0.at <= now }
    }
}
