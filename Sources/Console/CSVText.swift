extension [String] {
    /// As a row of CSV (RFC 4180).
    package var csv: String { map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\r\n" }
}

extension String {
    /// As a cell that a spreadsheet takes for text: what begins like a formula would be run, and anybody may have written it.
    package var withoutFormula: String {
        guard let first = unicodeScalars.first, ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"].contains(first) else {
            return self
        }
        return "'" + self
    }
}
