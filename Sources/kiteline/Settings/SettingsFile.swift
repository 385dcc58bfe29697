import Foundation

/// A file of settings: `NAME=value` lines with the names of the environment, `#` before a comment.
/// The same file serves systemd's EnvironmentFile and Docker's --env-file.
struct SettingsFile: Sendable {
    static let standardPath = "/etc/kiteline.conf"

    let path: String
    private(set) var values: [Setting: String] = [:]

    /// Nil when none was asked for and the standard one does not exist.
    static func find(_ asked: String?) throws -> SettingsFile? {
        if asked == nil, !FileManager.default.fileExists(atPath: standardPath) { return nil }
        let path = asked ?? standardPath
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw SettingError("the settings file \(path) cannot be read")
        }
        return try SettingsFile(path: path, text: text)
    }

    init(path: String, text: String) throws {
        self.path = path
        for (number, line) in zip(1..., text.split(separator: "\n", omittingEmptySubsequences: false)) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw SettingError("\(path), line \(number): expected NAME=value") }
            let name = parts[0].trimmingCharacters(in: .whitespaces)
            guard let setting = Setting(rawValue: name) else {
                let guess = Setting.meant(by: name).map { "; did you mean \($0.rawValue)?" } ?? ""
                throw SettingError("\(path), line \(number): there is no setting \(name)\(guess)")
            }
            values[setting] = unquoted(parts[1].trimmingCharacters(in: .whitespaces))
        }
    }

    private func unquoted(_ text: String) -> String {
        for quote in ["\"", "'"] where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
            return String(text.dropFirst().dropLast())
        }
        return text
    }
}
