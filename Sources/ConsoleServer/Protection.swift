import API
import Foundation
import Hummingbird

extension ConsoleSite {
    /// Only our own files run, are shown or are asked; nobody frames a page, and no page tells others where its reader was.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'",
        "manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    /// What every answer carries.
    func protect(_ response: inout Response) {
        response.headers[.contentSecurityPolicy] = Self.policy
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.frameOptions] = "DENY"
        response.headers[.referrerPolicy] = "same-origin"
        response.headers[.openerPolicy] = "same-origin"
        response.headers[.resourcePolicy] = "same-origin"
        response.headers[.permissionsPolicy] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        if transport.requiresHTTPS { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        // What is somebody's own is kept by nobody between; only files that never change are.
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        response.headers[.vary] = "Cookie, Accept-Language"
    }
}

extension HTTPFields.Element.Name {
    static let frameOptions = Self("X-Frame-Options")!
    static let referrerPolicy = Self("Referrer-Policy")!
    static let openerPolicy = Self("Cross-Origin-Opener-Policy")!
    static let resourcePolicy = Self("Cross-Origin-Resource-Policy")!
    static let permissionsPolicy = Self("Permissions-Policy")!
    static let forwardedProto = Self("X-Forwarded-Proto")!
    static let refresh = Self("Refresh")!
    static let fetchSite = Self("Sec-Fetch-Site")!
    static let forwardedFor = Self("X-Forwarded-For")!
    /// Which build's files a page of ours was made with; its script says so when it saves.
    static let build = Self("Kiteline-Build")!
    static let lastEventID = Self("Last-Event-ID")!
}

extension Response {
    /// Sends the browser on, to a page that is asked for with GET.
    static func seeOther(_ path: String, status: HTTPResponse.Status = .seeOther) -> Response {
        Response(status: status, headers: [.location: path])
    }

    static func html(_ text: String, status: Int = 200) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// A table to be kept as a file.
    static func csv(_ text: String, named name: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/csv; charset=utf-8", .contentDisposition: "attachment; filename=\"\(name)\""],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// Has the browser keep something for us, out of scripts' reach. It sends it to the console only.
    ///
    /// - Parameter seconds: 0 has it forget.
    func keeping(_ name: String, _ value: String, for seconds: Int, isSecure: Bool) -> Response {
        var response = self
        let flags = "Path=/console; Max-Age=\(seconds); SameSite=Strict; HttpOnly" + (isSecure ? "; Secure" : "")
        response.headers.append(HTTPFields.Element(name: .setCookie, value: "\(name)=\(value); \(flags)"))
        return response
    }
}
