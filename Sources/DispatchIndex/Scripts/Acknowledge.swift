import RedisClient

extension RedisScript {
    /// Ends claims: their jobs are done with, or go back in line.
    ///
    /// ARGV: epoch, then for each claim: id, tenant, token, priority, again ms (-1: done; 0: ready now; else due then).
    /// Returns how many were still held. Atomic, so that a slot is given back once: a claim whose token is no longer the one in
    /// `run` is passed over, and repeating the call changes nothing. At most 1,000 claims a call.
    static let acknowledge = RedisScript(
        Keys.prelude() + """
            local ids = {}
            for i = 2, #ARGV, 5 do ids[#ids + 1] = ARGV[i] end
            local running = redis.call('HMGET', RUN, unpack(ids))
            local gone, freed, tenants = {}, {}, {}
            for n = 1, #ids do
              local i = 2 + (n - 1) * 5
              local tid = ARGV[i + 1]
              if running[n] == tid .. ':' .. ARGV[i + 2] then
                gone[#gone + 1] = ids[n]
                if not freed[tid] then
                  freed[tid] = 0
                  tenants[#tenants + 1] = tid
                end
                freed[tid] = freed[tid] + 1
                local again = tonumber(ARGV[i + 4])
                if again > now then
                  redis.call('ZADD', SCH, again, tid .. ':' .. ARGV[i + 3] .. ':' .. ids[n])
                elseif again >= 0 then
                  redis.call('ZADD', p .. 'r:' .. tid, (again > 0 and again or now) - tonumber(ARGV[i + 3]) * \(Order.priorityStep), ids[n])
                end
              end
            end
            if #gone == 0 then return 0 end
            redis.call('HDEL', RUN, unpack(gone))
            redis.call('ZREM', LEASE, unpack(gone))
            local V = tonumber(redis.call('HGET', H, 'V') or 0)
            for _, tid in ipairs(tenants) do
              redis.call('HINCRBY', p .. 't:' .. tid, 'inf', -freed[tid])
              admit(tid, V)
            end
            if redis.call('EXISTS', ACT) == 1 then redis.call('ZADD', BELL, 0, 'work') end
            return #gone
            """)
}
