import RedisClient

extension RedisScript {
    /// Begins a new life of the index. KEYS[1] the epoch's key; ARGV: the new epoch. Pushes are taken from now on, claims are not.
    static let beginRebuild = RedisScript("#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], 'B' .. ARGV[1])")

    /// Puts running jobs back under a lease, so that they are waited for. ARGV: epoch, lease in ms, then id, tenant, token, flow of
    /// each. Nothing was charged for them in this life: at their end they are charged what they cost.
    static let restore = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            for i = 3, #ARGV, 4 do
              local id, tid, flow = ARGV[i], ARGV[i + 1], ARGV[i + 3]
              if call('HSETNX', RUN, id, tid .. ':' .. ARGV[i + 2] .. ':0:' .. flow) == 1 then
                call('ZADD', LEASE, now + tonumber(ARGV[2]), id)
                call('HINCRBY', p .. 't:' .. tid, 'inf', 1)
                call('HINCRBY', p .. 'f:' .. tid .. ':' .. flow, 'inf', 1)
                pass(tid, flow, 1)
              end
            end
            notePassing(false)
            return #ARGV
            """)

    /// Opens the new life to claims. ARGV: epoch. Does nothing when another rebuild has begun since.
    static let finishRebuild = RedisScript(
        """
        #!lua flags=allow-oom
        local epoch = redis.call('GET', KEYS[1])
        if epoch == 'B' .. ARGV[1] then
          redis.call('SET', KEYS[1], ARGV[1])
          redis.call('ZADD', string.sub(KEYS[1], 1, -3) .. 'bell', 0, 'work')
          return 1
        end
        return epoch == ARGV[1] and 1 or 0
        """)

    /// Sets what tenants are entitled to, at once. ARGV: epoch, then tenant, weight, cap, rate a second, burst (both empty: none),
    /// capacity of each. A rate begins without a token.
    static let configure = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            local h = call('HMGET', H, 'V', 'least')
            local V, least = tonumber(h[1] or 0), tonumber(h[2] or \(TenantShare.standard.capacity))
            for i = 2, #ARGV, 6 do
              local tid, key = ARGV[i], p .. 't:' .. ARGV[i]
              call('HSET', key, 'w', ARGV[i + 1], 'cap', ARGV[i + 2], 'rcap', ARGV[i + 5])
              if tonumber(ARGV[i + 5]) < least then
                least = tonumber(ARGV[i + 5])
                call('HSET', H, 'least', least)
              end
              if ARGV[i + 3] == '' then
                call('HDEL', key, 'rate', 'burst', 'tok', 'tts')
              else
                call('HSET', key, 'rate', ARGV[i + 3], 'burst', ARGV[i + 4])
                call('HSETNX', key, 'tts', now)
              end
              call('ZREM', THR, tid)
              admit(tid, V)
            end
            call('ZADD', BELL, 0, 'work')
            return #ARGV
            """)

    /// Sets gates' limits, at once. ARGV: epoch, then gate, limit (0: closed; empty: none) of each.
    static let setGates = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            for i = 2, #ARGV, 2 do
              local gate, limit = ARGV[i], ARGV[i + 1]
              if limit == '' then call('HDEL', GATE, gate) else call('HSET', GATE, gate, limit) end
              if limit ~= '0' and call('EXISTS', p .. 'blk:' .. gate) == 1 then call('SADD', WAKE, gate) end
            end
            call('ZADD', BELL, 0, 'work')
            return #ARGV
            """)
}
