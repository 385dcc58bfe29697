import FakeVendors
import Foundation
import Messages
import SalesModel
import Sampling

/// One vendor's fake and our way of speaking to it.
struct Vendor {
    let kind: ConnectorKind
    var fake: any FakeVendor
    var isDead = false
    /// How long a call waits in vain for a dead one.
    let silence: TimeInterval = 10

    static func dingtalk() -> Vendor {
        var fake = FakeDingTalk()
        fake.robots["t"] = FakeDingTalk.Robot(secret: "SECx")
        return Vendor(kind: .dingtalkRobot, fake: fake)
    }

    static func wecom() -> Vendor {
        var fake = FakeWeCom()
        fake.robots["k"] = FakeWeCom.Robot()
        return Vendor(kind: .wecomRobot, fake: fake)
    }

    static func feishu() -> Vendor {
        var fake = FakeFeishu()
        fake.bots["h"] = FakeFeishu.Bot(secret: "s")
        return Vendor(kind: .feishuBot, fake: fake)
    }

    /// An app that speaks to people one by one.
    static func wecomApp() -> Vendor {
        var fake = FakeWeCom()
        fake.corporations["c"] = "s"
        return Vendor(kind: .wecomApp, fake: fake)
    }

    /// - Parameter sent: when it was signed.
    mutating func take(_ notice: Notice, sent: Date, at now: Date) -> DeliveryResult {
        switch kind {
        case .dingtalkRobot:
            DingTalkRobot.result(answer(DingTalkRobot(url: "", token: "t", secret: "SECx").question(notice, at: sent), at: now), at: now)
        case .wecomApp: app(notice, now)
        case .wecomRobot: WeComRobot.result(answer(WeComRobot(url: "", key: "k").question(notice), at: now), at: now)
        default: FeishuBot.result(answer(FeishuBot(url: "", hook: "h", secret: "s").question(notice, at: sent), at: now), at: now)
        }
    }

    private mutating func app(_ notice: Notice, _ now: Date) -> DeliveryResult {
        let app = WeComApp(url: "", corporation: "c", secret: "s", agent: 7)
        guard case .success(let token) = WeComApp.token(answer(app.tokenQuestion, at: now), at: now) else {
            return .failed(DeliveryFailure(.config, code: "token", message: ""))
        }
        return WeComApp.result(answer(app.question(notice, token: token.text), at: now), at: now)
    }

    private mutating func answer(_ question: HTTPQuestion, at now: Date) -> HTTPAnswer { fake.answer(question, at: now) }
}

extension FakeVendor {
    /// What the vendor says to a question, as it comes over HTTP.
    mutating func answer(_ question: HTTPQuestion, at now: Date) -> HTTPAnswer {
        let parts = URLComponents(string: question.url)
        let query = (parts?.queryItems ?? []).reduce(into: [String: String]()) { $0[$1.name] = $1.value }
        let answer = answer(
            FakeRequest(question.method, parts?.path ?? "", query: query, headers: question.headers, body: question.body), at: now)
        return HTTPAnswer(status: answer.status, headers: answer.headers, body: Array(answer.body.utf8))
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
    var vendors: [String: Vendor]
    let order: [String]
    var random: SeededNumbers
    let planner = MessagePlanner()
    /// What sending takes on its way there, at most, in seconds.
    var slowness = 0.5

    private(set) var told: [Int64: [Told]] = [:]
    private(set) var givenUp: [Int64: String] = [:]
    /// When a superior was told that nobody has taken it.
    private(set) var alarmed: [Int64: Date] = [:]
    private var waiting: [Int64: MessageBoard.Message] = [:]
    private var underWay: [Int64: MessageBoard.Message] = [:]
    private var deliveries: [Int64: MessageBoard.Delivery] = [:]
    private var windows: [String: [Int: SendWindow.Send]] = [:]
    private var personal: [String: [String: [Int: SendWindow.Send]]] = [:]
    /// Until when it is quiet.
    var quietUntil: Date?
    private var abandoned: [Int64: MessageBoard.Delivery] = [:]
    private var messagesOf: [Int64: [MessageBoard.Message]] = [:]
    private struct Answer { var at: Date, delivery: Int64, isTaken: Bool, send: Int }
    private var answers: [Answer] = []
    private var number: Int64 = 0
    private var sends = 0

    init(_ lines: [(name: String, vendor: Vendor)], at now: Date, seed: Int) {
        self.now = now
        vendors = Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.vendor) })
        order = lines.map(\.name)
        random = SeededNumbers(seed: UInt64(seed))
    }

    var isQuiet: Bool { waiting.isEmpty && deliveries.isEmpty }

    /// - Parameter address: to whom; nil: to the group.
    mutating func say(_ urgency: Urgency, to address: String? = nil) {
        number += 1
        waiting[number] = MessageBoard.Message(
            id: number, urgency: urgency, since: now, bytes: Notice.bytes(of: Self.text(number)),
            ways: order.map { MessageBoard.Way(line: $0, address: address) })
    }

    /// What a message says; its number is its mark.
    private static func text(_ number: Int64) -> String { "线索「华东机械（#\(number)·）」响应超时 8 分钟，负责人：陈伟。" }

    /// How often each message was shown to people.
    var timesShown: [Int64: Int] {
        vendors.values.flatMap(\.fake.shown).reduce(into: [:]) { times, shown in
            for mark in shown.text.matches(of: /#([0-9]+)·/) { times[Int64(mark.1)!, default: 0] += 1 }
        }
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
            lines: order.map {
                MessageBoard.Line(
                    name: $0, kind: vendors[$0]!.kind, window: SendWindow(Array((windows[$0] ?? [:]).values)),
                    windows: (personal[$0] ?? [:]).mapValues { SendWindow(Array($0.values)) })
            },
            waiting: Array(waiting.values), deliveries: Array(deliveries.values), underWay: underWay, quietUntil: quietUntil)
    }

    private mutating func make(_ move: MessageMove) {
        switch move {
        case .send(let ids, let line, let address, let isUrgent, let isReserved):
            number += 1
            deliveries[number] = MessageBoard.Delivery(
                id: number, line: line, address: address, messages: ids, state: .sending, firstPlannedAt: now, isUrgent: isUrgent)
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
        case .alarm(let id):
            alarmed[id] = now
            waiting[id]?.isAlarmed = true
            underWay[id]?.isAlarmed = true
        case .giveUp(let id, let reason):
            waiting[id] = nil
            givenUp[id] = reason
        }
    }

    /// On its way; when it arrives the vendor counts, some time later its answer is back.
    private mutating func dispatch(_ id: Int64, _ isReserved: Bool) {
        guard let line = deliveries[id]?.line else { return }
        let address = deliveries[id]?.address
        let arrives = now.addingTimeInterval(.random(in: 0...slowness, using: &random))
        let messages = messagesOf[id] ?? []
        let notice = Notice(
            id: "d\(id)", title: "\(messages.count) 条消息", lines: messages.map { Self.text($0.id) }, recipients: [address ?? "chenwei"])
        let isDead = vendors[line]!.isDead
        let result = isDead ? nil : vendors[line]!.take(notice, sent: now, at: arrives)
        let isTaken = if case .delivered = result { true } else { false }
        let answered = arrives.addingTimeInterval(isDead ? vendors[line]!.silence : .random(in: 0...slowness, using: &random))
        sends += 1
        windows[line, default: [:]][sends] = SendWindow.Send(plannedAt: now, endedAt: nil, isReserved: isReserved)
        if let address {
            personal[line, default: [:]][address, default: [:]][sends] = SendWindow.Send(
                plannedAt: now, endedAt: nil, isReserved: isReserved)
        }
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
            if let address = delivery.address { personal[delivery.line]?[address]?[answer.send]?.endedAt = answer.at }
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
