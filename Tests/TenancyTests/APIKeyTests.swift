import Testing

@testable import Tenancy

@Suite struct APIKeyTests {
    private let chance = (0..<32).map { UInt8($0 * 8) }

    @Test func `a key carries its role and all of its chance, and reads back the same`() throws {
        let key = APIKey(role: .operator, chance: chance)

        #expect(key.secret == "kl_o_AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg")
        #expect(key.secret.count == 48)
        let read = try #require(APIKey(key.secret))
        #expect(read.role == .operator)
        #expect(read.hash == key.hash)
    }

    @Test func `keys that differ in one bit have nothing in common once hashed`() {
        var other = chance
        other[31] ^= 1

        let hashes = [chance, other].map { APIKey(role: .tenant, chance: $0).hash.bytes }

        #expect(hashes[0] != hashes[1])
        #expect(hashes.allSatisfy { $0.count == 32 })
    }

    @Test func `a printed key shows no secret`() {
        let key = APIKey(role: .platform, chance: chance)

        #expect("\(key)" == "kl_p_AAgQ…")
        #expect(String(reflecting: key) == "kl_p_AAgQ…")
    }

    @Test(arguments: [
        "", "kl_t_", "kl_x_AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg", "kl_tAAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pgxx",
        "KL_t_AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg", "kl_t_AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8P=",
        "kl_t_AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8PgA",
        "kl_t_中AgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8P",
    ])
    func `what has not the shape of a key is none`(_ text: String) {
        #expect(APIKey(text) == nil)
    }

    @Test func `the digest is SHA-256`() {
        let digest = sha256Digest(of: Array("abc".utf8)).map { String($0, radix: 16) }.map { $0.count == 1 ? "0" + $0 : $0 }.joined()

        #expect(digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}

@Suite struct RoleTests {
    @Test func `each role may do what the one below it may`() {
        let table = Role.allCases.map { role in Role.allCases.map { role.includes($0) } }

        #expect(table == [[true, false, false], [true, true, false], [true, true, true]])
    }
}

@Suite struct SlugTests {
    @Test(arguments: ["a", "acme", "acme-2", "0", String(repeating: "x", count: 63)])
    func `a short lower-case name is a slug`(_ text: String) {
        #expect(Slug(text)?.description == text)
    }

    @Test(arguments: ["", "-a", "Acme", "a_b", "a b", "中", "a/b", String(repeating: "x", count: 64)])
    func `anything else is not`(_ text: String) {
        #expect(Slug(text) == nil)
    }
}
