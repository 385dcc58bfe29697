import Foundation
import JSONEnvelope

/// When something happened, as an outside system says.
enum ToldMoment {
    /// Clocks of those who tell may be ahead of ours by so many seconds (SLA-12).
    static let skew: TimeInterval = 300
    private static let earliest = Date(timeIntervalSince1970: 0)

    /// Why something cannot have been then.
    enum Fault: Sendable, Hashable {
        case ahead, tooEarly

        var message: String {
            switch self {
            case .ahead: "lies ahead: what is told has happened"
            case .tooEarly: "lies before 1970"
            }
        }
    }

    /// Nil: it can have been then. What is told has happened, and not before there were such records.
    static func fault(in moment: Date, skew: TimeInterval = skew, now: Date = Date()) -> Fault? {
        if moment > now.addingTimeInterval(skew) { return .ahead }
        return moment < earliest ? .tooEarly : nil
    }
}

extension FieldReader {
    /// Refuses a moment at which nothing that is told can have happened.
    mutating func refuse(_ name: String, unlikely moment: Date?, skew: TimeInterval = ToldMoment.skew) {
        if let fault = moment.flatMap({ ToldMoment.fault(in: $0, skew: skew) }) { fail(name, .outOfRange, fault.message) }
    }
}
