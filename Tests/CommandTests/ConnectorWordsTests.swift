import ArgumentParser
import Foundation
import Testing

@testable import kiteline

@Suite struct ConnectorWordsTests {
    @Test(arguments: [#"{"access_token":"t=1","secret":"SEC"}"#, "access_token=t=1\nsecret=SEC\n", "access_token=t=1\r\nsecret=SEC"])
    func `secrets are read from JSON or from lines`(_ text: String) throws {
        #expect(try ConnectorWords.secrets(Data(text.utf8)) == ["access_token": "t=1", "secret": "SEC"])
    }

    @Test(arguments: ["", "  \n", "SECverysecret", #"{"a":5}"#, #"{"a":"SECverysecret""#])
    func `what holds none is refused, and never quoted`(_ text: String) {
        let error = #expect(throws: ValidationError.self) { try ConnectorWords.secrets(Data(text.utf8)) }
        #expect(error?.message.contains("SECverysecret") == false)
    }

    @Test func `settings are texts, numbers or lists, as the API takes them`() throws {
        let settings = try ConnectorWords.settings(["url=https://a/b?c=d", "port=465", "to=1,2", "agent_id=7"])

        #expect(settings["url"] as? String == "https://a/b?c=d")
        #expect(settings["port"] as? Int == 465 && settings["agent_id"] as? Int == 7)
        #expect(settings["to"] as? [String] == ["1", "2"])
        #expect(throws: ValidationError.self) { try ConnectorWords.settings(["port=many"]) }
        #expect(throws: ValidationError.self) { try ConnectorWords.settings(["=x"]) }
    }
}
