import Foundation
import Records
import Tenancy

/// The platform key of a `kiteline dev`: made at the first start, kept beside the data, readable by its user only.
enum PlatformKey {
    static func find(in folder: String, _ records: Records) async throws -> String {
        let path = folder + "/platform.key"
        let kept = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        if let kept, let key = APIKey(kept), try await KeyRing(records).principal(key) != nil { return kept }
        let fresh = try await records.createKey(.platform, for: nil, name: "kiteline dev", by: commandLine).key.secret
        try PrivateFile.write(fresh + "\n", to: path)
        return fresh
    }
}
