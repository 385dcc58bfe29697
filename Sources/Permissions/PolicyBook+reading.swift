import JSONEnvelope

extension PolicyBook {
    public enum Bounds {
        public static let policies = 500
        public static let roles = 50
        public static let members = 1_000
        public static let cities = 500
    }

    /// Reads the members `policies`, `roles` and `city_fields` of an object; what is wrong is added to the reader's faults.
    public static func read(_ reader: inout FieldReader) -> PolicyBook {
        let roles = readRoles(&reader)
        let known = Set(roles.keys).union(BuiltInRole.allCases.map(\.rawValue))
        let items = reader.array("policies", count: 0...Bounds.policies, required: true)?.elements ?? []
        var (policies, seen): ([Policy], Set<String>) = ([], [])
        for (place, item) in items.enumerated() {
            var inner = FieldReader(item, path: reader.path(to: "policies[\(place)]"))
            if let policy = policy(&inner, roles: known) {
                if !seen.insert(policy.id).inserted { inner.fail("id", .duplicate, "is the id of another policy as well") }
                policies.append(policy)
            }
            reader.add(inner.finish())
        }
        let fields = reader.strings("city_fields", count: 1...10) ?? usualCityFields
        return PolicyBook(policies: policies, roles: roles, cityFields: fields)
    }

    private static func readRoles(_ reader: inout FieldReader) -> [String: [String]] {
        guard let node = reader.object("roles", members: Bounds.roles) else { return [:] }
        var inner = FieldReader(node, path: reader.path(to: "roles"))
        var roles: [String: [String]] = [:]
        for name in node.members.map(\.key) {
            if BuiltInRole(rawValue: name) != nil {
                inner.fail(name, .notAllowed, "is a role everybody has by what they do; name your own otherwise")
            }
            if name.isEmpty || name.unicodeScalars.count > 100 { inner.fail(name, .tooLong, "a role's name has 1 to 100 characters") }
            roles[name] = inner.strings(name, count: 0...Bounds.members) ?? []
        }
        reader.add(inner.finish())
        return roles
    }

    /// Nil: something it needs is wrong, which the reader knows.
    private static func policy(_ reader: inout FieldReader, roles: Set<String>) -> Policy? {
        let id = reader.words("id", length: 1...100, required: true)
        let effect = reader.choice("effect", of: Policy.Effect.allCases.map(\.rawValue), required: true).flatMap(Policy.Effect.init)
        let subject = subject(&reader, roles: roles)
        let actions = actions(&reader)
        let cities = cities(&reader, effect)
        guard let id, let effect, let subject, let actions else { return nil }
        return Policy(id, effect, actions, to: subject, cities: cities)
    }

    private static func subject(_ reader: inout FieldReader, roles: Set<String>) -> Policy.Subject? {
        guard let node = reader.object("to", members: 4, required: true) else { return nil }
        var inner = FieldReader(node, path: reader.path(to: "to"))
        let subject = Policy.Subject(user: inner.string("user"), team: inner.string("team"), role: inner.string("role"))
        let everyone = inner.bool("everyone")
        if let role = subject.role, !roles.contains(role) {
            inner.fail("role", .notFound, "is neither seller nor manager nor one of \"roles\": say there who has it")
        }
        if subject == .everyone, everyone != true {
            inner.fail("everyone", .missing, "name a user, a team or a role, or say \"everyone\": true")
        }
        if subject != .everyone, everyone != nil { inner.fail("everyone", .notAllowed, "stands alone") }
        reader.add(inner.finish())
        return subject
    }

    private static func actions(_ reader: inout FieldReader) -> Set<RecordAction>? {
        let known = RecordAction.allCases.map(\.rawValue)
        if !reader.tells("actions") { reader.fail("actions", .missing, "is required: one or more of \(known.joined(separator: ", "))") }
        guard let names = reader.strings("actions", count: 1...known.count) else { return nil }
        for (place, name) in names.enumerated() where RecordAction(rawValue: name) == nil {
            reader.fail("actions[\(place)]", .notAllowed, "must be one of \(known.joined(separator: ", "))")
        }
        return Set(names.compactMap(RecordAction.init))
    }

    private static func cities(_ reader: inout FieldReader, _ effect: Policy.Effect?) -> [City]? {
        guard let names = reader.strings("cities", count: 1...Bounds.cities) else { return nil }
        if effect == .deny { reader.fail("cities", .notAllowed, "is a list of what is within: such a policy allows") }
        for (place, name) in names.enumerated() where City(name) == nil { reader.fail("cities[\(place)]", .missing, "says nothing") }
        return names.compactMap { City($0) }
    }

    /// A book as it was kept.
    public init?(stored json: [UInt8]) {
        guard let root = try? JSONEnvelope(json, levels: 4, limits: .stored).root else { return nil }
        var reader = FieldReader(root)
        let book = Self.read(&reader)
        guard reader.finish().isEmpty else { return nil }
        self = book
    }
}

// MARK: - Writing

extension PolicyBook {
    /// As it is kept and shown: what `read` reads.
    public func write(to object: inout JSONWriter) {
        object.array("policies") { list in for policy in policies { list.object { policy.write(to: &$0) } } }
        object.object("roles") { inner in for (role, people) in roles.sorted(by: { $0.key < $1.key }) { inner.member(role, people) } }
        object.member("city_fields", cityFields)
    }

    public var json: [UInt8] { JSONWriter.object(capacity: 1_024) { write(to: &$0) } }
}

extension Policy {
    fileprivate func write(to object: inout JSONWriter) {
        object.member("id", id)
        object.object("to") { inner in
            if let user = subject.user { inner.member("user", user) }
            if let team = subject.team { inner.member("team", team) }
            if let role = subject.role { inner.member("role", role) }
            if subject == .everyone { inner.member("everyone", true) }
        }
        object.member("effect", effect.rawValue)
        object.member("actions", RecordAction.allCases.filter(actions.contains).map(\.rawValue))
        if let cities { object.member("cities", cities.map(\.name)) }
    }
}
