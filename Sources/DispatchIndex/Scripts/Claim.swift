import RedisClient

extension RedisScript {
    /// Takes the jobs that run next: start-time fair queueing over tenants, by weight, never above a tenant's cap.
    ///
    /// ARGV: epoch, how many at most, lease in ms. Returns ms until the next scheduled job is due (-1: none), 1 if more could
    /// be claimed at once, then id, tenant, token of each claim. Atomic, so that cap and share hold whoever claims.
    ///
    /// Each job goes to the tenant with the smallest start tag, which then grows by 1000 / weight. Turns are counted out first and
    /// taken afterwards, so that a tenant costs four commands a round however many jobs it gets. A tenant at its cap or without
    /// ready jobs leaves the eligible set and costs nothing; a release or a push brings it back.
    /// Work is bounded: at most 64 due jobs are staged, at most `want + 48` tenants looked at.
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

            local claims, run, lease = {}, {}, {}
            local got, steps, first = 0, 0, tonumber(ARGV[1]) * 4294967296 + seq
            while got < want and steps < want + 32 do
              -- Whose turn it is, counted out over the tenants with the smallest tags, up to the tag of the first one not looked at.
              local head = redis.call('ZRANGE', ACT, 0, 16, 'WITHSCORES')
              if #head == 0 then break end
              local turns, limit = {}, head[34] and tonumber(head[34]) or math.huge
              for i = 1, math.min(#head, 32), 2 do
                local t = redis.call('HMGET', p .. 't:' .. head[i], 'w', 'cap', 'inf')
                local inf = tonumber(t[3] or 0)
                local room = tonumber(t[2] or \(TenantShare.standard.cap)) - inf
                steps = steps + 1
                if room <= 0 then
                  redis.call('ZREM', ACT, head[i])
                else
                  turns[#turns + 1] = {tid = head[i], S = tonumber(head[i + 1]), next = tonumber(head[i + 1]), cost = 1000 / tonumber(t[1] or 1), inf = inf, room = room, n = 0}
                end
              end
              local left = want - got
              while left > 0 do
                local turn
                for _, t in ipairs(turns) do
                  if t.n < t.room and t.next <= limit and (not turn or t.next < turn.next) then turn = t end
                end
                if not turn then break end
                turn.n = turn.n + 1
                turn.next = turn.next + turn.cost
                left = left - 1
              end
              for _, t in ipairs(turns) do
                if t.n > 0 then
                  local popped = redis.call('ZPOPMIN', p .. 'r:' .. t.tid, t.n)
                  local m = #popped / 2
                  for i = 1, #popped, 2 do
                    local id = popped[i]
                    got = got + 1
                    local token = string.format('%.0f', first + got)
                    claims[#claims + 1] = id
                    claims[#claims + 1] = t.tid
                    claims[#claims + 1] = token
                    run[#run + 1] = id
                    run[#run + 1] = t.tid .. ':' .. token
                    lease[#lease + 1] = leaseEnd
                    lease[#lease + 1] = id
                  end
                  if m > 0 then
                    V = math.max(V, t.S + (m - 1) * t.cost)
                    redis.call('HSET', p .. 't:' .. t.tid, 'inf', t.inf + m, 'F', t.S + m * t.cost)
                  end
                  if m < t.n or m == t.room then
                    redis.call('ZREM', ACT, t.tid)
                  else
                    redis.call('ZADD', ACT, t.S + m * t.cost, t.tid)
                  end
                end
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
