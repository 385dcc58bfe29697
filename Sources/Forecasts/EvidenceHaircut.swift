/// How much less likely an opportunity is won the less there is to show for it: contract, payment, acceptance, start notice.
///
/// A table that is believed. Fitting it would need odds of the past with the evidence of each day, which nobody keeps.
public struct EvidenceHaircut: Sendable, Hashable {
    public enum Origin: String, Sendable, Hashable, Encodable {
        /// Nobody records evidence here, so that the lack of it says nothing.
        case none
        case believed
    }

    /// By the number of pieces; the last stands for more.
    public let factors: [Double]
    public let origin: Origin

    public static let none = EvidenceHaircut(factors: [1], origin: .none)
    public static let believed = EvidenceHaircut(factors: [0.5, 0.75, 0.9, 1], origin: .believed)
}
