import Foundation

/// What `kiteline dev` tells about itself once it is ready: `ready.json` in its data folder, readable by its user only.
struct ReadyFile: Codable, Sendable {
    struct PIDs: Codable, Sendable {
        var postgres: Int32
        var redis: Int32
        var kiteline: Int32
    }

    var url: String
    var platformKey: String
    var postgresURL: String
    var redisURL: String
    /// Null where no link could be made.
    var consoleURL: String?
    /// What connectors' secrets are sealed under; nil: an older one's file.
    var secretKey: String?
    /// Whether connectors may lead to this machine: yes or no.
    var localTargets: String?
    var pids: PIDs

    private enum CodingKeys: String, CodingKey {
        case url
        case platformKey = "platform_key"
        case postgresURL = "postgres_url"
        case redisURL = "redis_url"
        case consoleURL = "console_url"
        case secretKey = "secret_key"
        case localTargets = "local_targets"
        case pids
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(url, forKey: .url)
        try container.encode(platformKey, forKey: .platformKey)
        try container.encode(postgresURL, forKey: .postgresURL)
        try container.encode(redisURL, forKey: .redisURL)
        try container.encode(consoleURL, forKey: .consoleURL)  // said also when there is none
        try container.encodeIfPresent(secretKey, forKey: .secretKey)
        try container.encodeIfPresent(localTargets, forKey: .localTargets)
        try container.encode(pids, forKey: .pids)
    }

    static func path(in folder: String) -> String { folder + "/ready.json" }

    /// The file of a `kiteline dev` that is still running; nil when there is none.
    static func running(in folder: String) -> ReadyFile? {
        guard let data = FileManager.default.contents(atPath: path(in: folder)),
            let file = try? JSONDecoder().decode(ReadyFile.self, from: data),
            kill(file.pids.kiteline, 0) == 0 || errno == EPERM
        else { return nil }
        return file
    }

    func write(in folder: String) throws {
        try PrivateFile.write(try JSON.text(self) + "\n", to: Self.path(in: folder))
    }

    static func remove(in folder: String) { unlink(path(in: folder)) }

    func value(of setting: Setting) -> String? {
        switch setting {
        case .postgresURL: postgresURL
        case .redisURL: redisURL
        case .apiURL: url
        case .key: platformKey
        case .secretKey: secretKey
        case .localTargets: localTargets
        default: nil
        }
    }
}

/// Files that hold secrets.
enum PrivateFile {
    /// Readers see the old content or the new, never half, and never with the rights of others.
    static func write(_ text: String, to path: String) throws {
        let draft = path + ".new"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SetUpError("cannot write \(path): \(String(cString: strerror(errno)))") }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
        guard rename(draft, path) == 0 else { throw SetUpError("cannot write \(path): \(String(cString: strerror(errno)))") }
    }
}
