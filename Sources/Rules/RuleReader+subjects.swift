import SalesModel

/// What a rule set that speaks of several subjects may read.
struct SubjectScope {
    /// Of leads: the tenant's.
    let lead: FieldCatalogue

    func catalogue(_ subject: SubjectType) -> FieldCatalogue { .of(subject, lead: lead) }

    func conditions(_ subject: SubjectType, hasStart: Bool = false) -> ConditionScope {
        ConditionScope(
            catalogue: catalogue(subject), isScored: true,
            events: EventScope(catalogue: .standard, subject: subject, hasStart: hasStart))
    }
}

extension RuleReader {
    /// A field of the catalogue, of one of the types.
    func field(of catalogue: FieldCatalogue, types: Set<FieldType>) -> Field? {
        guard let name = text(limit: 64) else { return nil }
        guard let field = catalogue[name] else {
            let guess = Self.closest(to: name, among: catalogue.names).map { "did you mean “\($0)”?" }
            let fitting = catalogue.names.filter { catalogue[$0].map { types.contains($0.type) } ?? false }
            fault(.unknownField, "There is no field “\(name)”; \(guess ?? "possible: \(fitting.joined(separator: ", ")).")")
            return nil
        }
        guard types.contains(field.type) else {
            fault(
                .wrongType,
                "“\(name)” is a \(field.type.rawValue); here must be a field of \(types.map(\.rawValue).sorted().joined(separator: " or "))."
            )
            return nil
        }
        return field
    }

    /// `100%`
    func percent(in range: ClosedRange<Int> = 1...1_000) -> Int? {
        guard case .scalar(let raw, _) = node.content, raw.last == "%", let percent = Int(raw.dropLast()), range.contains(percent) else {
            fault(.wrongType, "Here must be a part of the budget from \(range.lowerBound)% to \(range.upperBound)%, such as 100%.")
            return nil
        }
        return percent
    }

    func choices<Choice: RawRepresentable & CaseIterable & Hashable>(_ type: Choice.Type, limit: Int) -> [Choice]?
    where Choice.RawValue == String {
        guard let items = itemsOrOne(limit: limit) else { return nil }
        if items.isEmpty { fault(.empty, "Name at least one of: \(Choice.allCases.map(\.rawValue).joined(separator: ", ")).") }
        let choices = items.map { $0.choice(type) }
        items.refuseRepeated(choices.map { $0?.rawValue })
        return choices.isEmpty || choices.contains { $0 == nil } ? nil : choices.compactMap { $0 }
    }

    func isWord(_ word: String) -> Bool {
        if case .scalar(word, _) = node.content { true } else { false }
    }
}

extension [RuleReader] {
    /// Names that stand for one thing stand once.
    func refuseRepeated(_ names: [String?]) {
        var first: [String: Int] = [:]
        for (place, name) in names.enumerated() {
            guard let name else { continue }
            if let earlier = first[name] {
                self[place].fault(
                    .duplicate, "“\(name)” is there already, as number \(earlier + 1) of the list; names must tell them apart.")
            } else {
                first[name] = place
            }
        }
    }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
    /// All of them, to be told to people.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
