import Foundation
import JSONEnvelope

/// What is said of a job in more than one place.
enum JobWords {
    static func tone(_ state: String) -> Tone {
        switch state {
        case "completed": .good
        case "running", "available": .info
        case "retryable", "parked": .warn
        case "discarded": .bad
        default: .plain
        }
    }

    static func chip(_ job: JSONNode, _ words: Words) -> View {
        let state = job["state"]?.string ?? ""
        return .chip(state == "completed" ? endTone(job) : tone(state), words.known("state", state))
    }

    /// Of a job that has ended.
    static func endTone(_ job: JSONNode) -> Tone {
        switch job["state"]?.string {
        case "completed": isInVain(job["outcome"]?.string) ? .warn : .good
        case "discarded": .bad
        default: .warn
        }
    }

    /// Whether a job that ran as it should did not bring about what it was for.
    static func isInVain(_ outcome: String?) -> Bool {
        guard let outcome else { return false }
        return ["held_", "manual_queue"].contains { outcome.hasPrefix($0) } || ["not_taken", "refused"].contains(outcome)
    }

    /// What came of it, or why it did not: one line.
    static func outcome(_ job: JSONNode, _ clerk: Clerk) -> String {
        if let message = job["error"]?["message"]?.string { return Sentences.relayed(message, clerk.words) }
        if let outcome = job["outcome"]?.string { return clerk.words.known("outcome", outcome) }
        if let why = waiting(job, clerk) { return why }
        return ""
    }

    /// Why it waits, with its times as the visitor reads them: in the visitor's language where there are words for the sentence, else what
    /// the code says without its values, else as the API has it.
    static func waiting(_ job: JSONNode, _ clerk: Clerk) -> String? {
        guard let said = job["why_waiting"]?.string else { return nil }
        let text = clerk.local(said)
        guard clerk.words.language != .english, let code = job["waiting_code"]?.string else { return text }
        return Sentences.known(text, clerk.words) ?? clerk.words.all["waiting_\(code)"] ?? text
    }

    /// `2 of 5`
    static func attempts(_ job: JSONNode, _ clerk: Clerk) -> String {
        let attempt = job["attempt"]?.integer ?? 0
        guard let most = job["max_attempts"]?.integer else { return String(attempt) }
        return clerk.words["jobs_attempts_of", ["n": String(attempt), "most": String(most)]]
    }
}
