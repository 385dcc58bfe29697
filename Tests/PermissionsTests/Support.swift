import Foundation
import JSONEnvelope
import Permissions

/// east above north above hill; mia leads north, otto leads east, anna sells for hill, bert for south.
let teams = Organisation([
    .init("east", manager: "otto"), .init("north", manager: "mia", superior: "east"), .init("hill", superior: "north"), .init("south"),
])

let anna = teams.person("anna", isSeller: true, team: "hill")
let bert = teams.person("bert", isSeller: true, team: "south")
let mia = teams.person("mia", isSeller: false, team: nil)
let otto = teams.person("otto", isSeller: false, team: nil)

func book(_ policies: Policy..., roles: [String: [String]] = [:]) -> PolicyBook { PolicyBook(policies: policies, roles: roles) }

func cities(_ names: String...) -> [City] { names.compactMap { City($0) } }

extension PolicyBook {
    /// What somebody may do with opportunities they would create.
    func create(_ person: Person, in place: Place = .unasked) -> Verdict { verdict(on: .createOpportunity, by: person, in: place) }
}

/// Reads a book as the API does.
func read(_ json: String) throws -> (book: PolicyBook, faults: [String]) {
    var reader = FieldReader(try JSONEnvelope(Array(json.utf8), levels: 4).root)
    let book = PolicyBook.read(&reader)
    return (book, reader.finish().map { "\($0.field) \($0.code)" })
}
