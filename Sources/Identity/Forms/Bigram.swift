/// Two neighbouring characters, and how much their agreement counts.
struct Bigram: Sendable, Hashable, Comparable {
    let code: UInt64
    let weight: Float

    static func < (a: Bigram, b: Bigram) -> Bool { a.code < b.code }

    /// In order, so that two lists can be walked side by side; of a single character that character alone.
    static func all(of text: [Unicode.Scalar]) -> [Bigram] {
        guard text.count > 1 else { return text.map { Bigram(code: UInt64($0.value), weight: 1) } }
        return zip(text, text.dropFirst()).map { first, second in
            Bigram(code: UInt64(first.value) << 32 | UInt64(second.value), weight: Trades.weight(first, second))
        }.sorted()
    }

    /// Dice's: twice what both have ÷ what they have together, by weight.
    static func overlap(_ a: [Bigram], _ b: [Bigram]) -> Double {
        var (i, j) = (0, 0)
        var common: Float = 0
        while i < a.count, j < b.count {
            if a[i].code == b[j].code {
                common += a[i].weight
                i += 1
                j += 1
            } else if a[i].code < b[j].code {
                i += 1
            } else {
                j += 1
            }
        }
        let total = a.reduce(0) { $0 + $1.weight } + b.reduce(0) { $0 + $1.weight }
        return total > 0 ? Double(2 * common / total) : 0
    }
}

/// Words that say what a company does and not which it is.
enum Trades {
    /// A word of a trade counts three tenths of another pair of characters.
    static func weight(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Float { pairs.contains([first, second]) ? 0.3 : 1 }

    /// Whether a name consists of nothing but such words: 医院, 科技发展.
    static func isTrade(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        var rest = text
        while rest.count >= 2, let word = words.first(where: { rest.starts(with: $0) }) { rest = rest.dropFirst(word.count) }
        return rest.isEmpty
    }

    private static let words: [[Unicode.Scalar]] = [
        "科技", "技术", "实业", "贸易", "商贸", "电子", "机械", "设备", "工程", "建筑", "建设", "建材", "网络", "信息", "文化", "传媒", "传播", "投资", "管理", "咨询", "服务", "发展",
        "工业", "制造",
        "材料", "新材料", "化工", "化学", "医药", "药业", "制药", "医疗", "器械", "生物", "环保", "环境", "能源", "电力", "电气", "电器", "自动化", "智能", "软件", "系统", "数据",
        "通信", "通讯", "物流",
        "运输", "仓储", "供应链", "食品", "餐饮", "酒店", "旅游", "教育", "培训", "学校", "大学", "学院", "中学", "小学", "幼儿园", "医院", "诊所", "银行", "证券", "保险", "基金",
        "租赁", "装饰", "装修",
        "设计", "广告", "印刷", "包装", "纺织", "服装", "服饰", "家具", "家居", "五金", "塑料", "塑胶", "橡胶", "钢铁", "钢结构", "金属", "有色", "矿业", "地产", "房地产", "置业",
        "物业", "汽车", "汽配",
        "配件", "零部件", "农业", "园林", "绿化", "花卉", "养殖", "进出口", "国际", "企业", "产业", "光电", "仪器", "仪表", "精密", "模具", "半导体", "集成电路", "公司", "中心", "研究院",
        "研究所", "厂",
    ].map { Array($0.unicodeScalars) }.sorted { $0.count > $1.count }
    private static let pairs = Set(words.flatMap { zip($0, $0.dropFirst()).map { [$0, $1] } })
}
