import Foundation

/// A person's name in form: without titles; Latin words in the order of the alphabet, since surname and given name change places.
public struct PersonName: Sendable, Hashable, CustomStringConvertible {
    /// `张伟`; `john smith`.
    public let text: String
    /// Only a surname and a title were given: 张总, 李女士.
    public let isSurnameOnly: Bool
    let scalars: [Unicode.Scalar]
    private let isIdeographic: Bool

    public var description: String { text }

    /// Nil when nothing is left.
    public init?(_ name: String) {
        let folded = Folding.folded(name)
        guard folded.contains(where: \.isIdeograph) else {
            let words = folded.split { !$0.isWordly }.map { String($0) }.filter { !Self.latinTitles.contains($0) }.sorted()
            guard !words.isEmpty else { return nil }
            text = words.joined(separator: " ")
            scalars = Array(text.unicodeScalars)
            (isSurnameOnly, isIdeographic) = (false, false)
            return
        }
        var rest = folded.filter(\.isWordly)[...]
        var hadTitle = false
        while let title = Self.titles.first(where: { rest.count > $0.count && rest.ends(with: $0) }) {
            rest = rest.dropLast(title.count)
            hadTitle = true
        }
        guard !rest.isEmpty else { return nil }
        scalars = Array(rest)
        text = String(rest)
        (isSurnameOnly, isIdeographic) = (hadTitle && rest.count == 1, true)
    }

    /// The name of which these are the parts, as people write it: 王小明; John Smith. Either may be empty.
    public static func whole(given: String, family: String) -> String {
        let parts = [given, family].map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let isIdeographic = parts.allSatisfy { $0.isEmpty || $0.unicodeScalars.contains(where: \.isIdeograph) }
        return isIdeographic ? parts[1] + parts[0] : parts.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// 1 the same; of ideographs 0.8 for one other character of three or more, or a surname that fits; of letters Winkler's.
    func likeness(to other: PersonName) -> Double {
        if scalars == other.scalars { return isSurnameOnly && other.isSurnameOnly ? 0.8 : 1 }
        guard isIdeographic, other.isIdeographic else { return isIdeographic || other.isIdeographic ? 0 : wordLikeness(to: other) }
        if isSurnameOnly || other.isSurnameOnly { return scalars.first == other.scalars.first ? 0.8 : 0 }
        return max(scalars.count, other.scalars.count) >= 3 && Slips.areOneApart(scalars, other.scalars) ? 0.8 : 0
    }

    private func wordLikeness(to other: PersonName) -> Double {
        Slips.jaroWinkler(scalars, other.scalars)
    }

    private static let titles = [
        "有限公司", "副总经理", "总经理", "董事长", "负责人", "联系人", "先生", "女士", "小姐", "经理", "主任", "老师", "教授", "博士", "医生", "院长", "校长", "厂长", "科长", "处长",
        "部长", "老板", "总监", "工程师", "同学", "总", "工", "董",
    ].map { Array($0.unicodeScalars) }
    private static let latinTitles: Set<String> = ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam"]
}
