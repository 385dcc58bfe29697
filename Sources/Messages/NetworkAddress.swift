/// An IP address, and whether somebody outside may have us talk to it.
public struct NetworkAddress: Sendable, Hashable {
    /// 16 bytes; an IPv4 address as `::ffff:a.b.c.d`.
    private let bytes: [UInt8]

    /// - Parameter v4: four bytes.
    public init?(v4: [UInt8]) {
        guard v4.count == 4 else { return nil }
        bytes = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + v4
    }

    /// - Parameter v6: sixteen bytes.
    public init?(v6: [UInt8]) {
        guard v6.count == 16 else { return nil }
        bytes = v6
    }

    /// Whether it is on the public internet. Everything else is somebody's own network, ours too: this machine, private and shared
    /// networks, link-local ones (among them the clouds' metadata services), multicast, and what is reserved or for documentation.
    public var isPublic: Bool {
        if let v4 { return Self.isPublic(v4) }
        // 2000::/3 is all that is given out; of it, Teredo, ORCHID, documentation and 6to4 lead elsewhere or nowhere.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] < 0x02 { return false }
        if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] == 0x0D, bytes[3] == 0xB8 { return false }
        if bytes[0] == 0x20, bytes[1] == 0x02 { return Self.isPublic(Array(bytes[2..<6])) }
        return !(bytes[0] == 0x3F && bytes[1] == 0xFF)
    }

    /// Whether it is this machine.
    public var isLoopback: Bool { v4.map { $0[0] == 127 } ?? (bytes == [UInt8](repeating: 0, count: 15) + [1]) }

    /// The IPv4 address it stands for: mapped, compatible, or behind NAT64.
    private var v4: [UInt8]? {
        let head = Array(bytes[..<12])
        let zeros = [UInt8](repeating: 0, count: 10)
        if head == zeros + [0xFF, 0xFF] || head == [0x00, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8) {
            return Array(bytes[12...])
        }
        return head == zeros + [0, 0] && bytes[12] != 0 ? Array(bytes[12...]) : nil
    }

    private static func isPublic(_ v4: [UInt8]) -> Bool {
        switch (v4[0], v4[1], v4[2]) {
        case (0, _, _), (10, _, _), (127, _, _), (224..., _, _): false
        case (100, 64...127, _), (169, 254, _), (172, 16...31, _), (192, 168, _): false
        case (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 18...19, _), (198, 51, 100), (203, 0, 113): false
        default: true
        }
    }
}
