import Connectors
import Foundation
import JSONEnvelope
import Messages
import Records
import Synchronization
import Tenancy

extension API {
    static let connectorEndpoints = [
        Endpoint(.get, "/v1/connectors", .tenant(.operator), answer: listConnectors),
        Endpoint(.get, "/v1/connectors/{name}", .tenant(.operator), answer: readConnector),
        Endpoint(.put, "/v1/connectors/{name}", .tenant(.operator), answer: putConnector),
        Endpoint(.delete, "/v1/connectors/{name}", .tenant(.operator), answer: deleteConnector),
        Endpoint(.post, "/v1/connectors/{name}/check", .tenant(.operator), answer: checkConnector),
        Endpoint(.get, "/v1/messages", takesQuery: true, answer: listMessages),
    ]
}

/// `GET /v1/connectors`
@Sendable private func listConnectors(_ call: Call) async throws -> Answer {
    let now = Date()
    return .page(Page(items: try await call.records.connectors(of: call.tenant.id), next: nil)) { $0.json(now: now) }
}

/// `GET /v1/connectors/{name}`
@Sendable private func readConnector(_ call: Call) async throws -> Answer {
    guard let record = try await call.records.connector(try call.externalID(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, record.json(now: Date()))
}

/// `PUT /v1/connectors/{name}`: creates or replaces it. Secrets are taken and never given back.
@Sendable private func putConnector(_ call: Call) async throws -> Answer {
    let name = call.parameters[0]
    guard name.wholeMatch(of: /[a-z0-9][a-z0-9._-]{0,62}/) != nil else {
        throw Problem.invalid([
            FieldError("name", .badFormat, "must be 1 to 63 lower-case letters, digits, dots, hyphens and underscores")
        ])
    }
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    _ = try call.json(body, levels: 3)
    guard let box = call.api.secrets else {
        throw Problem(
            503, "no_secret_key", "This service keeps no secrets yet",
            detail:
                "KITELINE_SECRET_KEY is not set. Whoever runs the service sets it: 32 random bytes in Base64, the same for every process.")
    }
    let made = Mutex<String?>(nil)
    let kept = try await call.records.put(connector: name, of: call.tenant.id, by: call.actor) { before in
        let read = try ConnectorReading(policy: call.api.outgoing, before: before).read(try call.json(body, levels: 3).root)
        made.withLock { $0 = read.made }
        var wish = read.wish
        if let secrets = read.secrets {
            let plain = try JSONEncoder().encode(secrets)
            wish.secrets = box.seal(
                Array(plain), place: ConnectorSecrets.place(name, of: call.tenant.id), nonce: (0..<12).map { _ in .random(in: 0...255) })
        }
        return wish
    }
    guard let (isNew, record) = kept else {
        throw Problem(
            409, "too_many_connectors", "The tenant has \(Records.connectorsOfOne) connectors", detail: "Delete one first.")
    }
    return Answer(isNew ? 201 : 200, record.json(now: Date(), shown: made.withLock(\.self)))
}

/// `DELETE /v1/connectors/{name}`
@Sendable private func deleteConnector(_ call: Call) async throws -> Answer {
    let (reason, _) = try await call.wish()
    guard try await call.records.delete(connector: try call.externalID(), of: call.tenant.id, by: call.actor, reason: reason) else {
        throw Problem.notFound
    }
    return .noContent
}

/// `POST /v1/connectors/{name}/check`: what is wrong with it, in words, without a message to anybody.
@Sendable private func checkConnector(_ call: Call) async throws -> Answer {
    let (name, tenant) = (try call.externalID(), call.tenant.id)
    guard let record = try await call.records.connector(name, of: tenant), let kept = try await call.records.keptSecrets(of: name, tenant)
    else { throw Problem.notFound }
    var findings: [ConnectorFinding] = []
    if let account = record.account(kept.secrets, call.api.secrets, of: tenant) {
        let courier = Courier(call.api.outgoing)
        findings = await courier.check(account)
        await courier.close()
    } else {
        findings = [
            ConnectorFinding(
                .secrets, false,
                call.api.secrets == nil
                    ? "KITELINE_SECRET_KEY is not set, so its secrets cannot be opened."
                    : "Its secrets were sealed under another KITELINE_SECRET_KEY; put the connector again with its secrets.")
        ]
    }
    findings.append(kept.finding)
    return Answer(200, record.json(checked: findings, now: Date()))
}

extension ConnectorRecord {
    /// Nil when its secrets cannot be opened.
    fileprivate func account(_ sealed: [UInt8], _ box: SecretBox?, of tenant: TenantID) -> ConnectorAccount? {
        guard let opened = box?.open(sealed, place: ConnectorSecrets.place(name, of: tenant)),
            let values = try? JSONDecoder().decode([String: String].self, from: Data(opened))
        else { return nil }
        return ConnectorAccount(name: name, kind: kind, settings: settings, secrets: values)
    }

    /// As it stands, and what was found: good as a whole only if nothing is bad.
    fileprivate func json(checked findings: [ConnectorFinding], now: Date) -> [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            object.member("connector", json: json(now: now))
            let isBad = findings.contains { $0.isGood == false }
            let isKnown = findings.contains { $0.subject == .login && $0.isGood == true }
            object.member("ok", isBad ? false : isKnown ? true : nil)
            object.array("findings") { list in
                for finding in findings {
                    list.object { item in
                        item.member("what", finding.subject.rawValue)
                        item.member("ok", finding.isGood)
                        item.member("words", finding.words)
                    }
                }
            }
        }
    }
}

extension KeptSecrets {
    fileprivate var finding: ConnectorFinding {
        guard let last else { return ConnectorFinding(.lately, nil, "No message has been sent by it yet.") }
        guard let code = last.code else {
            return ConnectorFinding(.lately, true, "Its last message was taken at \(RFC3339.text(last.at)).")
        }
        return ConnectorFinding(
            .lately, false, "Its last message was not taken at \(RFC3339.text(last.at)) (\(code)): \(last.error ?? "no words").")
    }
}

/// `GET /v1/messages`
@Sendable private func listMessages(_ call: Call) async throws -> Answer {
    let (state, notification, cursor, limit) = try call.query {
        ($0.choice("state", of: MessageState.self), $0.integer("notification_id", in: 1...Int.max), $0.cursor(), $0.limit())
    }
    let page = try await call.records.messages(
        of: call.tenant.id, state: state, notification: notification.map(Int64.init), before: cursor ?? .max, limit: limit)
    return .page(page) { $0.json }
}

/// What a `PUT` says of a connector.
private struct ConnectorReading {
    let policy: OutgoingPolicy
    let before: ConnectorRecord?

    struct Read {
        var wish: ConnectorWish
        /// Nil: those it has stay.
        var secrets: [String: String]?
        /// A secret that was made for it, to be shown this once.
        var made: String?
    }

    /// - Throws: `Problem` with everything that is wrong.
    func read(_ root: JSONNode) throws -> Read {
        var reader = FieldReader(root)
        let read = read(&reader)
        let faults = reader.finish()
        guard faults.isEmpty, let read else { throw Problem.invalid(faults) }
        return read
    }

    private func read(_ reader: inout FieldReader) -> Read? {
        let kind = reader.choice("kind", of: ConnectorKind.allCases.map(\.rawValue), required: true).flatMap(ConnectorKind.init)
        let place = reader.integer("place", in: 0...1_000) ?? 100
        let isEnabled = reader.bool("enabled") ?? true
        let reason = reader.words("reason", length: 1...500, required: true)
        let settingsNode = reader.object("settings", members: 30)
        let secretsNode = reader.object("secrets", members: 10)
        guard let kind, let reason else { return nil }
        var settings = ConnectorSettings()
        if let settingsNode {
            var inner = FieldReader(settingsNode, path: "settings")
            settings = self.settings(&inner)
            reader.add(inner.finish())
        }
        check(settings, of: kind, &reader)
        let (secrets, made) = self.secrets(secretsNode, of: kind, at: settings, &reader)
        let names = secrets.map { $0.keys.sorted() } ?? before?.secretNames ?? []
        return Read(
            wish: ConnectorWish(
                kind: kind, place: place, isEnabled: isEnabled, settings: settings, secrets: nil, secretNames: names, reason: reason),
            secrets: secrets, made: made)
    }

    private func settings(_ reader: inout FieldReader) -> ConnectorSettings {
        var settings = ConnectorSettings()
        settings.url = reader.string("url", length: 1...2_000)
        settings.language = reader.choice("language", of: ["zh", "en"])
        settings.to = reader.strings("to", count: 1...20)
        settings.perMinute = reader.integer("per_minute", in: 1...1_000)
        settings.creator = reader.string("creator")
        settings.agent = reader.integer("agent_id", in: 1...Int(Int32.max))
        settings.numberField = reader.string("number_field", length: 1...100)
        settings.textField = reader.string("text_field", length: 1...100)
        settings.idField = reader.string("id_field", length: 1...100)
        settings.successField = reader.string("success_field", length: 1...100)
        settings.successValue = reader.string("success_value", length: 1...100)
        settings.host = reader.string("host", length: 1...253)
        settings.port = reader.integer("port", in: 1...65_535)
        settings.security = reader.choice("security", of: ["tls", "starttls", "none"])
        settings.from = reader.string("from", length: 3...254)
        settings.events = reader.strings("events", count: 1...50, length: 1...100)
        return settings
    }

    /// What its kind needs, and that it leads to no internal network.
    private func check(_ settings: ConnectorSettings, of kind: ConnectorKind, _ reader: inout FieldReader) {
        if let url = settings.url {
            if let fault = policy.fault(in: url) { reader.fail("settings.url", .notAllowed, fault) }
            if kind == .mail { reader.fail("settings.url", .notAllowed, "is for HTTP; a mail server has host and port") }
        } else if kind.usualURL == nil, kind != .mail {
            reader.fail("settings.url", .missing, "is required")
        }
        switch kind {
        case .dingtalkTodo where settings.creator == nil:
            reader.fail("settings.creator", .missing, "is required: the union id under which to-dos are made")
        case .mail:
            if let host = settings.host {
                if let fault = policy.fault(host: host) { reader.fail("settings.host", .notAllowed, fault) }
                if host.contains(where: { !($0.isASCII && ($0.isLetter || $0.isNumber || ".-:[]".contains($0))) }) {
                    reader.fail("settings.host", .badFormat, "is no name of a host")
                }
            } else {
                reader.fail("settings.host", .missing, "is required")
            }
            if !MailMessage.isAddress(settings.from ?? "") { reader.fail("settings.from", .badFormat, "must be a mail address") }
            for address in settings.to ?? [] where !MailMessage.isAddress(address) {
                reader.fail("settings.to", .badFormat, "must be mail addresses")
            }
            if settings.security == nil { reader.fail("settings.security", .missing, "is required: tls, starttls or none") }
            if settings.security == "none", !policy.allowsLoopback {
                reader.fail("settings.security", .notAllowed, "mail goes to the outside under TLS only")
            }
        case .wecomApp where settings.agent == nil:
            reader.fail("settings.agent_id", .missing, "is required: the number of the app the messages come from")
        case .dingtalkRobot, .dingtalkTodo, .wecomRobot, .wecomApp, .feishuBot, .feishuApp, .smsGateway, .webhook: break
        }
        for (name, text) in settings.texts where text.holdsControlCharacters {
            reader.fail("settings.\(name)", .badFormat, "must hold no control characters")
        }
        for address in settings.to ?? [] where address.contains(",") { reader.fail("settings.to", .badFormat, "must hold no comma") }
    }

    /// The secrets that were given; nil where those it has are to stay. A webhook that is given none is made one.
    private func secrets(
        _ node: JSONNode?, of kind: ConnectorKind, at settings: ConnectorSettings, _ reader: inout FieldReader
    ) -> (secrets: [String: String]?, made: String?) {
        guard let node else {
            if let before, before.kind == kind {
                let stays = before.settings.url == settings.url && before.settings.host == settings.host
                // Else whoever may change an address could have the secrets sent to themselves; a webhook is only signed with its own.
                if !stays, kind != .webhook, !before.secretNames.isEmpty {
                    reader.fail("secrets", .missing, "must be given again where the connector is to speak to another address")
                }
                return (nil, nil)
            }
            if kind == .webhook {
                let made = "whsec_" + Data((0..<32).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
                return (["secret": made], made)
            }
            for secret in kind.secrets where secret.isRequired { reader.fail("secrets.\(secret.name)", .missing, "is required") }
            return ([:], nil)
        }
        var inner = FieldReader(node, path: "secrets")
        var values: [String: String] = [:]
        for secret in kind.secrets { values[secret.name] = inner.string(secret.name, length: 1...500, required: secret.isRequired) }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if kind == .webhook {
                if Signing.webhookKey(value) == nil { inner.fail(name, .badFormat, "must be whsec_ and 24 to 64 bytes in Base64") }
            } else if value.holdsControlCharacters {
                // It goes into a header or a URL, where a line's end would begin another.
                inner.fail(name, .badFormat, "must hold no control characters")
            } else if value.contains("…") {
                inner.fail(name, .badFormat, "holds “…”, which stands in examples for the real one")
            }
        }
        reader.add(inner.finish())
        return (values, nil)
    }
}

extension String {
    fileprivate var holdsControlCharacters: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}

extension ConnectorSettings {
    /// What people wrote, by its name.
    fileprivate var texts: [(name: String, text: String)] {
        let single = [
            ("url", url), ("creator", creator), ("number_field", numberField), ("text_field", textField), ("id_field", idField),
            ("success_field", successField), ("success_value", successValue), ("host", host), ("from", from),
        ]
        return single.compactMap { name, text in text.map { (name, $0) } } + (to ?? []).map { ("to", $0) }
            + (events ?? []).map { ("events", $0) }
    }
}

extension ConnectorRecord {
    /// - Parameter shown: a secret that was made for it just now.
    fileprivate func json(now: Date, shown: String? = nil) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("name", name)
            object.member("kind", kind.rawValue)
            object.member("place", place)
            object.member("enabled", isEnabled)
            object.member("settings", json: (try? JSONEncoder.plain.encode(settings)).map { Array($0) })
            object.member("secrets", secretNames)
            if let shown { object.member("secret", shown) }
            object.member("dependency", dependency)
            let isClosed = (closedUntil ?? now) > now
            object.member("state", !isEnabled ? "disabled" : isBroken ? "broken" : isClosed ? "closed" : "open")
            object.member("closed_until", isClosed && !isBroken ? closedUntil : nil)
            object.member("closed_class", isClosed ? closedClass : nil)
            object.member("closed_reason", isClosed ? closedReason : nil)
            object.member("updated_at", updatedAt)
        }
    }
}

extension JSONEncoder {
    fileprivate static var plain: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension MessageRecord {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("id", String(id))
            object.member("notification_id", String(notification))
            object.member("recipient", recipient)
            object.member("channel", channel)
            object.member("urgency", urgency.rawValue)
            object.member("state", state.rawValue)
            object.member("connector", connector)
            object.member("reason", reason)
            object.member("at", at)
            object.member("ended_at", endedAt)
            object.array("tries") { list in
                for one in tries {
                    list.object { item in
                        item.member("delivery_id", String(one.delivery))
                        item.member("connector", one.connector)
                        item.member("job_id", one.job.description)
                        item.member("at", one.at)
                        item.member("ended_at", one.endedAt)
                        item.member("class", one.failureClass)
                        item.member("code", one.code)
                        item.member("error", one.error)
                    }
                }
            }
        }
    }
}
