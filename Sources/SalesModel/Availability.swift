import Calendars
import Foundation

/// Somebody gets no new lead for a time, by a manager's word; what they have stays theirs.
public enum Freeze: Sendable, Hashable {
    case untilThawed
    /// Not at that moment any more.
    case until(Date)

    public func holds(at moment: Date) -> Bool {
        switch self {
        case .untilThawed: true
        case .until(let end): moment < end
        }
    }
}

/// The hours in which somebody is given leads.
public final class Shift: Sendable, Hashable {
    /// Names what it says: shifts of one name are the same.
    public let plan: String
    /// Nil: never.
    private let hours: WorkingTime?

    public init(plan: String, hours: WorkingTime?) {
        self.plan = plan
        self.hours = hours
    }

    public func isOn(at moment: Date) -> Bool { hours?.isOpen(at: moment) ?? false }

    public static func == (a: Shift, b: Shift) -> Bool { a.plan == b.plan }

    public func hash(into hasher: inout Hasher) { hasher.combine(plan) }
}

extension Seller {
    /// Why there is no new lead for this seller at a moment, whoever the lead is from; nil: there may be.
    public func absence(at moment: Date) -> ExclusionCode? {
        if freeze?.holds(at: moment) == true { return .frozen }
        if let shift, !shift.isOn(at: moment) { return .offShift }
        return nil
    }
}
