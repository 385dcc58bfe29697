/// The page before anybody is signed in, and the one that leads on when somebody is.
///
/// Who is signed in already is told so, beside the form for another key.
public enum SignInView {
    /// - Parameters:
    ///   - next: where to go then.
    ///   - refusal: why it was not done; nil: nothing was tried.
    public static func page(_ layout: Layout, next: String, refusal: Refusal?) -> View {
        layout.page(
            layout.words["signin_title"],
            [
                "action": .text(Layout.path("sign-in")), "next": .text(next), "problem": refusal.map { $0.view(layout.words) } ?? .nothing,
                "isRefused": .flag(refusal?.code == "wrong_key"), "here": here(layout, next: next),
            ])
    }

    private static func here(_ layout: Layout, next: String) -> View {
        guard let who = layout.visitor else { return .nothing }
        let name = [who, layout.tenant].compactMap(\.self).joined(separator: " · ")
        return ["hereWords": .text(layout.words["signin_here", ["who": name]]), "goOnHref": .text(next)]
    }
}

/// The page of what went wrong, where no other can be shown.
public enum FaultView {
    /// - Parameters:
    ///   - back: where to go on.
    ///   - signIn: where another key can be given; nil: that would not help.
    public static func page(_ layout: Layout, _ refusal: Refusal, back: String, signIn: String?) -> View {
        layout.page(
            layout.words["error_title"],
            [
                "statusLine": .text(String(refusal.status)), "problem": refusal.view(layout.words),
                "backHref": .text(back), "signInHref": .text(signIn),
            ])
    }
}
