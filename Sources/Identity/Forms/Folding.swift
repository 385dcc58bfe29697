import Foundation

/// Text as it is compared: compatibility forms resolved (NFKC), lower case, nothing invisible.
enum Folding {
    /// Full-width letters and CJK are folded here; for anything rarer Foundation is asked, which costs more.
    static func folded(_ text: String) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x41...0x5A: scalars.append(Unicode.Scalar(UInt8(scalar.value + 0x20)))
            case 0x00...0x7F: scalars.append(scalar)
            case 0x3000: scalars.append(" ")
            case 0xFF21...0xFF3A: scalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFEE0 + 0x20)))
            case 0xFF01...0xFF5E: scalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFEE0)))
            case 0x3001...0x3035, 0x303D, 0x3400...0x9FFF, 0x20000...0x2F7FF: scalars.append(scalar)
            case 0x2010...0x2015: scalars.append("-")
            default: return slowly(text)
            }
        }
        return scalars
    }

    private static func slowly(_ text: String) -> [Unicode.Scalar] {
        // Twice: lower case may bring forms that NFKC resolves, and folding must change nothing the second time.
        let once = text.precomposedStringWithCompatibilityMapping.lowercased().precomposedStringWithCompatibilityMapping
        return once.unicodeScalars.compactMap { scalar in
            switch scalar.properties.generalCategory {
            case .format, .control, .unassigned, .privateUse, .surrogate: nil
            case .dashPunctuation: "-"
            case .spaceSeparator, .lineSeparator, .paragraphSeparator: " "
            default: scalar
            }
        }
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { (0x30...0x39).contains(value) }
    var isIdeograph: Bool { (0x4E00...0x9FFF).contains(value) || (0x3400...0x4DBF).contains(value) || (0x20000...0x323AF).contains(value) }
    /// A letter, an ideograph or a digit: what names consist of.
    var isWordly: Bool {
        value < 0x80
            ? isDigit || (0x61...0x7A).contains(value) || (0x41...0x5A).contains(value)
            : isIdeograph || properties.isAlphabetic || properties.numericType != nil
    }
}

extension String {
    init(_ scalars: some Sequence<Unicode.Scalar>) {
        var view = UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}

extension RandomAccessCollection<Unicode.Scalar> {
    func ends(with word: [Unicode.Scalar]) -> Bool { count >= word.count && suffix(word.count).elementsEqual(word) }
}
