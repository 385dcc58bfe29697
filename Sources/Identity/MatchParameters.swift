/// Is this someone we know? The body of the rule kind `match`: what is compared, what each agreement is worth, and from where on
/// two records are one customer.
///
/// ```yaml
/// method: fellegi_sunter          # or card
/// prior: { repeat_rate: 0.2, population: 50000 }
/// bands: { link: 7, review: 2 }   # bits
/// switchboard: 5
/// fields:
///   - { field: phone, compare: phone, levels: [{ at_least: 1, m: 0.85, u: 0.0000002 }] }
/// card: { phone: 40, name: 35, credit_code: 25, comparable: 35, review: 45, highlight: 75, link: 95 }
/// aliases: { 华电: 华东电力设备有限公司 }
/// ```
public struct MatchRules: Sendable, Hashable {
    public enum Method: String, Sendable, Hashable, CaseIterable {
        /// Bits of evidence, after Fellegi and Sunter (1969).
        case fellegiSunter = "fellegi_sunter"
        /// Points out of 100 (CID-01, I-05).
        case card
    }

    public var method: Method
    public var prior: MatchPrior
    public var bands: MatchBands
    /// A phone carried by more customers than this links nobody by itself.
    public var switchboard: Int
    public var fields: [FieldComparison]
    public var card: MatchCard
    /// Other names of companies, as people write them, to the name they stand for (CID-05).
    public var aliases: [String: String]

    public init(
        method: Method = .fellegiSunter, prior: MatchPrior = MatchPrior(), bands: MatchBands = MatchBands(), switchboard: Int = 5,
        fields: [FieldComparison] = FieldComparison.standard, card: MatchCard = MatchCard(), aliases: [String: String] = [:]
    ) {
        self.method = method
        self.prior = prior
        self.bands = bands
        self.switchboard = switchboard
        self.fields = fields
        self.card = card
        self.aliases = aliases
    }

    /// What holds for a tenant without match rules of its own.
    public static let standard = MatchRules()
}

/// How likely it is, before anything is compared, that a record and a customer are the same: λ = repeat rate ÷ customers.
public struct MatchPrior: Sendable, Hashable {
    /// Which share of the records that arrive belong to a customer already known; 0 < rate < 1.
    public var repeatRate: Double
    /// A tenant with fewer customers is treated as if it had this many: a young tenant must not take every likeness for identity.
    public var population: Int

    /// 0.2 ÷ 50,000 = 4e-6, that is −17.9 bits.
    public init(repeatRate: Double = 0.2, population: Int = 50_000) {
        self.repeatRate = repeatRate
        self.population = population
    }
}

/// From how many bits on something is done; P = 2^M ÷ (1 + 2^M).
public struct MatchBands: Sendable, Hashable {
    /// The same customer without asking: 7 bits are P ≥ .992.
    public var link: Double
    /// The suspected customer's owner gets it, and a person is asked.
    public var review: Double

    public init(link: Double = 7, review: Double = 2) {
        self.link = link
        self.review = review
    }
}

/// How one field is compared, and what each level of agreement says.
public struct FieldComparison: Sendable, Hashable {
    /// What a value is, and so how it is brought into form and how likeness is measured.
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case phone, company, person, email, text, code, date
        case creditCode = "credit_code"
    }

    /// A standard field of text.
    public var field: String
    public var compare: Comparison
    /// The closest first. What reaches none of them is a disagreement, with what is left of m and u.
    public var levels: [ComparisonLevel]
    /// Whether customers are looked for by this field, and its values counted: agreeing on a value that many customers carry says
    /// less, u(v) = max(u, (c_v − 1) ÷ N), c_v of N customers carrying it.
    public var finds: Bool

    public init(_ field: String, _ compare: Comparison, levels: [ComparisonLevel], finds: Bool = true) {
        self.field = field
        self.compare = compare
        self.levels = levels
        self.finds = finds
    }
}

/// How often values at least this alike are met with: among records of one customer, and among those of two.
public struct ComparisonLevel: Sendable, Hashable {
    /// Of likeness, 0…1; 1 is equality once both values are in form.
    public var atLeast: Double
    /// The share of pairs of one customer's records at this level.
    public var m: Double
    /// The share of pairs of different customers' records at this level.
    public var u: Double

    public init(atLeast: Double, m: Double, u: Double) {
        self.atLeast = atLeast
        self.m = m
        self.u = u
    }
}

/// The card of 40, 35 and 25 points (CID-01). What either side lacks is left out and the rest scaled to 100 (I-05).
public struct MatchCard: Sendable, Hashable {
    public var phone: Int
    /// Company's likeness × contact's likeness.
    public var name: Int
    public var creditCode: Int
    /// How many points must be comparable at all.
    public var comparable: Int
    /// Review from here on.
    public var review: Double
    /// Shown to the person who creates a customer above this, not at it (I-06).
    public var highlight: Double
    /// Automatic intake links from here on.
    public var link: Double

    public init(
        phone: Int = 40, name: Int = 35, creditCode: Int = 25, comparable: Int = 35, review: Double = 45, highlight: Double = 75,
        link: Double = 95
    ) {
        self.phone = phone
        self.name = name
        self.creditCode = creditCode
        self.comparable = comparable
        self.review = review
        self.highlight = highlight
        self.link = link
    }
}

extension FieldComparison {
    /// Orders of magnitude, written down and not fitted to any data set: one mobile number in five million passes to somebody else who
    /// also becomes a lead, one name of a company in ten thousand is another's too once its place and legal form are off.
    public static let standard: [FieldComparison] = [
        // +22.0 bits when equal, +8.3 one slip apart, −3.3 when they differ.
        FieldComparison("phone", .phone, levels: [.init(atLeast: 1, m: 0.85, u: 2e-7), .init(atLeast: 0.9, m: 0.05, u: 1.6e-4)]),
        // The whole name +15.6, its core +11.7 (both together +13.0), then alike +8.6, +4.9, 0.0; −4.6 when they differ.
        FieldComparison(
            "company", .company,
            levels: [
                .init(atLeast: 1, m: 0.5, u: 1e-5), .init(atLeast: 0.95, m: 0.3, u: 9e-5), .init(atLeast: 0.8, m: 0.08, u: 2e-4),
                .init(atLeast: 0.6, m: 0.06, u: 2e-3), .init(atLeast: 0.4, m: 0.02, u: 0.02),
            ]),
        // +8.4 and +4.6 bits. A name finds nobody: thousands are called 张伟.
        FieldComparison(
            "contact", .person, levels: [.init(atLeast: 1, m: 0.85, u: 0.0025), .init(atLeast: 0.8, m: 0.05, u: 0.002)], finds: false),
        // +19.6; one slip +11.6; another mailbox of the same company +6.6.
        FieldComparison(
            "email", .email,
            levels: [.init(atLeast: 1, m: 0.8, u: 1e-6), .init(atLeast: 0.8, m: 0.03, u: 1e-5), .init(atLeast: 0.5, m: 0.1, u: 1e-3)]),
        // Equal +19.9, and the same account whatever else is said; two different ones are never linked without a person.
        FieldComparison("credit_code", .creditCode, levels: [.init(atLeast: 1, m: 0.97, u: 1e-6)]),
    ]
}

/// What is wrong with match rules, and where.
public struct MatchFault: Sendable, Hashable {
    /// From the body's root: `fields`, `0`, `levels`.
    public let path: [String]
    /// A sentence.
    public let message: String

    public init(_ path: String..., message: String) {
        self.path = path
        self.message = message
    }
}

extension MatchRules {
    /// Everything that keeps these rules from being used; empty when they are sound.
    public var faults: [MatchFault] {
        var faults: [MatchFault] = []
        if !(prior.repeatRate > 0 && prior.repeatRate < 1) {
            faults.append(MatchFault("prior", "repeat_rate", message: "The repeat rate lies between 0 and 1, both excluded."))
        }
        if prior.population < 1 { faults.append(MatchFault("prior", "population", message: "The population is at least 1.")) }
        if bands.review > bands.link || !bands.review.isFinite || !bands.link.isFinite {
            faults.append(MatchFault("bands", message: "“review” begins no later than “link”."))
        }
        if switchboard < 1 { faults.append(MatchFault("switchboard", message: "At least one customer may carry a phone.")) }
        if fields.isEmpty { faults.append(MatchFault("fields", message: "At least one field is compared.")) }
        var seen: Set<String> = []
        for (place, field) in fields.enumerated() {
            if !seen.insert(field.field).inserted {
                faults.append(MatchFault("fields", "\(place)", "field", message: "“\(field.field)” is compared twice."))
            }
            if let message = field.fault { faults.append(MatchFault("fields", "\(place)", "levels", message: message)) }
        }
        return faults + card.faults
    }
}

extension FieldComparison {
    fileprivate var fault: String? {
        guard !levels.isEmpty else { return "At least one level says what agreement is." }
        guard levels.allSatisfy({ $0.atLeast > 0 && $0.atLeast <= 1 }) else { return "“at_least” lies above 0 and goes up to 1." }
        guard zip(levels, levels.dropFirst()).allSatisfy({ $0.atLeast > $1.atLeast }) else { return "The closest level comes first." }
        guard levels.allSatisfy({ $0.m > 0 && $0.u > 0 }) else { return "m and u are above 0." }
        guard levels.reduce(0, { $0 + $1.m }) < 1, levels.reduce(0, { $0 + $1.u }) < 1 else {
            return "The levels' m, and their u, leave something for disagreement: each sum is below 1."
        }
        return nil
    }
}

extension MatchCard {
    fileprivate var faults: [MatchFault] {
        var faults: [MatchFault] = []
        if phone + name + creditCode != 100 || phone < 0 || name < 0 || creditCode < 0 {
            faults.append(MatchFault("card", message: "The points of phone, name and credit_code add up to 100."))
        }
        if !(0...100).contains(comparable) { faults.append(MatchFault("card", "comparable", message: "0 to 100 points.")) }
        if !(0 <= review && review <= highlight && highlight <= link && link <= 100) {
            faults.append(MatchFault("card", message: "0 ≤ review ≤ highlight ≤ link ≤ 100."))
        }
        return faults
    }
}
