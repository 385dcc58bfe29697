import DispatchIndex
import Foundation
import Logging
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// `KITELINE_SEED=7` repeats one seed, `KITELINE_SEEDS=1000` takes that many instead of a few.
@Suite struct IndexModelTests {
    @Test(arguments: Seeds.few(12)) func `whatever is done to the index, its invariants hold after every step`(seeds: Seeds) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let redis = RedisClient(
            try RedisConfiguration(url: try await TestServers.shared.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger
        )
        for seed in seeds.range {
            let prefix = uniqueKeyPrefix()
            var model = IndexModel(Dispatch(redis: redis, namespace: prefix), redis, namespace: prefix, seed: seed)
            try await model.run(steps: 300)
        }
        await redis.close()
    }
}
