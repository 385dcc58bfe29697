import Mustache

/// The templates, parsed once.
public struct Templates: Sendable {
    private let library: MustacheLibrary
    /// What they are made of, by name.
    public let sources: [String: String]

    /// They are part of the program, so one that does not parse is a mistake made here.
    public static let all: Templates = {
        do { return try Templates(sources) } catch { preconditionFailure("a template does not parse: \(error)") }
    }()

    init(_ sources: [String: String]) throws {
        self.sources = sources
        library = MustacheLibrary(templates: try sources.mapValues { try MustacheTemplate(string: $0) })
    }

    /// A page with a view's values in their places.
    public func page(_ name: String, _ view: View) -> String {
        guard let text = library.render(view.rendered, withTemplate: name) else { preconditionFailure("there is no template \(name)") }
        return text
    }
}
