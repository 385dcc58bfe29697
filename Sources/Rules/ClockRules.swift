import SalesModel

/// When is it late, and who hears of it at each step?
public struct ClockRules: Sendable, Hashable {
    public let clocks: [Clock]
}

/// One clock of a subject: when it begins, what stops it, and its ladder.
public struct Clock: Sendable, Hashable {
    public enum Start: Sendable, Hashable {
        /// The first of these events, or the latest: then each begins anew. While there is none, the last of another event.
        case events([String], filter: Condition?, isLatest: Bool, fallback: String?)
        /// A time the subject itself carries, so many seconds earlier.
        case field(String, secondsBefore: Int)
    }

    /// Whichever comes first. Without either the clock runs until its condition no longer holds.
    public struct Stop: Sendable, Hashable {
        public let events: [String]
        public let filter: Condition?
        /// Met as soon as this is true.
        public let when: Condition?
    }

    /// How long there is.
    public enum Budget: Sendable, Hashable {
        case seconds(Int)
        /// By the value of a field; a value that is not listed has the last budget, or no clock at all.
        case classes(field: String, [String: Int], otherwise: Int?)
    }

    /// What time outside working hours counts for.
    public enum OffHours: Sendable, Hashable {
        /// Day and night count alike.
        case always
        /// Only working time counts.
        case working
        /// What begins outside working hours begins when they open, so many seconds later; from then on day and night count.
        case nextOpening(graceSeconds: Int)
    }

    /// What is sent when several levels were missed at once. All of them are recorded.
    public enum CatchUp: String, Sendable, Hashable, CaseIterable {
        case highest, each
    }

    public let id: String
    public let label: Label
    public let subject: SubjectType
    public let start: Start
    /// For whom it runs, and as long as this holds.
    public let when: Condition?
    public let stop: Stop?
    public let budget: Budget?
    public let offHours: OffHours
    public let catchUp: CatchUp
    /// Upwards.
    public let levels: [ClockLevel]
}

/// One step of a clock's ladder.
public struct ClockLevel: Sendable, Hashable {
    public enum Due: Sendable, Hashable {
        /// So many seconds after the start.
        case after(seconds: Int)
        /// At this part of the budget; 100 is its end.
        case percent(Int)
    }

    public let id: String
    public let due: Due
    public let recipients: [Recipient]
    public let channels: [Channel]
    /// The id of a message.
    public let message: String?
    public let action: ClockAction
    /// nil: by how soon it comes.
    public let urgency: Urgency?
}

/// Who hears of it. One who is missing is stood in for by the next superior, and at last by the tenant's administrator.
public enum Recipient: String, Sendable, Hashable, CaseIterable {
    case owner, manager, finance, delivery, marketing, legal
    case salesDirector = "sales_director"
    case tenantAdmin = "tenant_admin"
    case customerService = "customer_service"
    case platformOwner = "platform_owner"
    case salesGroup = "sales_group"
    case cto
}

/// How a message goes out.
public enum Channel: String, Sendable, Hashable, CaseIterable {
    case inApp = "in_app"
    /// DingTalk, WeCom or Feishu, as the tenant has it.
    case workApp = "work_app"
    case sms, mail
}

/// What is done at a level besides telling people.
public enum ClockAction: String, Sendable, Hashable, CaseIterable {
    case notify
    case recordBreach = "record_breach"
    case transferToManager = "transfer_to_manager"
    case syncCustomerService = "sync_customer_service"
    case dashboard
    case markRed = "mark_red"
    case todo
    case recycle
}

extension ClockRules {
    /// The ids of all messages its ladders send.
    public var messages: Set<String> { Set(clocks.flatMap { $0.levels.compactMap(\.message) }) }
}

extension Clock {
    /// Every field of the subject that must be known.
    public var fields: Set<String> {
        var fields = when?.fields ?? []
        if case .field(let name, _) = start { fields.insert(name) }
        if case .classes(let name, _, _) = budget { fields.insert(name) }
        return fields.union(stop?.when?.fields ?? [])
    }
}
