/// Ages of a stay, in days, that are looked at together: fine where much happens, coarse where little does.
public struct AgeBins: Sendable, Hashable {
    /// The first age of each bin; the first bin begins at 0, the last has no end.
    public let firsts: [Int]
    /// By age, up to where the last bin begins.
    private let byAge: [Int]

    /// - Parameter firsts: ascending, from 0.
    public init(firsts: [Int]) {
        precondition(firsts.first == 0 && zip(firsts, firsts.dropFirst()).allSatisfy(<), "Bins of ages ascend from 0.")
        self.firsts = firsts
        byAge = (0...firsts.last!).map { age in firsts.lastIndex { $0 <= age }! }
    }

    /// Thirteen: by the half week and week in the first month, then by the half month, month and season.
    public static let standard = AgeBins(firsts: [0, 3, 7, 14, 21, 30, 45, 60, 75, 90, 120, 150, 240])

    public var count: Int { firsts.count }

    /// From here on age makes no difference.
    public var oldest: Int { firsts.last! }

    public func bin(of age: Int) -> Int { byAge[max(0, min(age, oldest))] }

    /// The last age of a bin; nil for the last one.
    func last(of bin: Int) -> Int? { bin + 1 < count ? firsts[bin + 1] - 1 : nil }
}
