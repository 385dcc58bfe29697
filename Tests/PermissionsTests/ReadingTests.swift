import Permissions
import Testing

@Suite struct ReadingTests {
    private static let whole = """
        {"policies":[
          {"id":"ro","to":{"team":"east","role":"区域经理"},"effect":"deny","actions":["opportunity.create","opportunity.edit"]},
          {"id":"sh","to":{"everyone":true},"effect":"allow","actions":["lead.query"],"cities":["上海","杭州"]}],
         "roles":{"区域经理":["mia"]},"city_fields":["所在城市","city"]}
        """

    @Test func `a book is read as it is written, and written as it is read`() throws {
        let (book, faults) = try read(Self.whole)

        #expect(faults == [])
        #expect(book.policies.map(\.id) == ["ro", "sh"] && book.cityFields == ["所在城市", "city"])
        #expect(book.policies[0].subject == .init(team: "east", role: "区域经理"))
        #expect(PolicyBook(stored: book.json) == book)
        #expect(PolicyBook(stored: PolicyBook.empty.json) == .empty)
    }

    @Test(arguments: [
        ("{}", ["policies missing"]),
        (
            #"{"policies":[{}]}"#,
            ["policies[0].id missing", "policies[0].effect missing", "policies[0].to missing", "policies[0].actions missing"]
        ),
        (
            #"{"policies":[{"id":"a","to":{},"effect":"allow","actions":["lead.create"]}]}"#, ["policies[0].to.everyone missing"]
        ),
        (
            #"{"policies":[{"id":"a","to":{"user":"x","everyone":true},"effect":"allow","actions":["lead.create"]}]}"#,
            ["policies[0].to.everyone not_allowed"]
        ),
        (
            #"{"policies":[{"id":"a","to":{"role":"king"},"effect":"allow","actions":["lead.create"]}]}"#,
            ["policies[0].to.role not_found"]
        ),
        (
            #"{"policies":[{"id":"a","to":{"user":"x"},"effect":"deny","actions":["lead.fly"],"cities":["上海"]}]}"#,
            ["policies[0].actions[0] not_allowed", "policies[0].cities not_allowed"]
        ),
        (
            #"{"policies":[{"id":"a","to":{"user":"x"},"effect":"allow","actions":["lead.edit"],"cities":[" "]}]}"#,
            ["policies[0].cities[0] missing"]
        ),
        (
            #"{"policies":[{"id":"a","to":{"user":"x"},"effect":"allow","actions":["lead.edit"]},{"id":"a","to":{"user":"y"},"effect":"deny","actions":["lead.edit"],"until":1}]}"#,
            ["policies[1].id duplicate", "policies[1].until unknown_field"]
        ), (#"{"policies":[],"roles":{"seller":["x"]}}"#, ["roles.seller not_allowed"]),
        (#"{"policies":[],"roles":{"a":"x"},"city_fields":[]}"#, ["roles.a wrong_type", "city_fields too_short"]),
    ])
    func `everything that is wrong is named with its place`(json: String, faults: [String]) throws {
        #expect(try read(json).faults.sorted() == faults.sorted())
    }
}
