/// How far apart two texts are, in slips of the hand.
enum Slips {
    /// Whether one inserted, left out, changed or swapped element makes one of the other.
    static func areOneApart<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Bool {
        guard abs(a.count - b.count) <= 1 else { return false }
        var start = 0
        while start < min(a.count, b.count), a[start] == b[start] { start += 1 }
        var (endA, endB) = (a.count, b.count)
        while endA > start, endB > start, a[endA - 1] == b[endB - 1] {
            endA -= 1
            endB -= 1
        }
        let (lengthA, lengthB) = (endA - start, endB - start)
        if lengthA <= 1, lengthB <= 1 { return lengthA + lengthB > 0 }
        return lengthA == 2 && lengthB == 2 && a[start] == b[start + 1] && a[start + 1] == b[start]
    }

    /// Changed, inserted, left out and swapped elements (optimal string alignment), in O(a × b).
    static func distance<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before: [Int] = []
        var previous = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                row[j] = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], before[j - 2] + 1) }
            }
            (before, previous) = (previous, row)
        }
        return previous[b.count]
    }

    /// Winkler's likeness of short Latin texts, 0…1: Jaro's, and for up to four equal first letters a tenth each of what is missing.
    static func jaroWinkler<Element: Comparable>(_ a: [Element], _ b: [Element]) -> Double {
        guard !a.isEmpty, !b.isEmpty else { return a.isEmpty && b.isEmpty ? 1 : 0 }
        // Which letters Jaro pairs depends on who begins: always the one that comes first.
        if b.lexicographicallyPrecedes(a) { return jaroWinkler(b, a) }
        let window = max(0, max(a.count, b.count) / 2 - 1)
        var takenA = Array(repeating: false, count: a.count)
        var takenB = Array(repeating: false, count: b.count)
        var matches = 0
        for i in a.indices {
            let end = min(b.count, i + window + 1)
            guard let j = (min(end, max(0, i - window))..<end).first(where: { !takenB[$0] && b[$0] == a[i] }) else { continue }
            takenA[i] = true
            takenB[j] = true
            matches += 1
        }
        guard matches > 0 else { return 0 }
        let (inA, inB) = (a.indices.filter { takenA[$0] }, b.indices.filter { takenB[$0] })
        let swapped = zip(inA, inB).count { a[$0] != b[$1] } / 2
        let m = Double(matches)
        let jaro = (m / Double(a.count) + m / Double(b.count) + (m - Double(swapped)) / m) / 3
        let prefix = zip(a, b).prefix(4).prefix { $0 == $1 }.count
        return jaro + 0.1 * Double(prefix) * (1 - jaro)
    }
}
