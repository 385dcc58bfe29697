import Tenancy
import Testing

@Suite struct KeyActorTests {
    @Test(arguments: [
        ("key:7", KeyActor(key: 7)), ("key:12 of wang", KeyActor(key: 12, user: "wang")),
        ("key:1 of the head of east", KeyActor(key: 1, user: "the head of east")),
    ])
    func `who used a key is read as it was written`(text: String, actor: KeyActor) {
        #expect(KeyActor(text) == actor)
        #expect(actor.description == text)
    }

    @Test(arguments: ["guards", "platform", "", "key:", "key:x", "key:7 ", "the key:7", "key:99999999999999999999"])
    func `who used none is nobody's key`(text: String) {
        #expect(KeyActor(text) == nil)
    }
}
