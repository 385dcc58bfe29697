import API
import Console
import Hummingbird
import Records
import Tenancy

extension ConsoleSite {
    /// Every page there is.
    static let pages: [Page] =
        sessionPages + nowPages + jobPages + rolloutPages + leadPages
        + deadLetterPages + breakerPages + tenantPages + overduePages + forecastPages + rulePages + processHealthPages + permissionPages
        + workerPages + auditPages + sellerPages

    static let sessionPages = [
        Page(.post, "sign-out", isOfSession: true) { visit in
            try await visit.guest.site.records.closeSession(visit.session)
            return Response.seeOther("/console/sign-in").keeping(Guest.sessionCookie, "", for: 0, isSecure: visit.guest.isSecure)
        },
        Page(.post, "tenant", isOfSession: true, answer: chooseTenant),
        Page(.get, "events") { visit in
            let types = visit.guest.parameter("types").map { "?types=\(encoded($0))" } ?? ""
            var wish = Desk.Wish(.get, "/v1/events\(types)")
            wish.lastEventID = visit.guest.request.headers[.lastEventID]
            return await visit.guest.desk.stream(visit.named(wish), for: visit.visitor)
        },
    ]
}

/// Has a platform key act for a tenant, or for none; goes on to the page that wanted one.
@Sendable private func chooseTenant(_ visit: Visit) async throws -> Response {
    let name = visit.form.words("tenant")
    let slug = name.flatMap { Slug($0) }
    guard (name == nil) == (slug == nil), try await visit.guest.site.records.act(visit.session, for: slug) else {
        throw ConsoleFault.noPage
    }
    return .seeOther(InnerPath.checked(visit.form.words("next")))
}
