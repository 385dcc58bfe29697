import Foundation

/// What one of them says of working time: the tenant, a team, a seller. What it leaves open the layers before it decide.
public struct CalendarLayer: Sendable, Hashable {
    /// Which of the state's days it keeps.
    public enum Observance: String, Sendable, Hashable, CaseIterable {
        /// Holidays are off, make-up workdays are worked.
        case all
        /// Holidays are off; nobody works at the weekend for them.
        case holidays
        /// An ordinary week all the year.
        case none
    }

    /// Monday first; seven.
    public let week: [DayHours]?
    /// Of a make-up workday; else those of Monday.
    public let makeUp: DayHours?
    public let observance: Observance?
    /// Days that are unlike the others: a company's holiday, a shift exchanged, a leave.
    public let days: [CivilDate: DayHours]

    public init(week: [DayHours]? = nil, makeUp: DayHours? = nil, observance: Observance? = nil, days: [CivilDate: DayHours] = [:]) {
        precondition(week.map { $0.count == 7 } ?? true, "a week has seven days")
        self.week = week
        self.makeUp = makeUp
        self.observance = observance
        self.days = days
    }
}

/// Working time before it is compiled: a zone, a state's days, and layers from the tenant to the seller.
///
/// A day that a layer names is as the rightmost layer says that names it. Every other day follows the state, as far as it is observed, and
/// the rightmost week. So a company's holiday holds for its shifts, and a shift exchanged by name holds on the company's holiday.
public struct CalendarPlan: Sendable, Hashable {
    public let zone: TimeZone
    public let national: NationalCalendar?
    public let layers: [CalendarLayer]

    public init(zone: TimeZone, national: NationalCalendar? = nil, layers: [CalendarLayer]) {
        self.zone = zone
        self.national = national
        self.layers = layers
    }

    /// The plan of somebody within it.
    public func adding(_ layer: CalendarLayer) -> CalendarPlan { CalendarPlan(zone: zone, national: national, layers: layers + [layer]) }

    /// The same days, each worked from midnight to midnight: what counts where days off do not, and hours do.
    public var wholeDays: CalendarPlan {
        func whole(_ hours: DayHours) -> DayHours { hours.isClosed ? .closed : .wholeDay }
        return CalendarPlan(
            zone: zone, national: national,
            layers: layers.map {
                CalendarLayer(
                    week: $0.week?.map(whole), makeUp: $0.makeUp.map(whole), observance: $0.observance, days: $0.days.mapValues(whole))
            })
    }
}

extension CalendarPlan {
    /// Whether any of a day is worked. Laid over each other once, however many days are asked for.
    public var isWorked: @Sendable (CivilDate) -> Bool {
        let days = DayPlan(self)
        return { !days.hours(of: $0).isClosed }
    }
}

/// A plan whose layers are laid over each other.
struct DayPlan {
    private let week: [DayHours]
    private let makeUp: DayHours
    private let days: [CivilDate: DayHours]
    private let national: NationalCalendar?
    private let keepsMakeUp: Bool

    init(_ plan: CalendarPlan) {
        let week = plan.layers.last { $0.week != nil }?.week ?? Array(repeating: .wholeDay, count: 7)
        let observance = plan.layers.last { $0.observance != nil }?.observance ?? .all
        self.week = week
        makeUp = plan.layers.last { $0.makeUp != nil }?.makeUp ?? week[0]
        days = plan.layers.reduce(into: [:]) { $0.merge($1.days) { $1 } }
        national = observance == .none ? nil : plan.national
        keepsMakeUp = observance == .all
    }

    func hours(of date: CivilDate) -> DayHours {
        if let named = days[date] { return named }
        switch national?[date] {
        case .off: return .closed
        case .work where keepsMakeUp: return makeUp
        case .work, nil: return week[date.weekday]
        }
    }

    func unknown(_ first: CivilDate, through last: CivilDate) -> [Range<CivilDate>] { national?.unknown(first, through: last) ?? [] }
}
