import Foundation
import TestSupport
import Testing

/// `KITELINE_SEED=7` repeats one seed, `KITELINE_SEEDS=1000` takes that many instead of a few, `KITELINE_SEEDS=532-750` those.
@Suite struct EngineModelTests {
    @Test(arguments: Seeds.few(16)) func `whatever is lost, repeated, late or dead, every accepted job ends once and has its effect once`(
        seeds: Seeds
    )
        async throws
    {
        let engine = try await Engine(lease: .seconds(3_600))
        let tenants = [try await engine.tenant("one"), try await engine.tenant("two", weight: 3, cap: 7)]
        try await engine.setCapacity(3, of: tenants[0])
        for seed in seeds.range {
            var model = try await EngineModel(engine, tenants: tenants, seed: seed)
            try await model.run(steps: 120)
        }
    }
}

/// Some seeds in a row, for one database.
struct Seeds: Sendable, CustomTestStringConvertible {
    let range: ClosedRange<UInt64>
    var testDescription: String { "seeds \(range.lowerBound) to \(range.upperBound)" }

    /// As many as the environment asks for (`1000`, or those from one to another, `532-750`), else `count`, in portions that can run side
    /// by side.
    static func few(_ count: UInt64) -> [Seeds] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["KITELINE_SEED"].flatMap({ UInt64($0) }) { return [Seeds(range: seed...seed)] }
        let bounds = environment["KITELINE_SEEDS"]?.split(separator: "-").compactMap { UInt64($0) } ?? [count]
        guard let last = bounds.last, let first = bounds.count > 1 ? bounds.first : 1, first <= last else { return [] }
        let portion = max(1, (last - first + 4) / 4)
        return stride(from: first, through: last, by: UInt64.Stride(portion)).map { Seeds(range: $0...min($0 + portion - 1, last)) }
    }
}
