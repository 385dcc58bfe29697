import API
import PostgresClient
import RedisClient

/// What the connections to the servers did, for /metrics.
func clientSamples(_ pools: [String: PostgresStatistics], _ redis: RedisStatistics) -> [Metrics.Sample] {
    let ofPools = pools.sorted { $0.key < $1.key }.flatMap { name, pool in
        let labels = [(name: "pool", value: name)]
        return [
            Metrics.Sample("kiteline_postgres_statements_total", .counter, "Statements answered.", labels: labels, Double(pool.statements)),
            Metrics.Sample("kiteline_postgres_links_busy", .gauge, "Connections at work.", labels: labels, Double(pool.busy)),
            Metrics.Sample("kiteline_postgres_waiting", .gauge, "Callers waiting for a connection.", labels: labels, Double(pool.waiting)),
            Metrics.Sample(
                "kiteline_postgres_reconnects_total", .counter, "Connections made anew.", labels: labels, Double(pool.reconnects)),
            Metrics.Sample(
                "kiteline_postgres_wait_seconds_total", .counter, "Time callers waited for a connection.", labels: labels,
                Double(pool.nanosecondsWaited) / 1e9),
        ]
    }
    return ofPools + [
        Metrics.Sample("kiteline_redis_commands_total", .counter, "Commands answered.", Double(redis.answered)),
        Metrics.Sample("kiteline_redis_pending", .gauge, "Commands under way.", Double(redis.pending)),
        Metrics.Sample("kiteline_redis_connections_total", .counter, "Connections made.", Double(redis.connections)),
        Metrics.Sample("kiteline_redis_timeouts_total", .counter, "Calls that ran into their time limit.", Double(redis.timeouts)),
        Metrics.Sample(
            "kiteline_redis_wait_seconds_total", .counter, "Time from call to answer.", Double(redis.nanosecondsWaited) / 1e9),
    ]
}
