import Testing

@testable import kiteline

@Suite struct AddressTests {
    @Test(
        arguments: [
            ("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("0.0.0.0", "http://127.0.0.1:8080"),
            ("::", "http://[::1]:8080"), ("kiteline.local", "http://kiteline.local:8080"),
        ])
    func `the address that is printed can be opened`(host: String, url: String) {
        #expect(localURL(host: host, port: 8_080) == url)
    }

    @Test func `a link to the console is made for a key that is named`() throws {
        let command = try ConsoleCommand.parse(["--key", "kl_t_x", "--url", "http://kiteline.local/"])

        #expect(command.key == "kl_t_x" && command.url == "http://kiteline.local/")
    }
}
