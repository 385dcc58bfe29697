/// How soon somebody has to hear of something.
public enum Urgency: String, Sendable, Hashable, CaseIterable {
    /// At once; never behind anything less urgent.
    case urgent
    /// Soon; may be told together with others.
    case normal
    /// When there is time, with everything else that has come together.
    case digest
}
