/// A part of Kiteline a tenant can switch off. What is off answers `module_off`, and its job kinds are refused.
///
/// The minimum loop (lead assignment, visit check-in, weekly report) belongs to no module and always works.
public enum Module: String, Sendable, CaseIterable {
    case imports
    case opportunities
    case probes
}
