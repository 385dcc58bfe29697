import Foundation
import Messages
import NIOCore
import NIOPosix

/// Which addresses outside may be talked to.
public struct OutgoingPolicy: Sendable, Hashable {
    /// Also this machine, and without TLS: for tests, demonstrations, and gateways beside the service. Off, nothing but the public
    /// internet, over TLS.
    public var allowsLoopback: Bool

    public init(allowsLoopback: Bool = false) { self.allowsLoopback = allowsLoopback }

    func allows(_ address: NetworkAddress) -> Bool { address.isPublic || allowsLoopback && address.isLoopback }

    /// What is wrong with an address before its name is even looked up; nil: nothing.
    public func fault(in url: String) -> String? {
        // Others read a blank or a backslash as the end of something; what is read in two ways leads to two places.
        guard !url.contains(where: { $0.isWhitespace || $0 == "\\" }) else { return "must hold neither blanks nor backslashes" }
        guard let parts = URLComponents(string: url), let host = parts.host, Self.isHost(parts.encodedHost ?? host) else {
            return "is no URL with a host"
        }
        guard parts.scheme == "https" || parts.scheme == "http" && allowsLoopback else { return "must begin with https://" }
        guard parts.port.map({ (1...65_535).contains($0) }) ?? true else { return "must name a port from 1 to 65535" }
        guard parts.user == nil, parts.password == nil else { return "must not hold a user or password" }
        guard parts.fragment == nil else { return "must not hold a fragment" }
        return fault(host: host)
    }

    /// Whether it is written like a name or an address: `example.com`, `[2001:db8::1]`.
    private static func isHost(_ host: String) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") { return true }
        let labels = (host.hasSuffix(".") ? host.dropLast() : host[...]).split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
    }

    /// The same of a host alone: a numeric address must be public, and some names never are.
    public func fault(host: String) -> String? {
        // With its last dot a name is the same name.
        let bare = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        let name = bare.hasSuffix(".") ? String(bare.dropLast()) : bare
        if let address = NetworkAddress(numeric: name) {
            return allows(address) ? nil : "is an address of an internal network"
        }
        let isLocal = !name.contains(".") || [".localhost", ".local", ".internal"].contains { name.hasSuffix($0) }
        return isLocal && !allowsLoopback ? "is a name of an internal network" : nil
    }
}

extension NetworkAddress {
    /// From digits, as they stand in a URL or as the system takes them too: `127.1`, `2130706433`, `0x7f000001`.
    init?(numeric text: String) {
        var short = in_addr()
        if inet_aton(text, &short) == 1 {
            self.init(v4: withUnsafeBytes(of: short.s_addr) { Array($0) })
        } else if let address = try? SocketAddress(ipAddress: text, port: 0) {
            self.init(address)
        } else {
            return nil
        }
    }

    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let v4): self.init(v4: withUnsafeBytes(of: v4.address.sin_addr.s_addr) { Array($0) })
        case .v6(let v6): self.init(v6: withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) })
        case .unixDomainSocket: return nil
        }
    }
}

/// Looks names up, and lets through only what the policy allows. What was let through is what is connected to: the name is not looked
/// up again, so that nobody can answer differently the second time.
struct Resolver: Sendable {
    /// An address to connect to, in digits. Where a name has several and one of them is internal, none is used: nobody honest has both.
    func address(of host: String, port: Int, _ policy: OutgoingPolicy) async -> Result<String, DeliveryFailure> {
        let name = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        if let fault = policy.fault(host: name) { return .failure(Self.refused(fault)) }
        guard let found = try? await NIOThreadPool.singleton.runIfActive({ Self.lookUp(name, port) }), !found.isEmpty else {
            return .failure(DeliveryFailure(.transient, code: "no_host", message: "the name \(name) is not known"))
        }
        guard found.allSatisfy({ NetworkAddress($0).map(policy.allows) ?? false }), let text = found.compactMap(\.ipAddress).first else {
            return .failure(Self.refused("leads into an internal network"))
        }
        return .success(text)
    }

    private static func refused(_ fault: String) -> DeliveryFailure {
        DeliveryFailure(.config, code: "address_refused", message: "the address \(fault)")
    }

    /// Blocks. IPv4 first: what has both usually reaches it.
    private static func lookUp(_ host: String, _ port: Int) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var (addresses, next) = ([SocketAddress](), list)
        while let info = next?.pointee {
            switch info.ai_family {
            case AF_INET: info.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { addresses.append(SocketAddress($0.pointee)) }
            case AF_INET6:
                info.ai_addr.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { addresses.append(SocketAddress($0.pointee)) }
            default: break
            }
            next = info.ai_next
        }
        return addresses.filter { $0.protocol == .inet } + addresses.filter { $0.protocol != .inet }
    }
}
