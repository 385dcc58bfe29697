import Tenancy

/// A file that pages refer to. All are under a path that holds their common hash: what is at an address never changes, and a page never
/// takes a file of another build.
public struct Asset: Sendable {
    public static let folder = "/console/static/"

    public let type: String
    public let bytes: [UInt8]

    /// Of all files together: twelve hexadecimal digits.
    public static let build: String = {
        var digest = SHA256Digest()
        for (name, asset) in all.sorted(by: { $0.key < $1.key }) {
            digest.update(Array(name.utf8))
            digest.update(asset.bytes)
        }
        return digest.finish().prefix(6).hexadecimal
    }()

    /// Before the name of a file, without a slash at the end.
    public static var path: String { folder + build }

    /// Nil: there is no such file, or another build had it.
    public static func at(_ path: String) -> Asset? {
        guard path.hasPrefix(Self.path + "/") else { return nil }
        return all[String(path.dropFirst(Self.path.count + 1))]
    }

    private static let all: [String: Asset] = [
        "console.css": Asset(type: "text/css; charset=utf-8", bytes: PackageResources.console_css),
        "console.js": Asset(type: "text/javascript; charset=utf-8", bytes: PackageResources.console_js),
        "kiteline.svg": Asset(type: "image/svg+xml", bytes: PackageResources.kiteline_svg),
        "icons.svg": Asset(type: "image/svg+xml", bytes: PackageResources.icons_svg),
    ]
}
