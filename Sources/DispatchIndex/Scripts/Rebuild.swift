import RedisClient

extension RedisScript {
    /// Begins a new life of the index. KEYS[1] the epoch's key; ARGV: the new epoch. Pushes are taken from now on, claims are not.
    static let beginRebuild = RedisScript("return redis.call('SET', KEYS[1], 'B' .. ARGV[1])")

    /// Puts running jobs back under a lease, so that they are waited for. ARGV: epoch, lease in ms, then id, tenant, token of each.
    static let restore = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            for i = 3, #ARGV, 3 do
              if redis.call('HSETNX', RUN, ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2]) == 1 then
                redis.call('ZADD', LEASE, now + tonumber(ARGV[2]), ARGV[i])
                redis.call('HINCRBY', p .. 't:' .. ARGV[i + 1], 'inf', 1)
              end
            end
            return #ARGV
            """)

    /// Opens the new life to claims. ARGV: epoch. Does nothing when another rebuild has begun since.
    static let finishRebuild = RedisScript(
        """
        local epoch = redis.call('GET', KEYS[1])
        if epoch == 'B' .. ARGV[1] then
          redis.call('SET', KEYS[1], ARGV[1])
          redis.call('ZADD', string.sub(KEYS[1], 1, -3) .. 'bell', 0, 'work')
          return 1
        end
        return epoch == ARGV[1] and 1 or 0
        """)

    /// Sets tenants' weights and caps, at once. ARGV: epoch, then tenant, weight, cap of each.
    static let configure = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            local V = tonumber(redis.call('HGET', H, 'V') or 0)
            for i = 2, #ARGV, 3 do
              redis.call('HSET', p .. 't:' .. ARGV[i], 'w', ARGV[i + 1], 'cap', ARGV[i + 2])
              admit(ARGV[i], V)
            end
            return #ARGV
            """)
}
