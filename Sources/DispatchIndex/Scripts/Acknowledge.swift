import RedisClient

extension RedisScript {
    /// Ends claims: their jobs are done with, or go back in line.
    ///
    /// ARGV: epoch, then for each claim: id, tenant, token, priority, again ms (-1: done; 0: ready now; else due then), worker-time
    /// spent, ms (-1: as expected). Returns how many were still held. Atomic, so that a slot is given back once: a claim whose
    /// token is no longer the one in `run` is passed over, and repeating the call changes nothing. At most 1,000 claims a call.
    ///
    /// What a job really cost replaces what was charged for it at the claim. A tenant's debt is bounded at 30 s of worker-time.
    static let acknowledge = RedisScript(
        Keys.prelude() + """
            local ids = {}
            for i = 2, #ARGV, 6 do ids[#ids + 1] = ARGV[i] end
            local running = call('HMGET', RUN, unpack(ids))
            local gone, tenants, byTenant, again = {}, {}, {}, {}
            local total, samples, seen = 0, 0, {}
            for n = 1, #ids do
              local i = 2 + (n - 1) * 6
              local tid = ARGV[i + 1]
              local mine = tid .. ':' .. ARGV[i + 2] .. ':'
              if running[n] and not seen[ids[n]] and string.sub(running[n], 1, #mine) == mine then
                seen[ids[n]] = true
                local cost, flow = string.match(running[n], '^([%d%.]+):(.*)$', #mine + 1)
                local t = byTenant[tid]
                if not t then
                  t = {tid = tid, freed = 0, owed = 0, flows = {}, names = {}}
                  byTenant[tid] = t
                  tenants[#tenants + 1] = t
                end
                local f = t.flows[flow]
                if not f then
                  f = {freed = 0, owed = 0, spent = 0, samples = 0}
                  t.flows[flow] = f
                  t.names[#t.names + 1] = flow
                end
                gone[#gone + 1] = ids[n]
                f.freed, t.freed = f.freed + 1, t.freed + 1
                local spent = tonumber(ARGV[i + 5])
                if spent >= 0 then
                  local owed = spent - tonumber(cost)
                  f.spent, f.samples = f.spent + spent, f.samples + 1
                  f.owed, t.owed = f.owed + owed, t.owed + owed
                  total, samples = total + spent, samples + 1
                end
                local at = tonumber(ARGV[i + 4])
                if at > now then
                  call('ZADD', SCH, at, tid .. ':' .. ARGV[i + 3] .. ':' .. ids[n] .. ':' .. flow)
                elseif at >= 0 then
                  call('ZADD', p .. 'r:' .. tid .. ':' .. flow, (at > 0 and at or now) - tonumber(ARGV[i + 3]) * \(Order.priorityStep), ids[n])
                  again[#again + 1] = {tid, flow}
                end
              end
            end
            if #gone == 0 then return 0 end
            call('HDEL', RUN, unpack(gone))
            call('ZREM', LEASE, unpack(gone))
            local h = call('HMGET', H, 'V', 'mean', 'lately', 'lat')
            local V = tonumber(h[1] or 0)
            if samples > 0 then
              local mean = tonumber(h[2] or 1)
              local next = mean + (total / samples - mean) * (1 - 0.99 ^ samples)
              if math.abs(next - mean) > 0.001 * mean then call('HSET', H, 'mean', next) end
            end
            local gated, corrected = call('EXISTS', GATE) == 1, 0
            for _, t in ipairs(tenants) do
              local ta = p .. 'ta:' .. t.tid
              for _, name in ipairs(t.names) do
                local f, key = t.flows[name], p .. 'f:' .. t.tid .. ':' .. name
                local old = call('HMGET', key, 'inf', 'c', 'F')
                local inf = math.max(0, tonumber(old[1] or 0) - f.freed)
                local c = tonumber(old[2] or -1)
                local F = tonumber(old[3] or 0) + f.owed * 1000
                if f.samples > 0 then
                  local mean = f.spent / f.samples
                  call('HSET', key, 'inf', inf, 'F', F, 'c', c < 0 and mean or c + (mean - c) * (1 - 0.9 ^ f.samples))
                else
                  call('HSET', key, 'inf', inf, 'F', F)
                end
                if f.owed ~= 0 and call('ZSCORE', ta, name) then call('ZINCRBY', ta, f.owed * 1000, name) end
                -- A dependency's name is the caller's choice: what it leaves behind must not stay for ever.
                if string.find(name, '@', 1, true) then
                  if inf == 0 and call('EXISTS', p .. 'r:' .. t.tid .. ':' .. name) == 0 then call('EXPIRE', key, 3600) end
                end
                pass(t.tid, name, -f.freed)
              end
              local key = p .. 't:' .. t.tid
              call('HINCRBY', key, 'inf', -t.freed)
              if t.owed ~= 0 then
                local old = call('HMGET', key, 'w', 'F', 'got', 'lately', 'lat')
                local w, F = tonumber(old[1] or 1), tonumber(old[2] or 0)
                local most, more = V + \(maximalDebt) * 1000 / w, t.owed * 1000 / w
                call('HSET', key, 'F', math.min(F + more, math.max(F, most)), 'got', tonumber(old[3] or 0) + t.owed,
                  'lately', math.max(0, faded(old[4], old[5]) + t.owed), 'lat', now)
                corrected = corrected + t.owed
                local S = call('ZSCORE', ACT, t.tid)
                if S then call('ZADD', ACT, math.min(tonumber(S) + more, math.max(tonumber(S), most)), t.tid) end
              end
              admit(t.tid, V)
            end
            notePassing(gated)
            if corrected ~= 0 then call('HSET', H, 'lately', math.max(0, faded(h[3], h[4]) + corrected), 'lat', now) end
            for _, job in ipairs(again) do activate(job[1], job[2], V) end
            if call('EXISTS', ACT, WAKE) > 0 then call('ZADD', BELL, 0, 'work') end
            return #gone
            """)

    /// Worker-time a tenant may be behind, ms.
    private static let maximalDebt = 30_000
}
