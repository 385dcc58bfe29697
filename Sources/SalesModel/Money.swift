/// Money is counted in the smallest unit of its currency. What is beyond the largest number is nobody's, and must not stop the process.
extension Int64 {
    /// The sum, or the nearest there is.
    public func adding(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other > 0 ? .max : .min) : sum
    }

    public mutating func add(_ other: Int64) { self = adding(other) }

    /// The whole number nearest to a value, or the nearest there is; 0 for what is no number.
    public init(nearest value: Double) {
        self = value.isNaN ? 0 : Int64(exactly: value.rounded()) ?? (value > 0 ? .max : .min)
    }
}
