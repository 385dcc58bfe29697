import Calendars
import Console
import Identity
import JSONEnvelope
import Permissions
import SalesModel
import Testing

/// What browsers send, and what people write of calendars, permissions and themselves.
@Suite struct PeopleFuzzTests {
    @Test(arguments: Fuzz.seeds)
    func `forms, cookies and languages are read or refused`(seed: UInt64) {
        Fuzz.run("form", seed, texts: ["csrf=a%20b&reason=x+y&percent=5&empty=", "q=%E5%8C%97&for=acme"], words: ["%", "%00", "&&", "=="]) {
            text, _ in
            guard let form = Form(text) else { return }
            for name in ["csrf", "reason", "q", "for"] where form.words(name) != nil { #expect(form.has(name), "(seed \(seed))") }
        }
        Fuzz.run("cookies", seed, texts: ["kl_session=abc; kl_language=zh", "a=1;b=2; a=3"], words: [";", "=", "\"", " "]) { text, _ in
            let jar = CookieJar(String(decoding: text, as: UTF8.self))
            _ = (jar["kl_session"], jar["a"])
        }
        Fuzz.run("language", seed, texts: ["zh-CN,zh;q=0.9,en;q=0.8", "*;q=0.1"], words: [";q=", ",", "1e999", "nan", "-1"]) { text, _ in
            _ = Language(chosen: nil, accepted: String(decoding: text, as: UTF8.self))
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `days, hours, numbers and addresses are read to what they were, or refused`(seed: UInt64) {
        Fuzz.run("days", seed, texts: ["2026-02-28", "2024-02-29", "9999-12-31"], words: ["-", "00", "99999999999999999999"]) { text, _ in
            let text = String(decoding: text, as: UTF8.self)
            if let day = CivilDate(text) { #expect(day.description == text, "(seed \(seed))") }
        }
        Fuzz.run("hours", seed, texts: ["09:00-12:00", "00:00-24:00"], words: [":", "-", "24:00", "99"]) { text, _ in
            _ = DayHours([String(decoding: text, as: UTF8.self), "13:00-18:00"])
        }
        let forms = ["+86 138-0013-8000", "010-8888 6666 转 8", "li.fang@example.com.cn", "91110000MA01ABCD9X"]
        Fuzz.run("forms", seed, texts: forms, words: ["+", "@", ".", "ext", "\u{3000}", "０"]) { text, _ in
            let text = String(decoding: text, as: UTF8.self)
            // What was read reads itself.
            if let mail = EmailAddress(text) { #expect(EmailAddress(mail.description) == mail, "\(text) (seed \(seed))") }
            if let code = CreditCode(text) { #expect(CreditCode(code.description) == code, "\(text) (seed \(seed))") }
            _ = Phone(text)
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `permissions are read or each fault is named`(seed: UInt64) {
        let policies =
            #"{"policies":[{"id":"p1","effect":"allow","actions":["lead.query"],"roles":["seller"],"own":true}],"roles":{"boss":["u1"]},"city_fields":["city"]}"#
        Fuzz.run("policies", seed, texts: [policies], words: ["\"*\"", "[]", "{}", "null", "\"deny\"", "\"p1\""]) { text, _ in
            guard let envelope = try? JSONEnvelope(text, levels: 8) else { return }
            var reader = FieldReader(envelope.root)
            _ = PolicyBook.read(&reader)
            #expect(reader.finish().allSatisfy { !$0.message.isEmpty })
        }
    }
}
