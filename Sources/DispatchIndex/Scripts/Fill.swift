import RedisClient

extension RedisScript {
    /// For the scripts that tell of what is deferred.
    static let surplusKeeping = """
        -- Jobs deferred of a line (empty: it has none), and how many a second it drained when it was filled last (empty: not known, or
        -- longer than a minute ago).
        local function surplusOf(tid, flow)
          local d = call('HMGET', p .. 'df:' .. tid .. ':' .. flow, 'n', 'rate', 'at')
          if not d[1] then return '', '' end
          return d[1], d[2] and d[3] and now - tonumber(d[3]) < 60000 and d[2] or ''
        end

        -- Notes that a line has surplus, from this place on.
        local function noteSurplus(tid, flow, extra, from)
          local line = tid .. ':' .. flow
          if call('SADD', DFR, line) == 1 then
            call('HSET', p .. 'df:' .. line, 'lvl', call('ZCARD', p .. 'r:' .. line), 'since', now)
          end
          call('HSET', p .. 'df:' .. line, 'from', from)
          if extra > 0 then call('HSET', p .. 'df:' .. line, 'noted', now) end
          call('HINCRBY', p .. 'df:' .. line, 'n', extra)
          return surplusOf(tid, flow)
        end

        """

    /// Lines that have surplus and room for it. ARGV: epoch, then tenant, flow of lines that have surplus, as the ledger knows them.
    /// Returns tenant, flow, jobs wanted of each. Whoever is told of a line has five seconds to fill it; the others are not told.
    ///
    /// A line is filled when half of its window is left, up to its window: the tenant's capacity, or what it drains in a quarter of a
    /// second where that is more, 20,000 at most. At most 100 lines, drawn by chance.
    static let thirsty = RedisScript(
        Keys.prelude() + surplusKeeping + """
            for i = 2, #ARGV, 2 do
              if call('SISMEMBER', DFR, ARGV[i] .. ':' .. ARGV[i + 1]) == 0 then noteSurplus(ARGV[i], ARGV[i + 1], 0, 0) end
            end
            local reply = {}
            for _, line in ipairs(call('SRANDMEMBER', DFR, 100)) do
              local key = p .. 'df:' .. line
              local d = call('HMGET', key, 'busy', 'win', 'lvl', 'at', 'since', 'rate')
              local busy = tonumber(d[1] or 0)
              -- A time further ahead than anybody was given is from before the clock went back.
              if busy <= now or busy > now + 5000 then
                local tid, flow = string.match(line, '^(%d+):(.*)$')
                local held = call('ZCARD', p .. 'r:' .. line)
                local capacity = tonumber(call('HGET', p .. 't:' .. tid, 'rcap') or \(TenantShare.standard.capacity))
                local window = math.max(capacity, tonumber(d[2] or 0))
                if held * 2 <= window then
                  local drained, since = tonumber(d[3] or 0) - held, tonumber(d[4] or d[5] or now)
                  if drained > 0 and since <= now then
                    local rate = drained * 1000 / math.max(1, now - since)
                    window = math.max(capacity, math.min(20000, math.floor(rate / 4)))
                    if d[6] then rate = (rate + tonumber(d[6])) / 2 end
                    call('HSET', key, 'win', window, 'rate', string.format('%.3f', rate))
                  end
                  call('HSET', key, 'busy', now + 5000)
                  for _, value in ipairs({tid, flow, math.max(1, window - held)}) do reply[#reply + 1] = value end
                end
              end
            end
            return reply
            """)

    /// A line was filled. ARGV: epoch, tenant, flow, jobs that are deferred no longer, place of the first that still is (empty: none).
    ///
    /// Surplus may be on its way into the ledger: a line that should have some is given up only three seconds after the last of it.
    static let filled = RedisScript(
        Keys.prelude() + """
            local line = ARGV[2] .. ':' .. ARGV[3]
            local key = p .. 'df:' .. line
            local d = call('HMGET', key, 'n', 'noted')
            local left = math.max(0, tonumber(d[1] or 0) - tonumber(ARGV[4]))
            if ARGV[5] ~= '' then
              call('SADD', DFR, line)
              call('HSET', key, 'n', left, 'from', ARGV[5], 'lvl', call('ZCARD', p .. 'r:' .. line), 'at', now, 'busy', 0)
            elseif left > 0 and math.abs(now - tonumber(d[2] or 0)) < 3000 then
              call('HSET', key, 'n', left, 'busy', now + 50)
              if ARGV[4] ~= '0' then call('HSET', key, 'lvl', call('ZCARD', p .. 'r:' .. line), 'at', now) end
            else
              call('DEL', key)
              call('SREM', DFR, line)
            end
            return 1
            """)
}
