/// A share of all customers with two decimals, 0 to 100: kept in hundredths of a percent, so that it is exact.
public struct Percent: Sendable, Hashable, Comparable {
    public static let none = Percent(unchecked: 0)
    public static let all = Percent(unchecked: 10_000)

    /// 500 is 5 %.
    public let hundredths: Int

    /// Nil unless it lies in 0 … 10,000.
    public init?(hundredths: Int) {
        guard (0...10_000).contains(hundredths) else { return nil }
        self.hundredths = hundredths
    }

    /// Nil unless it lies in 0 … 100 and has no more than two decimals.
    public init?(_ percent: Double) {
        guard percent.isFinite, (0...100).contains(percent) else { return nil }
        let hundredths = (percent * 100).rounded()
        // What has two decimals comes back as the very same number; 0.005 or 33.333 does not.
        guard hundredths / 100 == percent else { return nil }
        self.hundredths = Int(hundredths)
    }

    private init(unchecked hundredths: Int) { self.hundredths = hundredths }

    /// Of one: 0.05 for 5 %.
    public var share: Double { Double(hundredths) / 10_000 }

    public static func < (left: Percent, right: Percent) -> Bool { left.hundredths < right.hundredths }
}

extension Percent: CustomStringConvertible {
    /// `5`, `12.5`, `0.25`: no more decimals than it has.
    public var description: String {
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return "\(whole)" }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
