import Sampling
import Testing

@testable import Identity

@Suite struct FormTests {
    // MARK: Phones

    @Test(arguments: [
        ("138 0013 8000", "+8613800138000", Phone.Kind.mobile), ("+86-138-0013-8000", "+8613800138000", .mobile),
        ("008613800138000", "+8613800138000", .mobile), ("8613800138000", "+8613800138000", .mobile),
        ("１３８００１３８０００", "+8613800138000", .mobile), ("010-62345678", "+861062345678", .landline),
        ("(0571) 8765432", "+865718765432", .landline), ("+86 10 6234 5678", "+861062345678", .landline),
        ("400-820-8820", "4008208820", .service), ("95588", "95588", .service), ("+1 310 246 1501", "+13102461501", .foreign),
        ("310/246-1501", "3102461501", .other), ("62345678", "62345678", .other),
    ])
    func `phones come into one form`(text: String, number: String, kind: Phone.Kind) throws {
        let phone = try #require(Phone(text))
        #expect(phone.number == number)
        #expect(phone.kind == kind)
    }

    @Test(arguments: ["", "unknown", "1234", "00000000000", "12345678901", "010-123", "123456789012345678901"])
    func `what can't be a phone is none`(text: String) {
        #expect(Phone(text) == nil)
    }

    @Test func `an extension is kept and not compared`() throws {
        let phone = try #require(Phone("021-61234567转8012"))

        #expect(phone.number == "+862161234567")
        #expect(phone.extensionDigits == "8012")
    }

    @Test func `a field may hold several numbers`() {
        #expect(Phone.all(in: "13800138000/13900139000").map(\.number) == ["+8613800138000", "+8613900139000"])
        #expect(Phone.all(in: "310/246-1501").map(\.number) == ["3102461501"])
    }

    // MARK: Credit codes

    @Test(arguments: ["91330100799655058B", "914403001922038216", "91110000802100433B", "9144 0300 1922 038216", "91330100799655058b"])
    func `a credit code's check digit holds`(text: String) {
        #expect(CreditCode(text) != nil)
    }

    @Test func `any single wrong digit and any swap of neighbours is noticed`() {
        let code = Array("91330100799655058B")
        for place in code.indices {
            for other in "0123456789ABCDEFGHJKLMNPQRTUWXY" where other != code[place] {
                var wrong = code
                wrong[place] = other
                #expect(CreditCode(String(wrong)) == nil)
            }
            guard place + 1 < code.count, code[place] != code[place + 1] else { continue }
            var swapped = code
            swapped.swapAt(place, place + 1)
            #expect(CreditCode(String(swapped)) == nil)
        }
    }

    @Test(arguments: ["91330100799655O58B", "9133010079965505", "", "统一社会信用代码统一社会信用代码统一"])
    func `what can't be a credit code is none`(text: String) {
        #expect(CreditCode(text) == nil)
    }

    // MARK: Companies

    @Test(arguments: [
        ("深圳市明远科技有限公司", "明远科技", "深圳", nil as String?), ("明远科技（深圳）有限公司", "明远科技", "深圳", nil),
        ("明远科技(深圳)有限公司上海分公司", "明远科技", "深圳", "上海"), ("广东省深圳市南山区明远科技股份有限公司", "明远科技", "深圳", nil),
        ("阿里巴巴集团控股有限公司", "阿里巴巴", nil, nil), ("北京医院", "北京医院", nil, nil), ("北京协和医院", "协和医院", "北京", nil),
        ("中国移动上海分公司", "中国移动", nil, "上海"), ("万  科Ａ", "万科a", nil, nil), ("内蒙古自治区呼和浩特市蒙牛乳业有限责任公司", "蒙牛乳业", "呼和浩特", nil),
        ("China Vanke Co., Ltd.", "chinavanke", nil, nil), ("常州途畅互联网科技有限公司合肥分公司", "途畅互联网科技", "常州", "合肥"),
    ])
    func `a company's name gives up its place, legal form and branch`(name: String, core: String, place: String?, branch: String?) throws {
        let company = try #require(CompanyName(name))

        #expect(company.core == core)
        #expect(company.region.map { $0.city ?? $0.province } == place)
        #expect(company.branch == branch)
    }

    @Test func `two firms that share only a legal form have nothing in common`() throws {
        // The failure of tokenising by spaces: a name is one token, and the legal form the other.
        let (a, b) = (try #require(CompanyName("阿里巴巴集团控股有限公司")), try #require(CompanyName("明远科技集团控股有限公司")))
        #expect(a.likeness(to: b) == 0)
        #expect(a.likeness(to: try #require(CompanyName("阿里巴巴"))) == 0.95)
    }

    @Test func `places, branches and trades make names less alike`() throws {
        func likeness(_ a: String, _ b: String) throws -> Double { try #require(CompanyName(a)).likeness(to: try #require(CompanyName(b))) }

        #expect(try likeness("深圳市明远科技有限公司", "深圳市明远科技有限公司") == 1)
        #expect(try likeness("深圳市明远科技有限公司", "广东明远科技有限公司") == 0.95)
        #expect(try likeness("深圳市明远科技有限公司", "杭州明远科技有限公司") == 0.475)
        #expect(try likeness("明远科技有限公司", "明远科技有限公司上海分公司") == 0.95 * 0.9)
        #expect(try likeness("明远科技有限公司", "恒达科技有限公司") < 0.2)
        #expect(try likeness("万科", "万科企业") == 0.7)
    }

    // MARK: People and mail

    @Test(arguments: [
        ("张 伟", "张伟"), ("张伟先生", "张伟"), ("Dr. John SMITH", "john smith"), ("Smith, John", "john smith"), ("李总", "李"),
    ])
    func `people lose their titles`(name: String, text: String) throws {
        #expect(try #require(PersonName(name)).text == text)
    }

    @Test(arguments: [
        ("小明", "王", "王小明"), (" 娜娜 ", "欧阳", "欧阳娜娜"), ("John", "Smith", "John Smith"), ("Peter", "王", "Peter 王"), ("", "王", "王"),
        ("John", " ", "John"), ("", "", ""),
    ])
    func `a name in two parts is joined as people write it`(given: String, family: String, name: String) {
        #expect(PersonName.whole(given: given, family: family) == name)
    }

    @Test func `a surname with a title may be anyone of that name`() throws {
        #expect(try #require(PersonName("张总")).likeness(to: try #require(PersonName("张伟"))) == 0.8)
        #expect(try #require(PersonName("张总")).likeness(to: try #require(PersonName("张经理"))) == 0.8)
        #expect(try #require(PersonName("李总")).likeness(to: try #require(PersonName("张伟"))) == 0)
    }

    @Test func `an address is folded, and its dots count except where the provider passes over them`() throws {
        #expect(EmailAddress("Li.Wei@Example.COM")?.description == "li.wei@example.com")
        #expect(EmailAddress("li.wei+crm@gmail.com")?.description == "liwei@gmail.com")
        for wrong in ["", "a", "a@b", "a@@b.c", "@b.c", "a@b..c"] { #expect(EmailAddress(wrong) == nil) }
        let (a, b) = (try #require(EmailAddress("li@mingyuan.cn")), try #require(EmailAddress("wang@mingyuan.cn")))
        #expect(a.likeness(to: b) == 0.5)
        #expect(try #require(EmailAddress("li@qq.com")).likeness(to: try #require(EmailAddress("wang@qq.com"))) == 0)
    }

    // MARK: Any text

    /// What is in form stays as it is, likeness is the same both ways and 1 to oneself, and no text stops the reader.
    @Test(arguments: 0..<200) func `forms are stable whatever is written`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        let pieces = [
            "深圳", "市", "明远", "科技", "有限公司", "(", ")", "（", "分公司", "集团", "Ａ", " ", "13800138000", "转", "+86", "@", ".", "qq.com", "ﬀ", "İ",
            "\u{200B}", "e\u{301}", "㈱", "王", "先生", "-", "９", "\u{1F600}", "ß", "91330100799655058B",
        ]
        func text() -> String { (0..<Int.random(in: 0...8, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined() }
        let (one, other) = (text(), text())

        for comparison in FieldComparison.Comparison.allCases {
            let (a, b) = (Form.forms(of: one, as: comparison), Form.forms(of: other, as: comparison))
            for form in a {
                #expect(form.likeness(to: form) ?? 0 >= 0.8)
                for other in b {
                    let likeness = form.likeness(to: other)
                    #expect((0...1).contains(likeness ?? 0))
                    #expect(likeness == other.likeness(to: form), "\(form) \(other)")
                }
            }
        }
        #expect(Folding.folded(String(Folding.folded(one))) == Folding.folded(one))
    }
}
