import RedisClient

extension RedisScript {
    /// Renews leases.
    ///
    /// ARGV: epoch, lease in ms, then for each claim: id, tenant:token. Returns the ids that are no longer the caller's.
    static let heartbeat = RedisScript(
        Keys.prelude() + """
            local ids, renewed, lost = {}, {}, {}
            for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
            local running = redis.call('HMGET', RUN, unpack(ids))
            for n = 1, #ids do
              local mine = ARGV[2 + n * 2] .. ':'
              if running[n] and string.sub(running[n], 1, #mine) == mine then
                renewed[#renewed + 1] = now + tonumber(ARGV[2])
                renewed[#renewed + 1] = ids[n]
              else
                lost[#lost + 1] = ids[n]
              end
            end
            if #renewed > 0 then redis.call('ZADD', LEASE, 'XX', unpack(renewed)) end
            return lost
            """)

    /// Hands out claims whose lease has ended, for one caller to look into; the others leave them alone for `handover` ms.
    ///
    /// ARGV: epoch, lease in ms, handover in ms, how many at most. Returns id, claim of each. When the clock has jumped
    /// by more than 10 s (a stopped machine, a step), heartbeats could not have come: nothing is reaped for one lease time. When it
    /// went back, no lease and no throttled tenant waits until it has caught up: leases end after that one lease time unless they are
    /// renewed, and throttled tenants are looked at anew.
    static let reap = RedisScript(
        Keys.prelude() + """
            local h = redis.call('HMGET', H, 'reap', 'noreap')
            local last, noreap = tonumber(h[1] or now), tonumber(h[2] or 0)
            if now - last > 10000 or now < last then noreap = now + tonumber(ARGV[2]) end
            if now < last then
              for _, key in ipairs({LEASE, THR}) do redis.call('ZUNIONSTORE', key, 1, key, 'WEIGHTS', 0) end
            end
            redis.call('HSET', H, 'reap', now, 'noreap', noreap)
            if now < noreap then return {} end
            local ids = redis.call('ZRANGE', LEASE, '-inf', now, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[4]))
            local expired = {}
            for _, id in ipairs(ids) do
              local claim = redis.call('HGET', RUN, id)
              if claim then
                redis.call('ZADD', LEASE, now + tonumber(ARGV[3]), id)
                expired[#expired + 1] = id
                expired[#expired + 1] = claim
              else
                redis.call('ZREM', LEASE, id)
              end
            end
            return expired
            """)
}
