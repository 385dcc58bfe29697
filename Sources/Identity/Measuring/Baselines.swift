/// What others would do, on the same records: judged by pairs.
extension TrialData {
    /// Records are the same whose given fields are equal, letter for letter but for case and width.
    public func equal(in fields: [String]) -> QualityTally {
        var numbers: [String: Int] = [:]
        let clusters = records.enumerated().map { place, record in
            let values = fields.compactMap { record.values[$0]?.first.map { String(Folding.folded($0)) } }
            // Who lacks a field equals nobody.
            guard values.count == fields.count else { return -place - 1 }
            let text = values.joined(separator: "\u{1}")
            numbers[text] = numbers[text] ?? numbers.count
            return numbers[text]!
        }
        return QualityTally(entities: records.map(\.entity), clusters: clusters)
    }

    /// Two records are the same from some likeness on. Pairs that share no key with these rules are not looked at.
    public func pairs(sharingKeysOf rules: MatchRules) -> [(Int, Int)] {
        var byKey: [BlockingKey: [Int]] = [:]
        for (place, record) in records.enumerated() {
            for key in rules.keys(of: MatchRecord(record.values, rules: rules)) { byKey[key, default: []].append(place) }
        }
        var seen: Set<Int> = []
        var pairs: [(Int, Int)] = []
        for places in byKey.sorted(by: { $0.key < $1.key }).map(\.value) where places.count > 1 && places.count <= BlockingKey.carrierLimit
        {
            for i in places.indices {
                for j in (i + 1)..<places.count where seen.insert(places[i] * records.count + places[j]).inserted {
                    pairs.append((places[i], places[j]))
                }
            }
        }
        return pairs
    }

    public func judged(_ pairs: [(Int, Int)], same: (Int, Int) -> Bool) -> QualityTally {
        var tally = QualityTally()
        var found: [String: Int] = [:]
        for (a, b) in pairs where same(a, b) {
            if records[a].entity == records[b].entity {
                found[records[a].entity, default: 0] += 1
            } else {
                tally.add(PairQuality(wrong: 1), of: min(records[a].entity, records[b].entity))
            }
        }
        for (entity, group) in Dictionary(grouping: records, by: \.entity) {
            let all = group.count * (group.count - 1) / 2
            tally.add(PairQuality(found: found[entity] ?? 0, missed: all - (found[entity] ?? 0)), of: entity)
        }
        return tally
    }

    public enum WholeText: String, Sendable, CaseIterable {
        case jaroWinkler = "jaro_winkler"
        case dice
    }

    /// The likeness of whole records, by pair.
    public func likenesses(_ pairs: [(Int, Int)], _ measure: WholeText) -> [Double] {
        let texts = records.map(\.text)
        switch measure {
        case .jaroWinkler: return pairs.map { Slips.jaroWinkler(texts[$0.0], texts[$0.1]) }
        case .dice:
            let bigrams = texts.map { Bigram.all(of: $0.filter(\.isWordly)) }
            return pairs.map { Bigram.overlap(bigrams[$0.0], bigrams[$0.1]) }
        }
    }

    /// The threshold with the best F1, of hundredths.
    public func bestThreshold(_ pairs: [(Int, Int)], _ likenesses: [Double]) -> Double {
        (1...99).map { Double($0) / 100 }.max { a, b in f1(pairs, likenesses, a) < f1(pairs, likenesses, b) }!
    }

    private func f1(_ pairs: [(Int, Int)], _ likenesses: [Double], _ threshold: Double) -> Double {
        var quality = PairQuality()
        for (pair, likeness) in zip(pairs, likenesses) where likeness >= threshold {
            if records[pair.0].entity == records[pair.1].entity { quality.found += 1 } else { quality.wrong += 1 }
        }
        let all = Dictionary(grouping: records, by: \.entity).values.reduce(0) { $0 + $1.count * ($1.count - 1) / 2 }
        quality.missed = all - quality.found
        return quality.f1
    }
}
