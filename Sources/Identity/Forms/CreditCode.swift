/// A unified social credit code (GB 32100-2015) whose check digit holds.
public struct CreditCode: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public var description: String { text }

    /// Nil when a character is not of the code's alphabet, or the check digit does not hold.
    public init?(_ text: String) {
        let code = Folding.folded(text).filter { $0 != " " && $0 != "-" && $0 != "_" }
        guard code.count == 18 else { return nil }
        var sum = 0
        var values: [Int] = []
        for (scalar, weight) in zip(code, Self.weights + [0]) {
            guard let value = Self.values[scalar] else { return nil }
            values.append(value)
            sum += value * weight
        }
        guard values[17] == (31 - sum % 31) % 31 else { return nil }
        self.text = String(values.map { Self.alphabet[$0] })
    }

    /// The code whose first 17 characters are given.
    static func completing(_ first: [Int]) -> String {
        let sum = zip(first, weights).reduce(0) { $0 + $1.0 * $1.1 }
        return String((first + [(31 - sum % 31) % 31]).map { alphabet[$0] })
    }

    /// Without I, O, Z, S and V.
    static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".unicodeScalars)
    private static let values = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { (Unicode.Scalar($1.value < 0x41 ? $1.value : $1.value + 0x20)!, $0) })  // folded
    /// 3^i mod 31
    private static let weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
}
