extension Exclusion {
    /// Who was left out and why, in words.
    public func text(in language: Language) -> String {
        let more = count - sellers.count
        let names = sellers.joined(separator: language == .chinese ? "、" : ", ")
        return switch language {
        case .english:
            "\(code.english): \(names)" + (more > 0 ? " and \(more) more" : "") + "."
        case .chinese:
            "\(code.chinese)：\(names)" + (more > 0 ? " 等 \(count) 人" : "") + "。"
        }
    }
}

extension ExclusionCode {
    /// Whom one way of choosing could not consider, the rule's next one may have.
    fileprivate var english: String {
        switch self {
        case .inactive: "Left out, not active"
        case .unknownStatus: "Left out, of unknown status"
        case .frozen: "Left out, frozen by a manager"
        case .offShift: "Left out, off shift"
        case .overLoad: "Left out, with too many leads waiting for a first touch"
        case .recycled: "Left out, had this lead before and left it untouched"
        case .region: "Left out, of another region"
        case .industry: "Left out, of another industry"
        case .unknownSeller: "Left out, named by the rules and not known"
        case .noRankingData: "Not ranked, with too few closed deals"
        case .noWeight: "Not in turn, without a weight"
        }
    }

    fileprivate var chinese: String {
        switch self {
        case .inactive: "未参与分配（不在岗）"
        case .unknownStatus: "未参与分配（状态未知）"
        case .frozen: "未参与分配（已被主管冻结）"
        case .offShift: "未参与分配（不在班次内）"
        case .overLoad: "未参与分配（待首触线索过多）"
        case .recycled: "未参与分配（此前持有该线索而未跟进）"
        case .region: "未参与分配（区域不符）"
        case .industry: "未参与分配（行业不符）"
        case .unknownSeller: "未参与分配（规则点名但无此销售）"
        case .noRankingData: "未参与排名（成交数据不足）"
        case .noWeight: "未参与轮询（权重为零）"
        }
    }
}
