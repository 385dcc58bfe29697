import Foundation
import Rules

/// A level of a clock that was written down when it was missed. What is written down is never written down again.
public struct RecordedLevel: Sendable, Hashable {
    /// Whether somebody heard of it.
    public enum Told: Sendable, Hashable {
        case told
        /// It waits for working hours.
        case held(until: Date)
        /// Another level was told instead, or it was made good before anybody had to hear of it.
        case untold
    }

    public let clock: String
    public let level: String
    /// Which beginning of the clock it belongs to; nil where it begins once.
    public let episode: Date?
    public let dueAt: Date
    public let told: Told

    public init(clock: String, level: String, episode: Date?, dueAt: Date, told: Told) {
        self.clock = clock
        self.level = level
        self.episode = episode
        self.dueAt = dueAt
        self.told = told
    }
}

extension Clock {
    /// Tells one beginning of the clock from another: a level is missed once in each. A clock that begins once has but one, even if it
    /// turns out later when that was.
    public func episode(startedAt start: Date?) -> Date? {
        switch start {
        case .none: nil
        case .some(let start):
            switch self.start {
            case .events(_, _, let isLatest, _): isLatest ? start : nil
            case .field: start
            }
        }
    }
}
