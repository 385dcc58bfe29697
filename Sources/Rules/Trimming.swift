import Foundation

extension StringProtocol {
    /// Without the spaces (and line ends) at both ends, as Foundation trims; a text that begins and ends with a letter, as nearly
    /// every one of a lead does, costs two comparisons.
    func trimmed(_ blanks: CharacterSet = .whitespacesAndNewlines) -> String {
        guard let first = unicodeScalars.first, let last = unicodeScalars.last else { return "" }
        return first.isPlainlyInk && last.isPlainlyInk ? String(self) : trimmingCharacters(in: blanks)
    }
}

extension Unicode.Scalar {
    /// Surely no blank: what is printed of ASCII, and the common Chinese characters. Of others this says nothing.
    fileprivate var isPlainlyInk: Bool { (0x21...0x7E).contains(value) || (0x4E00...0x9FFF).contains(value) }
}
