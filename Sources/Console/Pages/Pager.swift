import Foundation
import JSONEnvelope

/// The parts of a list.
enum Pager {
    /// Nothing where the list has one page.
    static func view(_ words: Words, shown: Int, first: String?, next: String?) -> View {
        guard first != nil || next != nil else { return .nothing }
        return [
            "pagerWords": .text(words["pager_shown", ["n": String(shown)]]), "firstHref": .text(first), "nextHref": .text(next),
        ]
    }
}
