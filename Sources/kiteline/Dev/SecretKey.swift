import Foundation

/// The key of a `kiteline dev` under which connectors' secrets are sealed: made at the first start, kept beside the data, readable by its
/// user only. Lost, the secrets have to be given again.
enum SecretKey {
    static func find(in folder: String) throws -> String {
        let path = folder + "/secret.key"
        let kept = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        if let kept, Data(base64Encoded: kept)?.count == 32 { return kept }
        let fresh = Data((0..<32).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
        try PrivateFile.write(fresh + "\n", to: path)
        return fresh
    }
}
