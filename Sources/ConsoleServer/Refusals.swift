import API
import Console
import Foundation
import Hummingbird
import Records
import SalesModel
import Tenancy

/// Why there is no page; the API has its own words for the rest.
enum ConsoleFault: Error {
    case noPage
    case method
    /// The form was not made by a page of this session.
    case foreignForm
    case badForm
    /// What follows the `?` of an address.
    case badQuery
    case tooLarge
    /// The page was made by another build.
    case outdated
    /// The page was made for another tenant than the session acts for.
    case otherTenant
}

extension Refusal {
    static let wrongKey = Refusal(status: 401, code: "wrong_key", title: "No such key")
    static let linkUsed = Refusal(status: 401, code: "link_used", title: "The link has been used or is too old")
    static let signedOut = Refusal(status: 401, code: "signed_out", title: "You are signed out")
    static let unknownTeam = Refusal.search("team", "is not known: there is none of that name, or nobody is in it")
    static let tooManyAttempts = Refusal(status: 429, code: "too_many_attempts", title: "Too many attempts to sign in")

    /// What the API refused, with what had been typed.
    init(_ problem: Problem, form id: String = "", draft: Form = Form()) {
        self.init(
            status: problem.status, code: problem.code, title: problem.title, detail: problem.detail,
            faults: problem.errors.map { Fault(field: $0.field, message: $0.message) }, formID: id, draft: draft)
    }

    /// A form wants a reason where the API would do without.
    static func unreasoned(_ form: Form, id: String) -> Refusal {
        Refusal(
            status: 422, code: "invalid", title: "A field is wrong", faults: [Fault(field: "reason", message: "is required")], formID: id,
            draft: form)
    }

    /// What anything that went wrong comes to.
    init(of error: any Error) {
        switch error {
        case let problem as Problem: self.init(problem)
        case ConsoleFault.noPage: self.init(status: 404, code: "no_page", title: "There is no such page")
        case ConsoleFault.method: self.init(status: 405, code: "method_not_allowed", title: "The address is right, the method is not")
        case ConsoleFault.foreignForm:
            self.init(status: 403, code: "foreign_form", title: "The form was not made by a page of this session")
        case ConsoleFault.badForm: self.init(status: 400, code: "bad_form", title: "The form cannot be read")
        case ConsoleFault.badQuery: self.init(status: 400, code: "bad_query", title: "The address cannot be read behind its ?")
        case ConsoleFault.tooLarge: self.init(status: 413, code: "body_too_large", title: "The form is too large")
        case ConsoleFault.outdated:
            self.init(status: 426, code: "client_outdated", title: "The page is of another version than the service")
        case ConsoleFault.otherTenant:
            self.init(status: 409, code: "tenant_changed", title: "Another tenant was chosen since this page was made")
        default: self.init(Problem(from: error))
        }
    }
}

extension Guest {
    /// A page that says what went wrong, without anybody signed in.
    func failure(_ error: any Error) -> Response {
        let refusal = refusal(error)
        site.note(error, refusal)
        return .html(
            Templates.all.page("error", FaultView.page(layout, refusal, back: "/console/now", signIn: "/console/sign-in")),
            status: refusal.status)
    }

    fileprivate func refusal(_ error: any Error) -> Refusal {
        var refusal = Refusal(of: error)
        refusal.isOfReading = request.method != .post
        return refusal
    }
}

extension Visit {
    /// A page that says what went wrong, within the session. Without its frame when that cannot be had either.
    func failure(_ error: any Error) async throws -> Response {
        let refusal = guest.refusal(error)
        guest.site.note(error, refusal)
        // A platform key that acts for nobody chooses first.
        if refusal.code == "tenant_required", guest.request.method != .post {
            // An address that cannot be gone back to is the first page's, which is there for all tenants too.
            let next = guest.place == Layout.path("now") ? nil : guest.place
            return .seeOther(Layout.path("tenants") + query([("next", next)]))
        }
        return .html(
            Templates.all.page(
                "error",
                FaultView.page(
                    guest.layout(of: token, session), refusal, back: "/console/now",
                    signIn: refusal.status == 403 ? "/console/sign-in" : nil)),
            status: refusal.status)
    }
}

extension ConsoleSite {
    /// What is our fault is logged; what the API answered it has logged itself.
    func note(_ error: any Error, _ refusal: Refusal) {
        guard refusal.status >= 500, !(error is Problem) else { return }
        logger.error("A page failed", metadata: ["error": "\(error)"])
    }
}
