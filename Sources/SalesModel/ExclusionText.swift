extension Exclusion {
    /// Who was left out and why, in words.
    public func text(in language: Language) -> String {
        let more = count - sellers.count
        let names = sellers.joined(separator: language == .chinese ? "、" : ", ")
        return switch language {
        case .english:
            (code.isOfOneStep ? "Not compared, " : "Left out, ") + "\(code.english): \(names)" + (more > 0 ? " and \(more) more" : "") + "."
        case .chinese:
            (code.isOfOneStep ? "未参与比较" : "未参与分配") + "（\(code.chinese)）：\(names)" + (more > 0 ? " 等 \(count) 人" : "") + "。"
        }
    }
}

extension ExclusionCode {
    /// Whether it is one way of choosing that could not consider them: the rule's next one may have.
    fileprivate var isOfOneStep: Bool { self == .noRankingData || self == .noWeight }

    fileprivate var english: String {
        switch self {
        case .inactive: "not active"
        case .unknownStatus: "of unknown status"
        case .frozen: "frozen by a manager"
        case .offShift: "off shift"
        case .overLoad: "with too many leads waiting for a first touch"
        case .recycled: "had this lead before and left it untouched"
        case .region: "of another region"
        case .industry: "of another industry"
        case .noRankingData: "with too few closed deals to be ranked"
        case .noWeight: "without a share in the turns"
        case .unknownSeller: "named by the rules and not known"
        }
    }

    fileprivate var chinese: String {
        switch self {
        case .inactive: "不在岗"
        case .unknownStatus: "状态未知"
        case .frozen: "已被主管冻结"
        case .offShift: "不在班次内"
        case .overLoad: "待首触线索过多"
        case .recycled: "此前持有该线索而未跟进"
        case .region: "区域不符"
        case .industry: "行业不符"
        case .noRankingData: "成交数据不足，无法排名"
        case .noWeight: "轮询权重为零"
        case .unknownSeller: "规则点名但无此销售"
        }
    }
}
