/// Whom a lead is taken for by one version of the rules that say so.
public struct Identity: Sendable, Hashable {
    public enum Standing: Sendable, Hashable {
        /// It is part of a customer that was there before it.
        case joined
        /// It is a customer of its own for now, and a person is asked who else it may be.
        case asked
        /// It is a customer of its own.
        case own
    }

    /// The customer's name.
    public let customer: String
    public let standing: Standing
    /// Whom it may be, where a person is asked.
    public let suspect: String?
    /// Who has that customer, or the one it may be.
    public let claim: OwnerClaim?

    public init(_ customer: String, _ standing: Standing, suspect: String? = nil, claim: OwnerClaim? = nil) {
        self.customer = customer
        self.standing = standing
        self.suspect = suspect
        self.claim = claim
    }
}

/// Whom a lead is taken for by each version that is live or being tried.
public struct Identities: Sendable {
    /// The live version's answer first.
    public let answers: [Identity]
    /// The name it has as a customer of its own, whether or not it becomes one.
    public let own: String
    /// Which of the answers each variant of the rules gives; a variant beyond these gives the first.
    private let places: [Int]

    public init(_ answers: [Identity], own: String, places: [Int]) {
        self.answers = answers
        self.own = own
        self.places = places
    }

    /// A lead about whom no version says anything of its own.
    public init(_ customer: String, claim: OwnerClaim?) {
        self.init([Identity(customer, .joined, claim: claim)], own: customer, places: [])
    }

    /// Which answer a variant gives.
    func place(under variant: Int) -> Int { variant < places.count ? places[variant] : 0 }

    subscript(variant: Int) -> Identity { answers[place(under: variant)] }
}
