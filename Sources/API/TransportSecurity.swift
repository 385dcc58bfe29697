import Foundation

/// Whether callers must come over HTTPS, and how that is told.
///
/// TLS ends at a proxy. Only what a trusted proxy says of the outer request counts; anybody else could say it too.
public struct TransportSecurity: Sendable {
    /// Where callers find it; nil: not said.
    public let publicURL: String?
    public let requiresHTTPS: Bool
    private let trustedProxies: Set<String>

    /// - Parameters:
    ///   - publicURL: under which address callers find the API; HTTPS is asked for exactly when it is https.
    ///   - trustedProxies: addresses whose X-Forwarded-Proto and X-Forwarded-For are believed.
    public init(publicURL: String? = nil, trustedProxies: Set<String> = ["127.0.0.1", "::1"]) {
        self.publicURL = publicURL
        requiresHTTPS = publicURL?.lowercased().hasPrefix("https://") ?? false
        self.trustedProxies = trustedProxies
    }

    /// - Parameters:
    ///   - peer: the address at the other end of the connection; nil on a Unix socket, which only this machine reaches.
    ///   - forwardedProto: the header X-Forwarded-Proto.
    public func admits(peer: String?, forwardedProto: String?) -> Bool {
        guard requiresHTTPS else { return true }
        guard peer.map(trustedProxies.contains) ?? true else { return false }
        // The first proxy's word is the last in the list; the outermost caller's is the first.
        return forwardedProto?.split(separator: ",").first?.trimmingCharacters(in: .whitespaces).lowercased() == "https"
    }

    /// Who is at the far end: whom a trusted proxy had at its own other end, else the peer.
    ///
    /// - Parameter forwardedFor: the header X-Forwarded-For. What stands before its last address anybody could have written.
    public func caller(peer: String?, forwardedFor: String?) -> String? {
        guard peer.map(trustedProxies.contains) ?? true else { return peer }
        return forwardedFor?.split(separator: ",").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? peer
    }
}
