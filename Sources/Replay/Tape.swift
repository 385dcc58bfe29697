/// Changes in their order, and how far they are in force.
///
/// Decisions of one version may have seen more or less of what their neighbours saw, so the tape runs both ways. Once the
/// version has moved on it never has to run back behind where it stood then.
struct Tape<Change: Numbered>: Sendable {
    private var changes: [Change] = []
    /// Those before are in force.
    private var next = 0

    mutating func append(_ more: [Change]) { changes += more }

    /// Brings in force exactly the changes up to `seq`: answers those to be applied or undone, in that order.
    mutating func move(to seq: Int64) -> [Step] {
        var steps: [Step] = []
        while next < changes.count, changes[next].seq <= seq {
            steps.append(Step(change: changes[next], isUndone: false))
            next += 1
        }
        while next > 0, changes[next - 1].seq > seq {
            next -= 1
            steps.append(Step(change: changes[next], isUndone: true))
        }
        return steps
    }

    struct Step: Sendable {
        let change: Change
        let isUndone: Bool
    }

    /// Lets go of what is in force for good, every now and then.
    mutating func settle() {
        guard next > 1_000 else { return }
        changes.removeFirst(next)
        next = 0
    }
}
