/// How an opportunity leaves a stage.
public enum Exit: Sendable, Hashable {
    case won
    case lost
    /// Into another open stage, by its place.
    case moved(to: Int)
}

/// One visit of an opportunity to an open stage, as it was known on some day.
public struct Stay: Sendable, Hashable {
    /// The stage's place among the open ones.
    public var stage: Int
    public var entered: Day
    /// Nil while it is there.
    public var left: Day?
    public var exit: Exit?
    /// The segment's place, such as of a product; 0 where there are none.
    public var segment: Int

    public init(stage: Int = 0, entered: Day, left: Day? = nil, exit: Exit? = nil, segment: Int = 0) {
        self.stage = stage
        // Told in the wrong order, it was left on the day it was entered.
        self.entered = left.map { min(entered, $0) } ?? entered
        self.left = exit == nil ? nil : left
        self.exit = left == nil ? nil : exit
        self.segment = segment
    }

    /// As it was known on `day`: what happened later is not there yet. Nil when it had not begun.
    public func known(on day: Day) -> Stay? {
        guard entered <= day else { return nil }
        guard let left, left > day else { return self }
        return Stay(stage: stage, entered: entered, segment: segment)
    }
}
