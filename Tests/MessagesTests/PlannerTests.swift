import FakeVendors
import Foundation
import Messages
import SalesModel
import Sampling
import Testing

@Suite struct PlannerTests {
    /// 10:05 in the clock's minute, at a second that is none of its ends.
    private let start = Date(timeIntervalSince1970: 1_700_000_717)

    private func outside(_ seed: Int, dead: Set<String> = []) -> Outside {
        var outside = Outside(
            [
                ("ding", .dingtalk()), ("wecom", .wecom()), ("feishu", .feishu()),
            ], at: start.addingTimeInterval(Double(seed % 60)), seed: seed)
        for name in dead { outside.vendors[name]?.isDead = true }
        return outside
    }

    /// A one-robot tenant.
    private func lone(_ seed: Int, _ vendor: Vendor = .wecom()) -> Outside {
        Outside([("robot", vendor)], at: start.addingTimeInterval(Double(seed % 60)), seed: seed)
    }

    private func latest(_ outside: Outside, _ urgency: Urgency) -> TimeInterval {
        outside.told.values.flatMap { $0 }.filter { $0.urgency == urgency }.map { $0.at.timeIntervalSince($0.since) }.max() ?? 0
    }

    private func expectAllToldOnce(_ outside: Outside, _ count: Int) {
        #expect(outside.told.count == count)
        #expect(outside.told.values.allSatisfy { $0.count == 1 })
        #expect(outside.timesShown.count == count)
        #expect(outside.timesShown.values.allSatisfy { $0 == 1 })
        #expect(outside.vendors.values.map(\.fake.penalties).max() == 0)
    }

    @Test func `a message alone goes out at once, by the first line`() {
        var outside = outside(1)
        outside.say(.normal)
        outside.run(2)

        let told = outside.told.values.flatMap { $0 }
        #expect(told.map(\.line) == ["ding"])
        #expect(told.allSatisfy { $0.at.timeIntervalSince($0.since) < 1 && $0.companions == 0 })
    }

    @Test(arguments: 1...8)
    func `a burst of five hundred punishes nobody, loses and doubles nothing, and nothing urgent waits 30 s`(seed: Int) {
        var outside = outside(seed)
        for number in 0..<500 { outside.say(number % 5 == 0 ? .urgent : number % 5 == 1 ? .digest : .normal) }
        outside.run(3_600) { $0.isQuiet }

        expectAllToldOnce(outside, 500)
        #expect(latest(outside, .urgent) <= 30)
        #expect(latest(outside, .normal) <= 120)
    }

    @Test(arguments: 1...8)
    func `one robot alone, and a burst of five hundred urgent ones: within 30 s while they fit on its cards`(seed: Int) {
        var outside = lone(seed)
        for _ in 0..<400 { outside.say(.urgent) }
        outside.run(600) { $0.isQuiet }

        expectAllToldOnce(outside, 400)
        #expect(latest(outside, .urgent) <= 30)
    }

    @Test(arguments: 1...4)
    func `one person is never sent so much that an app drops it in silence, and what is urgent still comes within 20 s`(seed: Int) {
        var outside = Outside([("app", .wecomApp())], at: start.addingTimeInterval(Double(seed % 60)), seed: seed)
        var random = SeededNumbers(seed: UInt64(seed * 31))
        for _ in 0..<300 {
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                outside.say([.urgent, .normal, .normal].randomElement(using: &random)!, to: ["chen", "li"].randomElement(using: &random)!)
            }
            outside.run(.random(in: 0...2, using: &random))
        }
        outside.run(3_600) { $0.isQuiet }

        let fake = outside.vendors["app"]?.fake as? FakeWeCom
        #expect(fake?.droppedSilently == 0)
        #expect(Set((fake?.shown ?? []).map(\.place)) == ["chen", "li"])
        #expect(outside.told.values.allSatisfy { $0.count == 1 } && outside.timesShown.values.allSatisfy { $0 == 1 })
        #expect(latest(outside, .urgent) <= 20)
    }

    @Test func `what every line fails to take is told to a superior after a minute, once, and tried on`() {
        var outside = outside(1, dead: ["ding", "wecom", "feishu"])
        let begin = outside.now
        outside.say(.urgent)
        outside.say(.normal)
        outside.run(600)

        #expect(outside.alarmed.keys.sorted() == [1], "what can wait alarms nobody")
        #expect((60...121).contains(outside.alarmed[1]?.timeIntervalSince(begin) ?? 0))
        #expect(outside.givenUp.isEmpty)
        for name in ["ding", "wecom", "feishu"] { outside.vendors[name]?.isDead = false }
        outside.run(3_600) { $0.isQuiet }
        expectAllToldOnce(outside, 2)
    }

    @Test func `what only waits for its turn alarms nobody`() {
        var outside = lone(2)
        for _ in 0..<3_000 { outside.say(.urgent) }
        outside.run(300)

        #expect(outside.alarmed.isEmpty)
        #expect(latest(outside, .urgent) > 60, "it was no burst")
    }

    @Test func `who is gone from everywhere is said to be gone`() {
        let message = { (isGone: Bool) in
            MessageBoard.Message(id: 1, urgency: .normal, since: start, bytes: 1, ways: [], isGone: isGone)
        }

        for (isGone, reason) in [(true, "gone"), (false, "not_connected")] {
            let moves = MessagePlanner().moves(MessageBoard(lines: [], waiting: [message(isGone)]), at: start)
            #expect(moves == [.giveUp(message: 1, reason: reason)])
        }
    }

    @Test(arguments: 1...4)
    func `in quiet hours only what is urgent is said, and the rest when they are over`(seed: Int) {
        var outside = outside(seed)
        let begin = outside.now
        outside.quietUntil = begin.addingTimeInterval(3_600)
        for number in 0..<60 { outside.say(number % 5 == 0 ? .urgent : number % 5 == 1 ? .digest : .normal) }
        outside.run(3_590)

        #expect(outside.told.count == 12)
        #expect(outside.told.values.allSatisfy { $0.allSatisfy { $0.urgency == .urgent } })
        #expect(latest(outside, .urgent) <= 30)
        outside.run(3_600) { $0.isQuiet }
        expectAllToldOnce(outside, 60)
        let others = outside.told.values.flatMap { $0 }.filter { $0.urgency != .urgent }
        #expect(others.allSatisfy { $0.at >= begin.addingTimeInterval(3_600) })
    }

    @Test(arguments: 1...4)
    func `whatever went before, something urgent never waits longer than 15 s`(seed: Int) {
        var outside = lone(seed, .dingtalk())
        var random = SeededNumbers(seed: UInt64(seed * 7_919))
        for _ in 0..<400 {
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                outside.say([.urgent, .normal, .digest].randomElement(using: &random)!)
            }
            outside.run(.random(in: 0...3, using: &random))
        }
        outside.run(3_600) { $0.isQuiet }

        #expect(outside.vendors["robot"]?.fake.penalties == 0)
        #expect(latest(outside, .urgent) <= 15)
        #expect(outside.told.values.allSatisfy { $0.count == 1 })
    }

    @Test(arguments: 1...8)
    func `with one vendor dead its messages go on to the next, and nothing urgent waits 30 s`(seed: Int) {
        var outside = outside(seed, dead: [["ding", "wecom", "feishu"][seed % 3]])
        for number in 0..<200 { outside.say(number % 4 == 0 ? .urgent : .normal) }
        outside.run(3_600) { $0.isQuiet }

        expectAllToldOnce(outside, 200)
        #expect(latest(outside, .urgent) <= 30)
    }

    @Test func `with all dead, nothing is lost: it goes out when the first is back`() {
        var outside = outside(3, dead: ["ding", "wecom", "feishu"])
        for _ in 0..<10 { outside.say(.urgent) }
        outside.run(300)
        #expect(outside.told.isEmpty && outside.givenUp.isEmpty)
        outside.vendors["feishu"]?.isDead = false
        outside.run(1_800) { $0.isQuiet }

        #expect(outside.told.count == 10)
        #expect(Set(outside.told.values.flatMap { $0 }.map(\.line)) == ["feishu"])
    }

    // MARK: One look

    private func message(_ id: Int64, _ urgency: Urgency, age: TimeInterval = 0, to ways: [String] = ["ding"], bytes: Int = 90)
        -> MessageBoard.Message
    {
        MessageBoard.Message(
            id: id, urgency: urgency, since: start.addingTimeInterval(-age), bytes: bytes, ways: ways.map { MessageBoard.Way(line: $0) })
    }

    private func moves(_ lines: [MessageBoard.Line], _ messages: [MessageBoard.Message]) -> [MessageMove] {
        MessagePlanner().moves(MessageBoard(lines: lines, waiting: messages), at: start)
    }

    private func full(_ name: String, room: Int, closedUntil: Date? = nil) -> MessageBoard.Line {
        let sends = (0..<(12 - room)).map { _ in
            SendWindow.Send(plannedAt: start.addingTimeInterval(-5), endedAt: start.addingTimeInterval(-5), isReserved: false)
        }
        return MessageBoard.Line(name: name, kind: .dingtalkRobot, window: SendWindow(sends), closedUntil: closedUntil)
    }

    @Test func `what is urgent comes before what is older and is not`() {
        let moves = moves([full("ding", room: 1)], [message(1, .normal, age: 60), message(2, .digest, age: 4_000), message(3, .urgent)])

        #expect(moves == [.send(messages: [3], line: "ding", address: nil, isUrgent: true, isReserved: false)])
    }

    @Test func `where there is no room, what is urgent goes to the next line at once, and what is normal after 20 s`() {
        let lines = [full("ding", room: 0), full("wecom", room: 12)]

        #expect(
            moves(lines, [message(1, .normal, to: ["ding", "wecom"]), message(2, .normal, age: 20, to: ["ding", "wecom"])])
                == [.send(messages: [2, 1], line: "wecom", address: nil, isUrgent: false, isReserved: false)])
        #expect(
            moves([full("ding", room: 0, closedUntil: start + 9), full("wecom", room: 12)], [message(1, .urgent, to: ["ding", "wecom"])])
                == [.send(messages: [1], line: "wecom", address: nil, isUrgent: true, isReserved: false)])
    }

    @Test func `a card holds what fits, oldest first`() {
        let many = (1...100).map { message(Int64($0), .normal, age: 100 - Double($0) / 10, bytes: 400) }
        guard case .send(let ids, _, _, _, _)? = moves([full("ding", room: 12)], many).first else {
            Issue.record("nothing was sent")
            return
        }
        #expect(ids == Array(1...11))
    }

    @Test func `what can go nowhere is given up, with the reason`() {
        let nowhere = MessageBoard.Message(id: 1, urgency: .urgent, since: start, bytes: 9, ways: [])

        #expect(moves([full("ding", room: 12)], [nowhere]) == [.giveUp(message: 1, reason: "not_connected")])
        #expect(
            moves([full("ding", room: 12)], [message(2, .urgent, age: 5 * 3_600)]) == [.giveUp(message: 2, reason: "expired")])
    }

    @Test func `personal lines never put two people's messages together`() {
        let line = MessageBoard.Line(name: "sms", kind: .smsGateway)
        let messages = (1...4).map { number in
            MessageBoard.Message(
                id: Int64(number), urgency: .normal, since: start - 30, bytes: 50,
                ways: [MessageBoard.Way(line: "sms", address: number % 2 == 0 ? "138" : "139")])
        }

        #expect(
            moves([line], messages) == [
                .send(messages: [1, 3], line: "sms", address: "139", isUrgent: false, isReserved: false),
                .send(messages: [2, 4], line: "sms", address: "138", isUrgent: false, isReserved: false),
            ])
    }

    @Test func `one person is sent no more than is theirs, whatever the line has left, and others go on`() {
        let line = MessageBoard.Line(name: "app", kind: .wecomApp)
        let messages = (1...15).map { number in
            // Each fills a message of its own.
            MessageBoard.Message(
                id: Int64(number), urgency: .normal, since: start - 30, bytes: 2_000,
                ways: [MessageBoard.Way(line: "app", address: number == 15 ? "bert" : "anna")])
        }

        let sent = moves([line], messages).compactMap { move in
            if case .send(_, _, let address, _, _) = move { address } else { nil }
        }
        #expect(sent.filter { $0 == "anna" }.count == ConnectorKind.wecomApp.personalBudget?.perMinute)
        #expect(sent.contains("bert"))
    }

    @Test func `digests keep away from the full and the half hour`() {
        let hour = Date(timeIntervalSince1970: 1_700_002_800)
        func sent(_ minute: Double) -> Int {
            let message = MessageBoard.Message(
                id: 1, urgency: .digest, since: hour - 3_600, bytes: 9, ways: [MessageBoard.Way(line: "ding")])
            return MessagePlanner().moves(
                MessageBoard(lines: [full("ding", room: 12)], waiting: [message]), at: hour.addingTimeInterval(minute * 60)
            ).count
        }
        #expect([-1, 0, 1, 2, 27, 28, 30, 31, 32].map(sent) == [0, 0, 0, 1, 1, 0, 0, 0, 1])
    }
}
