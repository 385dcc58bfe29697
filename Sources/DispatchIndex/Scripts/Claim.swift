import RedisClient

extension RedisScript {
    /// Takes the jobs that run next: start-time fair queueing over tenants, by weight, never above a tenant's cap.
    ///
    /// ARGV: epoch, how many at most, lease in ms. Returns ms until the next scheduled job is due (-1: none), 1 if more could
    /// be claimed at once, then id, tenant, token of each claim. Atomic, so that cap and share hold whoever claims.
    ///
    /// The tenant with the smallest start tag is served until its tag passes the next one's; a job costs 1000 / weight. A tenant
    /// at its cap or without ready jobs leaves the eligible set and costs nothing; a release or a push brings it back.
    /// Work is bounded: at most 64 due jobs are staged, at most `want + 32` tenants looked at.
    static let claim = RedisScript(
        Keys.prelude() + """
            local want, leaseEnd = tonumber(ARGV[2]), now + tonumber(ARGV[3])
            local h = redis.call('HMGET', H, 'V', 'seq')
            local V, seq = tonumber(h[1] or 0), tonumber(h[2] or 0)

            local due = redis.call('ZRANGE', SCH, '-inf', now, 'BYSCORE', 'LIMIT', 0, 64, 'WITHSCORES')
            for i = 1, #due, 2 do
              local tid, priority, id = string.match(due[i], '^(%d+):(%d+):(%d+)$')
              redis.call('ZADD', p .. 'r:' .. tid, 'NX', tonumber(due[i + 1]) - tonumber(priority) * \(Order.priorityStep), id)
              redis.call('ZREM', SCH, due[i])
              admit(tid, V)
            end

            local claims, run, lease, steps, first = {}, {}, {}, 0, tonumber(ARGV[1]) * 4294967296 + seq
            local got = 0
            while got < want and steps < want + 32 do
              steps = steps + 1
              local head = redis.call('ZRANGE', ACT, 0, 1, 'WITHSCORES')
              if #head == 0 then break end
              local tid, S = head[1], tonumber(head[2])
              if S > V then V = S end
              local t = redis.call('HMGET', p .. 't:' .. tid, 'w', 'cap', 'inf')
              local cost = 1000 / tonumber(t[1] or 1)
              local inf = tonumber(t[3] or 0)
              local n = math.min(want - got, tonumber(t[2] or \(TenantShare.standard.cap)) - inf)
              if head[4] then n = math.min(n, math.floor((tonumber(head[4]) - S) / cost) + 1) end
              local popped = n > 0 and redis.call('ZPOPMIN', p .. 'r:' .. tid, n) or {}
              local m = #popped / 2
              if m == 0 then
                redis.call('ZREM', ACT, tid)
              else
                for i = 1, #popped, 2 do
                  local id = popped[i]
                  got = got + 1
                  local token = string.format('%.0f', first + got)
                  claims[#claims + 1] = id
                  claims[#claims + 1] = tid
                  claims[#claims + 1] = token
                  run[#run + 1] = id
                  run[#run + 1] = tid .. ':' .. token
                  lease[#lease + 1] = leaseEnd
                  lease[#lease + 1] = id
                end
                V = math.max(V, S + (m - 1) * cost)
                redis.call('HSET', p .. 't:' .. tid, 'inf', inf + m, 'F', S + m * cost)
                redis.call('ZADD', ACT, S + m * cost, tid)
              end
            end
            if got > 0 then
              redis.call('HSET', RUN, unpack(run))
              redis.call('ZADD', LEASE, unpack(lease))
            end
            if got > 0 then redis.call('HSET', H, 'V', V, 'seq', seq + got) end

            local more = redis.call('EXISTS', ACT)
            if more == 1 then redis.call('ZADD', BELL, 0, 'work') end
            local nextDue = redis.call('ZRANGE', SCH, 0, 0, 'WITHSCORES')
            local reply = {nextDue[2] and math.max(0, tonumber(nextDue[2]) - now) or -1, more}
            for i = 1, #claims do reply[i + 2] = claims[i] end
            return reply
            """)
}
