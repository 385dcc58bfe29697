import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let sellerEndpoints = [
        Endpoint(.put, "/v1/teams/{ext}", people: .never, answer: putTeam),
        Endpoint(.put, "/v1/sellers/{ext}", people: .never, answer: putSeller),
        Endpoint(.get, "/v1/sellers/{ext}", people: .harmless, answer: readSeller),
        Endpoint(.get, "/v1/sellers", takesQuery: true, people: .harmless, answer: listSellers),
        Endpoint(.put, "/v1/sellers/{ext}/freeze", people: .harmless, answer: setFreeze),
        Endpoint(.get, "/v1/sellers/{ext}/load", people: .harmless, answer: readLoad),
    ]
}

/// `PUT /v1/teams/{ext}`
@Sendable private func putTeam(_ call: Call) async throws -> Answer {
    let externalID = try call.externalID()
    let profile = try await call.object {
        TeamProfile(name: $0.words("name", required: true) ?? "", manager: $0.string("manager"), superior: $0.string("superior"))
    }
    let isNew = try await call.records.putTeam(externalID, profile, of: call.tenant.id, by: call.actor)
    return Answer(
        isNew ? 201 : 200,
        JSONWriter.object { object in
            object.member("external_id", externalID)
            object.member("name", profile.name)
            object.member("manager", profile.manager)
            object.member("superior", profile.superior)
        })
}

/// `PUT /v1/sellers/{ext}`
@Sendable private func putSeller(_ call: Call) async throws -> Answer {
    let externalID = try call.externalID()
    let profile = try await call.object { reader in
        SellerProfile(
            name: reader.words("name", required: true) ?? "",
            team: reader.string("team"),
            status: reader.choice("status", of: SellerStatus.allCases.map(\.rawValue)).flatMap(SellerStatus.init),
            regions: reader.strings("regions") ?? [],
            industries: reader.strings("industries") ?? [],
            capacity: reader.integer("capacity", in: 0...1_000_000) ?? 8,
            weight: reader.integer("weight", in: 0...1_000) ?? 1,
            newcomer: reader.bool("newcomer") ?? false,
            channels: reader.object("channels", members: 20).map { Array($0.bytes) } ?? Array("{}".utf8))
    }
    let isNew = try await call.records.putSeller(externalID, profile, of: call.tenant.id, by: call.actor)
    guard let seller = try await call.records.seller(externalID, of: call.tenant.id) else { throw Problem.unexpected }
    return Answer(isNew ? 201 : 200, seller.json)
}

/// `GET /v1/sellers/{ext}`
@Sendable private func readSeller(_ call: Call) async throws -> Answer {
    guard let seller = try await call.records.seller(try call.externalID(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, seller.json)
}

/// `GET /v1/sellers/{ext}/load`: what a seller has to do now, all of one moment.
@Sendable private func readLoad(_ call: Call) async throws -> Answer {
    guard let load = try await call.records.sellerLoad(try call.externalID(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("external_id", load.externalID)
            object.member("as_of", load.asOf)
            object.member("pending", load.pending)
            object.member("capacity", load.capacity)
            object.member("overdue", load.overdue)
            object.member("won_this_week", load.wonThisWeek)
            object.member("lost_this_week", load.lostThisWeek)
            object.member("week_since", load.weekSince)
            object.member("paused", load.paused)
            object.member("managers", load.managers)
        })
}

/// `GET /v1/sellers?text=&team=&state=&ids=`
@Sendable private func listSellers(_ call: Call) async throws -> Answer {
    let (search, cursor, limit) = try call.query { query in
        (
            SellerSearch(
                ids: query.string("ids", length: 8_000)?.split(separator: ",").map(String.init), text: query.string("text"),
                team: query.string("team"), state: query.choice("state", of: SellerState.self)),
            query.cursor(), query.limit()
        )
    }
    return .page(try await call.records.sellers(search, of: call.tenant.id, after: cursor ?? 0, limit: limit), \.json)
}

extension SellerRecord {
    var json: [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("external_id", externalID)
            object.member("name", profile.name)
            object.member("team", profile.team)
            object.member("team_name", teamName)
            object.member("status", profile.status?.rawValue)
            object.member("regions", profile.regions)
            object.member("industries", profile.industries)
            object.member("capacity", profile.capacity)
            object.member("weight", profile.weight)
            object.member("newcomer", profile.newcomer)
            object.member("channels", json: profile.channels.bytes)
            object.member("pending", pending)
            object.member("assigned", assigned)
            object.member("last_assigned_at", lastAssignedAt)
            object.member("updated_at", updatedAt)
            object.member("has_shift", hasShift)
            if let freeze, freeze.holds(at: Date()) {
                object.object("freeze") { freeze.write(to: &$0) }
            } else {
                object.member("freeze", String?.none)
            }
        }
    }
}
