/// A place within the console somebody may be sent back to.
public enum InnerPath {
    /// The path if it is one of ours; else the first page. An address of somebody else's never is.
    public static func checked(_ path: String?) -> String {
        guard let path, path.utf8.count <= 1_000, path == "/console" || path.hasPrefix("/console/"), !path.contains("//"),
            !path.prefix(while: { $0 != "?" }).split(separator: "/").contains(where: isUp),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return "/console/now" }
        return path
    }

    /// Whether a browser would go up there, out of the console.
    private static func isUp(_ segment: Substring) -> Bool { segment.removingPercentEncoding.map { [".", ".."].contains($0) } ?? true }
}
