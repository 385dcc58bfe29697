import RedisClient

extension RedisScript {
    /// Takes the jobs that run next: start-time fair queueing over tenants by weight, and over a tenant's flows, in worker-time;
    /// never above a tenant's cap or rate, never through a full or closed gate.
    ///
    /// ARGV: epoch, how many at most, lease in ms, kinds (empty: all; else `,a,b,`), tenants to pass over at first,
    /// dependencies to leave alone (empty: none; else `,tenant/name,`).
    /// Returns ms until something scheduled or throttled comes due (-1: nothing), 1 if more could be claimed at once, tenants
    /// passed over for having none of the kinds, then id, tenant, token of each claim. Atomic, so that caps, rates, gates and
    /// shares hold whoever claims.
    ///
    /// Each job goes to the tenant with the smallest start tag, and within it to the flow with the smallest, which then grow by
    /// the job's expected cost (÷ weight). Turns are counted out first and taken afterwards, so that a flow costs the same few
    /// commands a round however many jobs it gets. What cannot run leaves the eligible set and costs nothing: a tenant at its cap
    /// (a release brings it back), without a token (the clock does), a flow at a full gate (the gate does), without jobs (a push).
    /// Work is bounded: at most 64 due jobs, 32 throttled tenants and 64 flows at gates are let in, 64 flows are sent to wait,
    /// `want + 48` tenants are looked at.
    static let claim = RedisScript(
        Keys.prelude() + """
            local want, leaseEnd, kinds, passed, avoided = tonumber(ARGV[2]), now + tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
            local choosy = kinds ~= '' or avoided ~= ''
            local h = call('HMGET', H, 'V', 'seq', 'mean', 'lately', 'lat')
            local V, seq, mean = tonumber(h[1] or 0), tonumber(h[2] or 0), tonumber(h[3] or 1)
            local gated = call('EXISTS', GATE, WAKE) > 0
            local moved = 0

            """ + returning + looking + """
                local claims, run, lease = {}, {}, {}
                local got, steps, given, first = 0, 0, 0, tonumber(ARGV[1]) * 4294967296 + seq
                while got < want and steps < want + 32 do
                  -- Whose turn it is, counted out over those with the smallest tags, up to the tag of the first one not looked at.
                  local head = call('ZRANGE', ACT, passed, passed + 16, 'WITHSCORES')
                  if #head == 0 then break end
                  local turns, limit = {}, head[34] and tonumber(head[34]) or math.huge
                  for i = 1, math.min(#head, 32), 2 do
                    steps = steps + 1
                    local t = look(head[i], tonumber(head[i + 1]))
                    if t then turns[#turns + 1] = t end
                  end
                  for _ = 1, want - got do
                    local t
                    for _, other in ipairs(turns) do
                      if other.room > 0 and other.next <= limit and (not t or other.next < t.next) then t = other end
                    end
                    if not t then break end
                    local f, hidden = nextFlow(t)
                    if f then
                      f.n, f.next = f.n + 1, f.next + f.cost * 1000
                      t.room, t.next = t.room - 1, t.next + f.cost * t.step
                      for _, gate in ipairs(f.gates) do left[gate] = left[gate] - 1 end
                    else
                      -- Its turn may be that of a flow not looked at yet: nobody goes further before that is known.
                      t.room = 0
                      if hidden then limit = math.min(limit, t.next) end
                    end
                  end
                  local act = {}
                  for _, t in ipairs(turns) do
                    local taken, spent, last, stays, ta = 0, 0, 0, false, p .. 'ta:' .. t.tid
                    for _, f in ipairs(t.flows) do
                      if f.n > 0 then
                        local ready = p .. 'r:' .. t.tid .. ':' .. f.name
                        local popped = call('ZPOPMIN', ready, f.n)
                        local m = #popped / 2
                        for _, gate in ipairs(f.gates) do left[gate] = left[gate] + f.n - m end
                        for i = 1, #popped, 2 do
                          local id = popped[i]
                          got = got + 1
                          local token = string.format('%.0f', first + got)
                          claims[#claims + 1] = id
                          claims[#claims + 1] = t.tid
                          claims[#claims + 1] = token
                          run[#run + 1] = id
                          run[#run + 1] = t.tid .. ':' .. token .. ':' .. f.cost .. ':' .. f.name
                          lease[#lease + 1] = leaseEnd
                          lease[#lease + 1] = id
                        end
                        if m > 0 then
                          local F = f.S + m * f.cost * 1000
                          call('HSET', p .. 'f:' .. t.tid .. ':' .. f.name, 'F', F, 'inf', f.inf + m)
                          pass(t.tid, f.name, m)
                          t.v = math.max(t.v, F - f.cost * 1000)
                          taken, spent, last = taken + m, spent + m * f.cost, f.cost
                        end
                        if m == f.n and call('EXISTS', ready) == 1 then
                          call('ZADD', ta, f.S + m * f.cost * 1000, f.name)
                          stays = true
                        else
                          call('ZREM', ta, f.name)
                        end
                      else
                        stays = true
                      end
                    end
                    local F = t.S + spent * t.step
                    if taken > 0 then
                      V = math.max(V, F - last * t.step)
                      call('HSET', p .. 't:' .. t.tid, 'inf', t.inf + taken, 'F', F, 'v', t.v, 'got', t.got + spent, 'lately', t.lately + spent, 'lat', now)
                      given = given + spent
                      if t.tok then call('HSET', p .. 't:' .. t.tid, 'tok', t.tok - taken, 'tts', now) end
                    end
                    -- Flows that were not looked at are only asked for when none of those that were is left.
                    if t.inf + taken >= t.cap or not stays and call('EXISTS', ta) == 0 then
                      call('ZREM', ACT, t.tid)
                    elseif taken > 0 then
                      act[#act + 1] = F
                      act[#act + 1] = t.tid
                    end
                  end
                  if #act > 0 then call('ZADD', ACT, unpack(act)) end
                end
                notePassing(false)
                if got > 0 then
                  call('HSET', RUN, unpack(run))
                  call('ZADD', LEASE, unpack(lease))
                  call('HSET', H, 'V', V, 'seq', seq + got, 'lately', faded(h[4], h[5]) + given, 'lat', now)
                end

                -- Whom a worker of some kinds passed over is others' to serve: they are rung for.
                local active = call('ZCARD', ACT)
                local more = active > (choosy and passed or 0) and 1 or 0
                if call('EXISTS', WAKE) == 1 then more = 1 end
                if more == 1 or active > 0 then call('ZADD', BELL, 0, 'work') end
                local soonest = -1
                for _, timer in ipairs({SCH, THR}) do
                  local next = call('ZRANGE', timer, 0, 0, 'WITHSCORES')[2]
                  if next then
                    local wait = math.max(0, tonumber(next) - now)
                    if soonest < 0 or wait < soonest then soonest = wait end
                  end
                end
                local reply = {soonest, more, passed}
                for i = 1, #claims do reply[i + 3] = claims[i] end
                return reply
                """)

    /// Who may compete again: jobs that have come due, tenants that have a token again, flows whose gate has room.
    private static let returning = """
        local due = call('ZRANGE', SCH, '-inf', now, 'BYSCORE', 'LIMIT', 0, 64, 'WITHSCORES')
        for i = 1, #due, 2 do
          local tid, priority, id, flow = string.match(due[i], '^(%d+):(%d+):(%d+):(.*)$')
          call('ZADD', p .. 'r:' .. tid .. ':' .. flow, 'NX', tonumber(due[i + 1]) - tonumber(priority) * \(Order.priorityStep), id)
          call('ZREM', SCH, due[i])
          activate(tid, flow, V)
        end
        for _, tid in ipairs(call('ZRANGE', THR, '-inf', now, 'BYSCORE', 'LIMIT', 0, 32)) do
          call('ZREM', THR, tid)
          admit(tid, V)
        end
        if gated then
          for _, gate in ipairs(call('SRANDMEMBER', WAKE, 8)) do
            local limit = call('HGET', GATE, gate)
            local room = limit and tonumber(limit) - tonumber(call('HGET', GINF, gate) or 0) or 64
            room = math.max(0, math.min(room, 64))
            local waiting = room > 0 and call('ZPOPMIN', p .. 'blk:' .. gate, room) or {}
            for i = 1, #waiting, 2 do
              local tid, flow = string.match(waiting[i], '^(%d+):(.*)$')
              call('HDEL', p .. 'f:' .. tid .. ':' .. flow, 'blk', 'since')
              if call('EXISTS', p .. 'r:' .. tid .. ':' .. flow) == 1 then activate(tid, flow, V) end
            end
            if #waiting < room * 2 or room == 0 then call('SREM', WAKE, gate) end
          end
        end

        """

    /// `look` tells what a tenant could claim now, or sends it, or flows of it, to wait.
    private static let looking = """
        -- How many more jobs a gate with a limit lets through; false: it has none.
        local left = {}

        -- The limited gates a flow's jobs pass; and which of them is full, if one is.
        local function gatesWithLimit(tid, flow)
          local limited, full = {}, nil
          if not gated then return limited end
          local names = gatesOf(tid, flow)
          local limits, out
          for i, name in ipairs(names) do
            if left[name] == nil then
              if not limits then limits, out = call('HMGET', GATE, unpack(names)), call('HMGET', GINF, unpack(names)) end
              left[name] = limits[i] and tonumber(limits[i]) - tonumber(out[i] or 0)
            end
            if left[name] then
              limited[#limited + 1] = name
              if left[name] <= 0 then full = full or name end
            end
          end
          return limited, full
        end

        -- The tenant's flow whose turn it is, of those looked at; and whether it may be one of the others' turn.
        local function nextFlow(t)
          local f, hidden
          for _, other in ipairs(t.flows) do
            if not f or other.next < f.next then
              local isFree = true
              for _, gate in ipairs(other.gates) do isFree = isFree and left[gate] > 0 end
              if isFree and other.next > t.limit then hidden = true elseif isFree then f = other end
            end
          end
          return f, hidden
        end

        -- Whether this worker takes jobs of the flow; what it does not take is others' to serve.
        local function wanted(tid, flow)
          local at = string.find(flow, '@', 1, true)
          local kind = at and string.sub(flow, 1, at - 1) or flow
          if kinds ~= '' and not string.find(kinds, ',' .. kind .. ',', 1, true) then return false end
          return not (at and string.find(avoided, ',' .. tid .. '/' .. string.sub(flow, at + 1) .. ',', 1, true))
        end

        local function look(tid, S)
          local t = call('HMGET', p .. 't:' .. tid, 'w', 'cap', 'inf', 'v', 'got', 'rate', 'burst', 'tok', 'tts', 'thr', 'lately', 'lat')
          local inf, cap = tonumber(t[3] or 0), tonumber(t[2] or \(TenantShare.standard.cap))
          local room, tok = cap - inf, nil
          if room <= 0 then
            call('ZREM', ACT, tid)
            return
          end
          if t[6] then
            local rate, since = tonumber(t[6]), tonumber(t[9] or now)
            tok = math.min(tonumber(t[7]), tonumber(t[8] or 0) + math.max(0, now - since) * rate / 1000)
            if tok < 1 then
              local wait = math.ceil((1 - tok) * 1000 / rate)
              call('HSET', p .. 't:' .. tid, 'tok', tok, 'tts', now, 'thr', tonumber(t[10] or 0) + wait)
              call('ZREM', ACT, tid)
              call('ZADD', THR, now + wait, tid)
              return
            end
            room = math.min(room, math.floor(tok))
          end
          local depth = choosy and 64 or 4
          local head = call('ZRANGE', p .. 'ta:' .. tid, 0, depth, 'WITHSCORES')
          local flows = {}
          for i = 1, math.min(#head, depth * 2), 2 do
            local name = head[i]
            if not choosy or wanted(tid, name) then
              local gates, full = gatesWithLimit(tid, name)
              if not full then
                local f = call('HMGET', p .. 'f:' .. tid .. ':' .. name, 'c', 'inf')
                local cost = math.max(1, math.min(50 * mean, math.max(0.2 * mean, tonumber(f[1] or mean))))
                cost = math.floor(cost * 10 + 0.5) / 10
                flows[#flows + 1] = {name = name, S = tonumber(head[i + 1]), next = tonumber(head[i + 1]), cost = cost, inf = tonumber(f[2] or 0), gates = gates, n = 0}
              elseif moved < 64 then
                moved = moved + 1
                call('ZREM', p .. 'ta:' .. tid, name)
                call('ZADD', p .. 'blk:' .. full, now, tid .. ':' .. name)
                call('HSET', p .. 'f:' .. tid .. ':' .. name, 'blk', full, 'since', now)
              end
            end
          end
          if #flows == 0 then
            if call('EXISTS', p .. 'ta:' .. tid) == 0 then call('ZREM', ACT, tid) else passed = passed + 1 end
            return
          end
          return {
            tid = tid, S = S, next = S, step = 1000 / tonumber(t[1] or 1), room = room, cap = cap, inf = inf, tok = tok,
            v = tonumber(t[4] or 0), got = tonumber(t[5] or 0), lately = faded(t[11], t[12]), flows = flows,
            limit = head[depth * 2 + 2] and tonumber(head[depth * 2 + 2]) or math.huge,
          }
        end

        """
}
