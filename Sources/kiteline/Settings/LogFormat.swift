/// How log lines are written.
enum LogFormat: String, CaseIterable {
    case text, json
}
