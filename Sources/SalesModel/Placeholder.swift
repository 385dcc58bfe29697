/// Texts that fill a field and say nothing (STAGE-05, FOLLOW-05, KPI-02).
public enum Placeholder {
    /// What people write to be rid of a field.
    private static let texts: Set<String> = [
        "无", "暂无", "没有", "待定", "未知", "不详", "na", "n/a", "none", "nil", "null", "tbd", "todo", "x", "xx", "xxx", "test", "测试",
        "已联系", "已沟通", "待推进", "待反馈", "contacted", "pending",
    ]

    /// The words, for those who look where no Swift runs: lower case, without marks and blanks.
    public static var words: Set<String> { texts }

    /// Whether nothing is left of the text once marks and blanks are gone, or only such a word.
    public static func isPlaceholder(_ text: String) -> Bool {
        let bare = text.lowercased().filter { !$0.isWhitespace && !($0.isPunctuation && $0 != "/") && !$0.isSymbol }
        return bare.isEmpty || bare == "/" || texts.contains(bare) || Set(bare) == ["/"]
    }
}
