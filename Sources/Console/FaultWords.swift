/// What is wrong with a field. The API says it in English, in sentences of a few shapes; those are said in the visitor's language, others
/// stand as they came.
enum FaultWords {
    static func said(_ message: String, _ words: Words) -> String {
        if words.language == .english { return message }
        if let match = message.wholeMatch(of: /must be (?:a number |a whole number )?from (.+) to (.+)/) {
            return words["fault_range", ["from": String(match.1), "to": String(match.2)]]
        }
        if let match = message.wholeMatch(of: /has more than (\d+) characters/) { return words["fault_long", ["n": String(match.1)]] }
        if let match = message.wholeMatch(of: /must be one of (.+)/) { return words["fault_choice", ["choices": String(match.1)]] }
        return name(of: message).map { words[$0] } ?? message
    }

    /// The name of the words for a message without values in it.
    private static func name(of message: String) -> String? {
        let shapes = [
            ("is required", "fault_missing"), ("says nothing", "fault_missing"), ("may not be empty", "fault_missing"),
            ("must be a number, not", "fault_number"), ("must be a whole number, not", "fault_whole"),
            ("must be a string, not", "fault_text"), ("must be a time such as", "fault_time"),
            ("must be an RFC 3339 time", "fault_time"), ("must be an IANA time zone", "fault_zone"),
            ("is not a field here", "fault_unknown"), ("is not a parameter here", "fault_unknown"), ("is given twice", "fault_twice"),
        ]
        return shapes.first { message.hasPrefix($0.0) }?.1
    }
}
