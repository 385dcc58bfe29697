import Foundation
import SalesModel

/// Decides what is sent to whom by which line, and when. Pure: the board and the time in, moves out.
///
/// - What is urgent is sent at once, one by one while there is room, together on cards when there is not, and never behind anything else.
/// - What is normal is sent one by one while there is plenty of room; after twenty seconds, together on a card.
/// - A digest is sent when nothing else waits, away from the full and the half hour, when vendors are busiest.
/// - In the tenant's quiet hours only what is urgent is sent; the rest waits for their end.
/// - What is urgent and was taken by no line within a minute is told to a superior.
/// - What a line has not taken within twenty seconds goes on to the next, and at once where a line is closed or has no room.
public struct MessagePlanner: Sendable {
    public struct Terms: Sendable {
        /// After this a request that was not taken goes on to the next line.
        public var patience: TimeInterval = 20
        /// After this, normal messages are sent together.
        public var gathering: TimeInterval = 20
        /// Least time a digest gathers.
        public var digestGathering: TimeInterval = 600
        /// What was not taken by then is given up; urgent things first, since nobody wants an alarm of yesterday.
        public var urgentLife: TimeInterval = 4 * 3_600
        public var life: TimeInterval = 24 * 3_600
        /// After this somebody above is told of what is urgent and failed wherever it was tried.
        public var alarm: TimeInterval = 60
        /// The first pause after all lines were tried; doubled each time, at most an hour.
        public var roundPause: TimeInterval = 60
        /// Most lines of text on a card.
        public var cardLines = 40

        public init() {}
    }

    public var terms: Terms

    public init(_ terms: Terms = Terms()) { self.terms = terms }

    /// What is to be done at `now`. Asked again soon, and whenever something changed.
    public func moves(_ board: MessageBoard, at now: Date) -> [MessageMove] {
        var round = Round(terms: terms, board: board, now: now)
        round.raiseAlarms()
        round.leaveStuckDeliveries()
        round.repeatFailed(urgent: true)
        round.retireMessages()
        round.sendUrgent()
        guard !board.isQuiet(at: now) else { return round.moves }
        round.repeatFailed(urgent: false)
        round.sendNormal()
        round.sendDigests()
        return round.moves
    }
}

extension MessageBoard {
    fileprivate func isQuiet(at now: Date) -> Bool { quietUntil.map { $0 > now } ?? false }
}

/// One look at the board.
private struct Round {
    let terms: MessagePlanner.Terms
    let now: Date
    var lines: [String: MessageBoard.Line]
    var waiting: [MessageBoard.Message]
    var deliveries: [MessageBoard.Delivery]
    let underWay: [Int64: MessageBoard.Message]
    var moves: [MessageMove] = []

    init(terms: MessagePlanner.Terms, board: MessageBoard, now: Date) {
        self.terms = terms
        self.now = now
        lines = Dictionary(board.lines.map { ($0.name, $0) }) { first, _ in first }
        waiting = board.waiting.sorted { ($0.since, $0.id) < ($1.since, $1.id) }
        deliveries = board.deliveries.sorted { $0.id < $1.id }
        underWay = board.underWay
    }

    private func isOpen(_ line: String) -> Bool { lines[line].map { ($0.closedUntil ?? now) <= now } ?? false }

    private func isDue(_ message: MessageBoard.Message) -> Bool { (message.notBefore ?? now) <= now }

    /// The lines a message can still go to in this round, in their order.
    private func ways(_ message: MessageBoard.Message) -> [MessageBoard.Way] {
        message.ways.filter { !message.tried.contains($0.line) && isOpen($0.line) }
    }

    // MARK: What is under way

    /// What is urgent, old enough, and failed by every way: those still waiting for their turn are nobody's failure.
    mutating func raiseAlarms() {
        var failing: [Int64: String] = [:]
        for delivery in deliveries where delivery.state != .sending {
            for id in delivery.messages { failing[id] = delivery.line }
        }
        let messages = waiting + underWay.values.sorted { $0.id < $1.id }
        for message in messages where message.urgency == .urgent && !message.isAlarmed && !message.ways.isEmpty {
            guard now.timeIntervalSince(message.since) >= terms.alarm else { continue }
            let isLost = message.ways.allSatisfy { way in
                message.rounds > 0 || message.tried.contains(way.line) || failing[message.id] == way.line || !isOpen(way.line)
            }
            if isLost { moves.append(.alarm(message: message.id)) }
        }
    }

    /// What was not taken in time goes on, where there is another line to go on to.
    mutating func leaveStuckDeliveries() {
        for delivery in deliveries {
            let isLate = now.timeIntervalSince(delivery.firstPlannedAt) >= terms.patience
            let isShut = delivery.state != .sending && !isOpen(delivery.line)
            guard isLate || isShut else { continue }
            let messages = delivery.messages.compactMap { underWay[$0] }
            let hasElsewhere = messages.contains { message in
                message.ways.contains { $0.line != delivery.line && !message.tried.contains($0.line) && isOpen($0.line) }
            }
            // Where there is nothing else, a failed request waits for its own line; one without an answer is not repeated.
            guard hasElsewhere || isShut && lines[delivery.line] == nil else { continue }
            moves.append(.abandon(delivery: delivery.id))
            deliveries.removeAll { $0.id == delivery.id }
            waiting += messages.map { message in
                var message = message
                message.tried.insert(delivery.line)
                return message
            }
        }
        waiting.sort { ($0.since, $0.id) < ($1.since, $1.id) }
    }

    mutating func repeatFailed(urgent: Bool) {
        for delivery in deliveries where delivery.isUrgent == urgent {
            guard case .waiting(let until) = delivery.state, until <= now, isOpen(delivery.line) else { continue }
            let way = MessageBoard.Way(line: delivery.line, address: delivery.address)
            guard let isReserved = take(way, urgent: urgent) else { continue }
            moves.append(.again(delivery: delivery.id, isReserved: isReserved))
        }
    }

    // MARK: What waits

    /// Those that can go nowhere, or have waited for too long.
    mutating func retireMessages() {
        waiting = waiting.filter { message in
            let life = message.urgency == .urgent ? terms.urgentLife : terms.life
            if message.ways.isEmpty {
                moves.append(.giveUp(message: message.id, reason: message.isGone ? "gone" : "not_connected"))
                return false
            }
            if now.timeIntervalSince(message.since) >= life {
                moves.append(.giveUp(message: message.id, reason: "expired"))
                return false
            }
            if message.ways.allSatisfy({ message.tried.contains($0.line) }) {
                let pause = min(terms.roundPause * pow(2, Double(min(message.rounds, 10))), 3_600)
                moves.append(.anotherRound(message: message.id, notBefore: now.addingTimeInterval(pause)))
                return false
            }
            return isDue(message)
        }
    }

    mutating func sendUrgent() {
        var left = waiting.filter { $0.urgency == .urgent }
        // One by one by the first line with room for all that would go there, in cards where there is not.
        while let first = left.first {
            guard let way = ways(first).first(where: { hasRoom($0, urgent: true) }) else {
                left.removeFirst()
                continue
            }
            let companions = left.filter { $0.id != first.id && ways($0).contains(way) }
            let room = room(way)
            let isCrowded = companions.count + 1 > room
            let sent = isCrowded ? card(first, companions, over: max(room, 1), line: way.line) : [first]
            guard send(sent, by: way, urgent: true) else { break }
            left.removeAll { message in sent.contains { $0.id == message.id } }
        }
    }

    mutating func sendNormal() {
        var left = waiting.filter { $0.urgency == .normal }
        while let first = left.first {
            let age = now.timeIntervalSince(first.since)
            let isGathered = age >= terms.gathering
            let open = ways(first)
            // Young ones keep to their first line, and leave half of its room to what is urgent.
            let candidates = isGathered ? open : Array(open.prefix(1))
            let way = candidates.first { isGathered ? room($0) > 0 : isAmple($0) }
            guard let way else {
                left.removeFirst()
                continue
            }
            let sent =
                isGathered ? card(first, left.filter { $0.id != first.id && ways($0).contains(way) }, over: 1, line: way.line) : [first]
            guard send(sent, by: way, urgent: false) else { break }
            left.removeAll { message in sent.contains { $0.id == message.id } }
        }
    }

    mutating func sendDigests() {
        let minute = Int((now.timeIntervalSince1970 / 60).rounded(.down)) % 30
        guard (2...27).contains(minute) else { return }
        var left = waiting.filter { $0.urgency == .digest && now.timeIntervalSince($0.since) >= terms.digestGathering }
        guard !left.isEmpty else { return }
        // Those younger go along.
        left += waiting.filter { $0.urgency == .digest && now.timeIntervalSince($0.since) < terms.digestGathering }
        let busy = waiting.filter { $0.urgency != .digest }.reduce(into: Set<String>()) { $0.formUnion($1.ways.map(\.line)) }
        let taken = moves.reduce(into: Set<Int64>()) { if case .send(let ids, _, _, _, _) = $1 { $0.formUnion(ids) } }
        let isBusy = waiting.contains { $0.urgency != .digest && !taken.contains($0.id) }
        while let first = left.first {
            let way = ways(first).first { !(isBusy && busy.contains($0.line)) && isAmple($0) }
            guard let way else {
                left.removeFirst()
                continue
            }
            let sent = card(first, left.filter { $0.id != first.id && ways($0).contains(way) }, over: 1, line: way.line)
            guard send(sent, by: way, urgent: false) else { break }
            left.removeAll { message in sent.contains { $0.id == message.id } }
        }
    }

    // MARK: Cards and room

    /// The first message and as many of its companions as fit on a card, where they are to be spread over so many cards.
    private func card(
        _ first: MessageBoard.Message, _ companions: [MessageBoard.Message], over cards: Int, line: String
    ) -> [MessageBoard.Message] {
        let share = (companions.count + cards) / cards
        // What stands around the lines: heading and calls.
        let limit = (lines[line]?.kind.longestText ?? 2_000) - 300
        var (taken, bytes) = ([first], first.bytes)
        for message in companions.prefix(max(0, min(share, terms.cardLines) - 1)) {
            guard bytes + message.bytes <= limit else { break }
            bytes += message.bytes
            taken.append(message)
        }
        return taken
    }

    /// How many may be sent that way now: what the line has room for, and the person it leads to.
    private func room(_ way: MessageBoard.Way) -> Int {
        guard let line = lines[way.line] else { return 0 }
        let room = line.window.room(line.budget, at: now)
        guard let (window, budget) = person(way, line) else { return room }
        return min(room, window.room(budget, at: now))
    }

    /// Whether more than half of what may be sent that way is left.
    private func isAmple(_ way: MessageBoard.Way) -> Bool {
        guard let line = lines[way.line], line.window.room(line.budget, at: now) > line.budget.perMinute / 2 else { return false }
        guard let (window, budget) = person(way, line) else { return true }
        return window.room(budget, at: now) > budget.perMinute / 2
    }

    private func person(_ way: MessageBoard.Way, _ line: MessageBoard.Line) -> (SendWindow, Budget)? {
        guard let address = way.address, let budget = line.personalBudget else { return nil }
        return (line.windows[address] ?? SendWindow(), budget)
    }

    private func hasRoom(_ way: MessageBoard.Way, urgent: Bool) -> Bool {
        guard let line = lines[way.line] else { return false }
        guard urgent, room(way) == 0 else { return room(way) > 0 }
        return line.window.hasReserve(line.budget, at: now) && person(way, line).map { $0.hasReserve($1, at: now) } ?? true
    }

    /// Takes one from the allowances of a way; nil when there is none, otherwise whether it was from what is kept for urgent things.
    private mutating func take(_ way: MessageBoard.Way, urgent: Bool) -> Bool? {
        guard hasRoom(way, urgent: urgent) else { return nil }
        let send = SendWindow.Send(plannedAt: now, endedAt: nil, isReserved: room(way) == 0)
        lines[way.line]?.window.add(send)
        if let address = way.address, lines[way.line]?.personalBudget != nil {
            lines[way.line]?.windows[address, default: SendWindow()].add(send)
        }
        return send.isReserved
    }

    private mutating func send(_ messages: [MessageBoard.Message], by way: MessageBoard.Way, urgent: Bool) -> Bool {
        guard let isReserved = take(way, urgent: urgent) else { return false }
        moves.append(
            .send(messages: messages.map(\.id), line: way.line, address: way.address, isUrgent: urgent, isReserved: isReserved))
        return true
    }
}
