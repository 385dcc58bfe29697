import Foundation
import Testing

@testable import kiteline

/// What the API answers, in the words of the command line.
@Suite struct AnswerWordsTests {
    @Test func `what a person may not do is said in words`() throws {
        let body =
            #"{"title":"The person may not do that","code":"permission","detail":"li: lead.edit is denied by the policy “p” (for everyone)."}"#
        let refusal = try JSONDecoder().decode(Refusal.self, from: Data(body.utf8))

        let said = refusal.forCommandLine("PUT /v1/leads/1", tenant: nil).description

        #expect(said == "The person may not do that (permission). li: “edit a lead” is denied by the policy “p” (for everyone).")
    }

    @Test(
        arguments: [
            (
                #""share_received":0.125,"share_entitled":0.5"#,
                "The tenant got 12.5 % of all worker-time lately, and its weight gives it 50.0 % among those that have work now."
            ),
            (#""share_received":0.125,"share_entitled":null"#, "The tenant got 12.5 % of all worker-time lately; it has no work now."),
            (#""share_received":null,"share_entitled":null"#, nil),
        ] as [(String, String?)])
    func `what a tenant gets of the workers is said once for all its kinds`(shares: String, said: String?) throws {
        let body = #"{"index":"up","items":[{"kind":"a",\#(shares)},{"kind":"b",\#(shares)}]}"#

        #expect(try JSON.read(QueueCommand.List.Page.self, from: Data(body.utf8)).share == said)
    }

    @Test(arguments: [
        (#""verdict":"routed","goes_to":"pool","pool":"shared","rule":"rest""#, "to the pool shared, by rest"),
        (#""verdict":"held_mapping_error""#, "Held: a field cannot be mapped"), (#""verdict":"unrouted""#, "no rules place it"),
        (#""verdict":"rejected""#, "rejected"),
    ])
    func `what would become of a row is said in words`(verdict: String, said: String) throws {
        let row = #"{"line":2,"reasons":[],\#(verdict)}"#

        #expect(try JSON.read(ImportCommand.Leads.Preview.Row.self, from: Data(row.utf8)).end == said)
    }
}
