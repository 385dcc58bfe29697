import Permissions
import Testing

@Suite struct CityTests {
    @Test(arguments: [
        ("上海", "上海"), (" 上海市\n", "上海"), ("\u{3000}上海\u{3000}", "上海"), ("Hangzhou", "hangzhou"), ("市", "市"), ("x市", "x市"),
        ("津市市", "津市"),
    ])
    func `two writings of one city are one`(written: String, key: String) throws {
        #expect(try #require(City(written)).key == key)
    }

    @Test func `what says nothing is no city`() {
        #expect(City("") == nil && City(" \t\u{3000}") == nil)
    }

    @Test(arguments: [
        (#"{"city":"上海"}"#, "上海"), (#"{"城市":"南京","city":" "}"#, "南京"), (#"{"城市":"南京","city":"上海"}"#, "上海"), (#"{"city":7}"#, nil),
        (#"{"city":["上海"]}"#, nil), (#"{"town":"上海"}"#, nil), ("[]", nil),
    ])
    func `a record's city is the first of its city fields that holds a text`(fields: String, city: String?) {
        #expect(City(in: fields.utf8, named: PolicyBook.usualCityFields)?.name == city)
    }
}
