/// A company's name in form: what is left when place, legal form and branch are taken off, and these.
///
/// 深圳市明远科技有限公司上海分公司: core 明远科技, region 深圳, branch 上海. A name whose core would be nothing but a trade (北京医院) keeps its place.
public struct CompanyName: Sendable, Hashable, CustomStringConvertible {
    /// Everything but spaces and punctuation, the legal form included.
    public let full: String
    public let core: String
    public let region: Region?
    /// What the branch is called, without 分公司 and the like; empty when only that was said.
    public let branch: String?

    let scalars: [Unicode.Scalar]
    private let bigrams: [Bigram]

    public var description: String { core }

    /// Nil when no letter is in it.
    public init?(_ name: String) {
        let folded = Folding.folded(name)
        var parts = Parts(folded)
        guard !parts.core.isEmpty else { return nil }
        full = String(folded.filter(\.isWordly))
        if parts.isIdeographic { parts.takeOff() } else { parts.takeOffWords(of: folded) }
        scalars = Array(parts.core)
        core = String(scalars)
        (region, branch) = (parts.region, parts.branch)
        bigrams = Bigram.all(of: scalars)
    }

    /// How alike two names are, 0…1.
    ///
    /// 1 the same name, or the same core in the same place, where the register allows it once; 0.95 the same core; else the overlap of the cores' pairs of characters, in which the words of trades (科技,
    /// 贸易) count less. Branches of one company are 0.9 times, companies of one core in different places half as much alike.
    func likeness(to other: CompanyName) -> Double {
        if full == other.full || core == other.core && branch == other.branch && region != nil && region == other.region { return 1 }
        var likeness = core == other.core ? 0.95 : min(0.94, max(Bigram.overlap(bigrams, other.bigrams), shortened(other)))
        if let region, let other = other.region, !region.agrees(with: other) { likeness *= 0.5 }
        if branch != other.branch { likeness *= 0.9 }
        return likeness
    }

    /// 0.7 when one name is the beginning of the other: 万科 and 万科企业.
    private func shortened(_ other: CompanyName) -> Double {
        let (shorter, longer) = scalars.count < other.scalars.count ? (self, other) : (other, self)
        guard shorter.scalars.count >= 2, longer.scalars.starts(with: shorter.scalars), !Trades.isTrade(shorter.scalars[...]) else {
            return 0
        }
        return 0.7
    }
}

/// A name while things are taken off it.
private struct Parts {
    var core: ArraySlice<Unicode.Scalar>
    var region: Region?
    var branch: String?
    let isIdeographic: Bool

    init(_ folded: [Unicode.Scalar]) {
        isIdeographic = folded.contains(where: \.isIdeograph)
        // A place in brackets is a place: 万科（深圳）有限公司.
        var (kept, inside): ([Unicode.Scalar], [Unicode.Scalar]?) = ([], nil)
        var region: Region?
        for scalar in folded {
            if "([【〔".unicodeScalars.contains(scalar) {
                kept += inside ?? []
                inside = []
            } else if ")]】〕".unicodeScalars.contains(scalar) {
                if let place = inside {
                    if !kept.isEmpty, let found = Region.leading(place[...]), found.length == place.count {
                        region = region ?? found.region
                    } else {
                        kept += place
                    }
                }
                inside = nil
            } else if scalar.isWordly {
                if inside == nil { kept.append(scalar) } else { inside?.append(scalar) }
            }
        }
        kept += inside ?? []
        self.region = region
        core = kept[...]
    }

    mutating func takeOff() {
        takeOffBranch()
        takeOffLegalForms()
        takeOffRegion()
    }

    /// What follows the company's own legal form or names a place before 分公司.
    private mutating func takeOffBranch() {
        guard let marker = Words.branches.first(where: { core.count > $0.count + 1 && core.ends(with: $0) }) else { return }
        let rest = core.dropLast(marker.count)
        var end: Int?
        if let company = rest.lastEnd(of: Words.company) ?? rest.lastEnd(of: Words.group) {
            end = company
        } else if let place = Region.first(in: rest, from: rest.startIndex + 2) {
            end = place.range.lowerBound
        }
        guard let end, end - rest.startIndex >= 2 else { return }
        branch = String(rest[end...].filter { $0 != "市" && $0 != "省" })
        core = rest[..<end]
    }

    private mutating func takeOffLegalForms() {
        while let form = Words.legalForms.first(where: { core.count >= $0.count + 2 && core.ends(with: $0) }) {
            core = core.dropLast(form.count)
        }
    }

    private mutating func takeOffRegion() {
        guard let (leading, length) = Region.leading(core) else { return }
        var rest = core.dropFirst(length)
        // 深圳市南山区…
        if let end = rest.prefix(4).lastIndex(where: { $0 == "县" || $0 == "区" }), end - rest.startIndex >= 2, rest.endIndex - end > 2 {
            rest = rest[(end + 1)...]
        }
        guard rest.count >= 2, !Trades.isTrade(rest) else { return }
        region = region ?? leading
        core = rest
    }

    /// China Vanke Co., Ltd.: the words at the end that say no more than that it is a company.
    mutating func takeOffWords(of folded: [Unicode.Scalar]) {
        var words = folded.filter { $0 != "." && $0 != "'" }.split { !$0.isWordly }.map { String($0) }
        while words.count > 1, let last = words.last, Words.latinForms.contains(last) { words.removeLast() }
        if words.count > 1, words.first == "the" { words.removeFirst() }
        core = Array(words.joined().unicodeScalars)[...]
    }
}

extension ArraySlice<Unicode.Scalar> {
    /// Where the last occurrence of a word ends.
    fileprivate func lastEnd(of word: [Unicode.Scalar]) -> Int? {
        guard count > word.count else { return nil }
        return stride(from: endIndex - word.count, through: startIndex, by: -1).first { self[$0...].starts(with: word) }.map {
            $0 + word.count
        }
    }
}

private enum Words {
    static let company = Array("公司".unicodeScalars)
    static let group = Array("集团".unicodeScalars)
    static let branches = ["分公司", "办事处", "代表处", "营业部", "经营部", "门市部", "分店", "门店", "分行", "支行", "分院", "分部", "分厂"].map {
        Array($0.unicodeScalars)
    }
    /// The longest first.
    static let legalForms = [
        "集团股份有限公司", "控股集团有限公司", "集团有限责任公司", "股份有限公司", "有限责任公司", "集团有限公司", "控股有限公司", "特殊普通合伙", "个体工商户", "股份公司", "集团公司", "有限公司",
        "普通合伙", "有限合伙", "合伙企业", "总公司", "集团", "控股", "股份", "公司",
    ].map { Array($0.unicodeScalars) }
    static let latinForms: Set<String> = [
        "co", "ltd", "inc", "llc", "llp", "corp", "corporation", "company", "limited", "incorporated", "gmbh", "ag", "sa", "plc", "pte",
        "pty",
        "bv", "nv", "srl", "spa", "group", "holding", "holdings", "kg", "oy", "ab", "as",
    ]
}
