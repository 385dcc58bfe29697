import Foundation

/// Whether a request that changes something was made by a page of ours, as far as the browser says.
///
/// Browsers say it in two headers that scripts cannot set. What says neither is no browser of today; the token in the form decides then.
public struct Provenance: Sendable, Hashable {
    private let origin: String?
    private let fetchSite: String?

    /// - Parameters:
    ///   - origin: the header Origin.
    ///   - fetchSite: the header Sec-Fetch-Site.
    public init(origin: String?, fetchSite: String?) {
        self.origin = origin
        self.fetchSite = fetchSite
    }

    /// - Parameters:
    ///   - host: as the request names us.
    ///   - publicURL: where callers find us, if that was said.
    public func isOurs(host: String?, publicURL: String?) -> Bool {
        if let fetchSite, fetchSite != "same-origin" { return false }
        guard let origin else { return true }
        let own = [host.map { "http://\($0)" }, host.map { "https://\($0)" }, publicURL.flatMap(Self.origin)].compactMap(\.self)
        return own.contains(origin.lowercased())
    }

    /// `https://host:port` of an address.
    private static func origin(_ address: String) -> String? {
        guard let parts = URLComponents(string: address.lowercased()), let scheme = parts.scheme, let host = parts.host else { return nil }
        return "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
    }
}
