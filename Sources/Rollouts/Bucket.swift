/// Which version of a rule set a customer is served by.
public enum Arm: String, Sendable, Hashable, CaseIterable {
    case stable
    case canary
}

/// One of 10,000 places a customer has with regard to everything ever rolled out under one name of a rule set.
///
/// A customer is in the canary arm when their place is below the percentage in hundredths, so raising it only adds customers. The
/// lineage is the rule set's kind and name and not the rollout: a restart finds everybody in the same place, and
/// two names do not always try their changes on the same customers.
///
/// The hash is FNV-1a with 64 bits over the fields' UTF-8, each with its length in front so that `a, bc` is not `ab, c`, finished
/// with the mixer of MurmurHash3, because FNV alone moves its upper bits too little when only the last byte differs. It is
/// spelt out here because it must not change with a release of Swift (`Hasher` changes with every process): `BucketTests` holds it to
/// fixed values. It is no secret and need not resist attacks: who chooses their own key gains nothing but an arm. The remainder of 2⁶⁴ by
/// 10,000 favours some places by less than 10⁻¹⁵.
///
/// Sources: draft-eastlake-fnv (offset basis and prime); Appleby, MurmurHash3, fmix64.
public struct Bucket: Sendable, Hashable {
    public static let count = 10_000

    /// 0 ..< 10,000.
    public let index: Int

    /// - Parameters:
    ///   - lineage: kind/name of the rule set.
    ///   - customer: whatever names the customer for good; bytes count, so `é` in one piece is not `é` in two.
    public init(tenant: Int64, lineage: String, customer: String) {
        var hash = FNV1a()
        hash.add(UInt64(bitPattern: tenant))
        hash.add(lineage)
        hash.add(customer)
        index = Int(hash.mixed % UInt64(Self.count))
    }

    public func arm(at percent: Percent) -> Arm { index < percent.hundredths ? .canary : .stable }

    /// The arm of a customer while so many percent are in the canary arm.
    public static func arm(tenant: Int64, lineage: String, customer: String, percent: Percent) -> Arm {
        Bucket(tenant: tenant, lineage: lineage, customer: customer).arm(at: percent)
    }
}

private struct FNV1a {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }

    /// Eight bytes, the lowest first.
    mutating func add(_ number: UInt64) {
        for place in 0..<8 { add(UInt8(truncatingIfNeeded: number >> (8 * UInt64(place)))) }
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        for byte in text.utf8 { add(byte) }
    }

    var mixed: UInt64 {
        var mixed = state
        mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
        mixed = (mixed ^ (mixed >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return mixed ^ (mixed >> 33)
    }
}
