import DispatchIndex
import Foundation
import Logging
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// `KITELINE_SEED=7 deploy/test IndexModelTests` repeats one seed; `KITELINE_SEEDS=1000` takes that many instead of a few.
@Suite struct IndexModelTests {
    private static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["KITELINE_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return Array(1...(environment["KITELINE_SEEDS"].flatMap { UInt64($0) } ?? 12))
    }

    @Test(arguments: seeds) func `whatever is done to the index, its invariants hold after every step`(seed: UInt64) async throws {
        let prefix = uniqueKeyPrefix()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let redis = RedisClient(
            try RedisConfiguration(url: try await TestServers.shared.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger
        )
        var model = IndexModel(Dispatch(redis: redis, namespace: prefix), redis, namespace: prefix, seed: seed)
        try await model.run(steps: 300)
        await redis.close()
    }
}
