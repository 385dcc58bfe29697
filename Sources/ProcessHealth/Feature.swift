/// Something that is known of a seller at the end of a week and may tell what comes.
public enum Feature: String, Sendable, Hashable, Codable, CaseIterable {
    case headroom
    case headroomSlope2 = "headroom_slope_2"
    case headroomSlope4 = "headroom_slope_4"
    case headroomSlope8 = "headroom_slope_8"
    case headroomDeviation = "headroom_deviation"
    case conversion
    case rhythm
    case keyActions = "key_actions"
    case silence
    case silenceSlope = "silence_slope"
    case silenceDeviation = "silence_deviation"
    case revisions = "revision_change"
    case revisionDeviation = "revision_deviation"
    case communications = "communication_change"
    case lateTouches = "late_touches"
    case waiting
    case offHours = "off_hours"
    case emptyRecords = "empty_records"
    case belowLately = "below_lately"
    case healthyFor = "healthy_for"
    case team = "team_below"
    case tenure
    case leaveAhead = "leave_ahead"
    case workdaysAhead = "workdays_ahead"

    /// What it is, in a few words.
    public var words: (english: String, chinese: String) {
        switch self {
        case .headroom: ("distance above the targets", "高于目标的幅度")
        case .headroomSlope2: ("trend over 2 weeks", "近 2 周走势")
        case .headroomSlope4: ("trend over 4 weeks", "近 4 周走势")
        case .headroomSlope8: ("trend over 8 weeks", "近 8 周走势")
        case .headroomDeviation: ("compared with the seller's own usual", "与本人平时水平相比")
        case .conversion: ("leads visited in time, 4 weeks", "近 4 周线索按时首访率")
        case .rhythm: ("follow-ups in time, 4 weeks", "近 4 周跟进及时率")
        case .keyActions: ("key actions with evidence, 4 weeks", "近 4 周关键动作完成率")
        case .silence: ("customers' silence rate, 2 weeks", "近 2 周客户沉默率")
        case .silenceSlope: ("rise of the silence rate over 4 weeks", "近 4 周客户沉默率上升")
        case .silenceDeviation: ("this week's silence beside the seller's usual", "本周客户沉默率与本人平时相比")
        case .revisionDeviation: ("this week's proposal revisions beside the seller's usual", "本周方案修改与本人平时相比")
        case .revisions: ("change of proposal revisions", "方案修改频次变化")
        case .communications: ("change of communications", "沟通量变化")
        case .lateTouches: ("first touches missed, 4 weeks", "近 4 周首触超时率")
        case .waiting: ("leads waiting for a first touch", "待首触线索数")
        case .offHours: ("communications at night and weekends", "夜间与周末沟通占比")
        case .emptyRecords: ("records that say nothing", "空洞跟进记录占比")
        case .belowLately: ("weeks below the base line of the last 8", "近 8 周低于基线周数")
        case .healthyFor: ("weeks since last below", "距上次低于基线周数")
        case .team: ("share of the team below the base line", "团队低于基线占比")
        case .tenure: ("weeks known to us", "在册周数")
        case .leaveAhead: ("days of absence ahead", "未来两周缺勤天数（请假或冻结）")
        case .workdaysAhead: ("working days ahead", "未来两周工作日")
        }
    }
}
