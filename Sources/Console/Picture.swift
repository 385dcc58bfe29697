/// Coordinates of pictures drawn in a field of 100 by 100, in which y grows downwards.
public enum Picture {
    /// A part of the whole, 0 to 1, as a length.
    public static func length(_ part: Double) -> String { coordinate(min(1, max(0, part.isFinite ? part : 0)) * 100) }

    /// Where a mark stands on such a length: at either end wholly within the picture.
    public static func mark(_ part: Double) -> String { length(min(0.99, max(0.01, part.isFinite ? part : 0))) }

    /// How far down a value of a scale from 0 to `top` is.
    static func height(_ value: Double, of top: Double) -> Double { top > 0 ? 100 - min(100, max(0, value / top * 100)) : 100 }

    /// Two decimals at most: `12.5`
    static func coordinate(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }

    /// The least round number (1, 2, 5, 10, 20, 50 …) that is not below a value: the top of a scale whose half can be named as well.
    static func roundTop(_ value: Double) -> Double {
        guard value > 1 else { return 1 }
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? power * 10
    }

    /// A scale of four equal steps, each a round number, that has both values on it: what its ends and its three lines are called can be
    /// read.
    static func scale(from low: Double, to high: Double) -> (from: Double, to: Double) {
        guard high > low, low.isFinite, high.isFinite else { return (low, low + 1) }
        var power = 1.0
        while power * 10 <= (high - low) / 4 { power *= 10 }
        while power > (high - low) / 4 { power /= 10 }
        for step in [1, 2, 2.5, 5, 10, 20].map({ $0 * power }) {
            let from = (low / step).rounded(.down) * step
            if from + 4 * step >= high { return (from, from + 4 * step) }
        }
        return (low, high)
    }

    /// Values over equal steps as a line through the middle of each step, from left to right.
    static func line(_ values: [Double], top: Double) -> String {
        points(values, top: top).map { "\(coordinate($0.x)),\(coordinate($0.y))" }.joined(separator: " ")
    }

    /// The same with the ground below it.
    static func area(_ values: [Double], top: Double) -> String {
        let points = points(values, top: top)
        guard let first = points.first, let last = points.last else { return "" }
        return "\(coordinate(first.x)),100 \(line(values, top: top)) \(coordinate(last.x)),100"
    }

    static func points(_ values: [Double], top: Double) -> [(x: Double, y: Double)] {
        let step = 100 / Double(max(1, values.count))
        return values.enumerated().map { ((Double($0) + 0.5) * step, height($1, of: top)) }
    }
}
