import Testing

@testable import Tenancy

@Suite struct AuditChainTests {
    private static func chain(_ count: Int) -> [AuditEntry] {
        var last: [UInt8] = []
        return (1...count).map { place in
            var entry = AuditEntry(
                id: Int64(place * 3), seq: Int64(place), tenant: 7, at: 1_769_817_600_000_000 + Int64(place), actor: "key:1",
                action: "queue.pause", subject: "probe", before: nil, after: #"{"limit": 0}"#, reason: "being mended", previous: last)
            entry.hash = entry.trueHash
            last = entry.hash
            return entry
        }
    }

    private static func head(_ entries: [AuditEntry]) -> AuditMark { AuditMark(seq: entries.last!.seq, hash: entries.last!.hash) }

    private func faults(_ entries: [AuditEntry], head: AuditMark? = nil, noted: AuditMark? = nil) -> [AuditFault] {
        var verification = AuditVerification(noted: noted)
        for entry in entries { verification.read(entry) }
        verification.end(at: head ?? Self.head(Self.chain(6)))
        return verification.faults
    }

    private let sound = chain(6)

    @Test func `a chain as it was written has no fault`() {
        #expect(faults(sound) == [])
        #expect(faults(sound, noted: AuditMark(seq: 3, hash: sound[2].hash)) == [])
    }

    @Test(
        arguments: [
            { $0.actor = "key:2" }, { $0.action = "queue.resume" }, { $0.subject = "prob" }, { $0.before = "{}" }, { $0.after = nil },
            { $0.reason = "" }, { $0.at += 1 }, { $0.tenant = nil }, { $0.id += 1 },
        ] as [@Sendable (inout AuditEntry) -> Void])
    func `any field of a row that was changed is found, and the row named`(change: @Sendable (inout AuditEntry) -> Void) {
        var entries = sound
        change(&entries[2])

        #expect(faults(entries) == [.changed(seq: 3, id: entries[2].id)])
    }

    @Test func `a row changed together with its hash does not fit what follows`() {
        var entries = sound
        entries[2].reason = "nothing"
        entries[2].hash = entries[2].trueHash
        #expect(faults(entries) == [.replaced(seq: 3, id: 9)])

        entries = sound
        entries[5].reason = "nothing"
        entries[5].hash = entries[5].trueHash
        #expect(faults(entries) == [.replaced(seq: 6, id: 18)], "the last one is held by the head")
    }

    @Test func `rows taken out are missed, at either end too`() {
        #expect(faults(Array(sound[..<2] + sound[4...])) == [.missing(3...4)])
        #expect(faults(Array(sound.dropFirst())) == [.missing(1...1)])
        #expect(faults(Array(sound.dropLast(2))) == [.missing(5...6)])
        #expect(faults([]) == [.missing(1...6)])
    }

    @Test func `two rows that changed places are both named`() {
        var entries = sound
        entries.swapAt(1, 3)
        (entries[1].seq, entries[3].seq) = (2, 4)

        #expect(Set(faults(entries)).isSuperset(of: [.changed(seq: 2, id: 12), .changed(seq: 4, id: 6)]))
    }

    @Test func `a row put in is named, in the middle and at the end`() {
        var entries = sound
        var stray = entries[2]
        (stray.id, stray.seq, stray.previous) = (99, 4, entries[2].hash)
        stray.hash = stray.trueHash
        entries.insert(stray, at: 3)
        for place in 4..<7 { entries[place].seq += 1 }
        #expect(faults(entries).contains(.replaced(seq: 4, id: 99)))

        var end = sound[5]
        (end.id, end.seq, end.previous) = (99, 7, sound[5].hash)
        end.hash = end.trueHash
        #expect(faults(sound + [end]) == [.inserted(seq: 7, id: 99)])
    }

    @Test func `a log written anew from a place on is found by what was noted`() {
        var entries = sound
        for place in 3..<6 {
            entries[place].reason = "nothing"
            entries[place].previous = entries[place - 1].hash
            entries[place].hash = entries[place].trueHash
        }

        #expect(faults(entries, head: Self.head(entries)) == [])
        #expect(faults(entries, head: Self.head(entries), noted: Self.head(sound)) == [.notAsNoted(seq: 6)])
        #expect(faults(Array(sound.prefix(4)), head: Self.head(Array(sound.prefix(4))), noted: Self.head(sound)) == [.notAsNoted(seq: 6)])
    }

    @Test func `fields that only run together alike have other hashes`() {
        var (one, other) = (sound[0], sound[0])
        (one.actor, one.action) = ("key:1", "2")
        (other.actor, other.action) = ("key:12", "")
        #expect(one.trueHash != other.trueHash)
        (one.before, other.before) = (nil, "-")
        #expect(one.trueHash != other.trueHash)
    }

    @Test func `a mark reads back as it is written, and nothing else does`() {
        let mark = Self.head(sound)

        #expect(AuditMark(mark.description) == mark)
        for text in [
            "", "6", "6:", "0:\(mark.hash.hexadecimal)", "6:\(mark.hash.hexadecimal)0", "6:\(String(repeating: "+a", count: 32))",
        ] {
            #expect(AuditMark(text) == nil, "\(text)")
        }
    }
}
