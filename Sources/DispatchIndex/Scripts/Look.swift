import RedisClient

extension RedisScript {
    /// Why a job waits. ARGV: epoch, id, tenant, flow, priority. Changes nothing.
    ///
    /// Returns a word and what belongs to it: `running`; `scheduled` due ms; `gate` its name, since ms; `throttled` ready ms;
    /// `capped` claims out; `line` jobs of its flow before it, claims out of its tenant; `deferred` jobs deferred of its flow, jobs
    /// drained a second (or empty); `absent`.
    static let explain = RedisScript(
        Keys.prelude() + surplusKeeping + """
            local id, tid, flow = ARGV[2], ARGV[3], ARGV[4]
            if call('HEXISTS', RUN, id) == 1 then return {'running'} end
            local due = call('ZSCORE', SCH, tid .. ':' .. ARGV[5] .. ':' .. id .. ':' .. flow)
            if due then return {'scheduled', due} end
            local rank = call('ZRANK', p .. 'r:' .. tid .. ':' .. flow, id)
            if not rank then
              local n, rate = surplusOf(tid, flow)
              if n == '' then return {'absent'} end
              return {'deferred', n, rate}
            end
            local f = call('HMGET', p .. 'f:' .. tid .. ':' .. flow, 'blk', 'since')
            if f[1] then return {'gate', f[1], f[2]} end
            local ready = call('ZSCORE', THR, tid)
            if ready then return {'throttled', ready} end
            local t = call('HMGET', p .. 't:' .. tid, 'inf', 'cap')
            local inf = tonumber(t[1] or 0)
            if inf >= tonumber(t[2] or \(TenantShare.standard.cap)) then return {'capped', inf} end
            return {'line', rank, inf}
            """)

    /// What tenants are entitled to and got. ARGV: epoch, tenants. Changes nothing. Returns the sum of the weights of tenants with work
    /// that may run, and for each tenant asked for: its weight, 1 if it is among those, its part of the worker-time given lately (or
    /// empty), worker-time received in all, ms, time throttled, ms.
    ///
    /// Work is bounded: of more than 512 tenants with work the sum is made from a sample of as many.
    static let shares = RedisScript(
        Keys.prelude() + """
            local working = call('ZCARD', ACT) + call('ZCARD', THR)
            local some = call('ZRANDMEMBER', ACT, 512)
            if #some < 512 then
              for _, tid in ipairs(call('ZRANGE', THR, 0, 511 - #some)) do some[#some + 1] = tid end
            end
            local sum = 0
            for _, tid in ipairs(some) do sum = sum + tonumber(call('HGET', p .. 't:' .. tid, 'w') or 1) end
            if #some > 0 then sum = sum * working / #some end
            local h = call('HMGET', H, 'lately', 'lat')
            local all = faded(h[1], h[2])
            local reply = {string.format('%.3f', sum)}
            for i = 2, #ARGV do
              local tid = ARGV[i]
              local t = call('HMGET', p .. 't:' .. tid, 'w', 'lately', 'lat', 'got', 'thr')
              local lately = faded(t[2], t[3])
              local isIn = call('ZSCORE', ACT, tid) or call('ZSCORE', THR, tid)
              for _, value in ipairs({
                t[1] or '1', isIn and '1' or '0', all > 0 and string.format('%.6f', math.min(1, lately / all)) or '', t[4] or '0', t[5] or '0',
              }) do reply[#reply + 1] = value end
            end
            return reply
            """)

    /// Expected costs. ARGV: epoch, then tenant, flow of each. Changes nothing. Returns the claims out, the mean cost of a job, ms, then
    /// the expected cost of a job of each flow, ms (empty: not known yet). At most 1,000 flows.
    static let costs = RedisScript(
        Keys.prelude() + """
            local reply = {call('ZCARD', LEASE), call('HGET', H, 'mean') or '1'}
            for i = 2, #ARGV, 2 do
              reply[#reply + 1] = call('HGET', p .. 'f:' .. ARGV[i] .. ':' .. ARGV[i + 1], 'c') or ''
            end
            return reply
            """)

    /// Which jobs the index does not know. ARGV: epoch, then id, tenant, flow, priority of each. Changes nothing. At most 500 a call.
    static let unknown = RedisScript(
        Keys.prelude() + """
            local ids, members, lines, missing = {}, {}, {}, {}
            for i = 2, #ARGV, 4 do
              ids[#ids + 1] = ARGV[i]
              members[#members + 1] = ARGV[i + 1] .. ':' .. ARGV[i + 3] .. ':' .. ARGV[i] .. ':' .. ARGV[i + 2]
              lines[#lines + 1] = p .. 'r:' .. ARGV[i + 1] .. ':' .. ARGV[i + 2]
            end
            local running, scheduled = call('HMGET', RUN, unpack(ids)), call('ZMSCORE', SCH, unpack(members))
            for n, id in ipairs(ids) do
              if not running[n] and not scheduled[n] and not call('ZSCORE', lines[n], id) then missing[#missing + 1] = id end
            end
            return missing
            """)

    /// A tenant's flows. ARGV: epoch, tenant. Changes nothing. Returns the tenant's claims out, worker-time received, ms, time
    /// throttled, ms, then for each flow its name, ready jobs, claims out, expected cost, ms, the gate it waits at (or empty), since
    /// when, ms, the id first in line (or empty), jobs deferred (empty: none), jobs drained a second (or empty). At most 1,000 flows.
    static let flows = RedisScript(
        Keys.prelude() + surplusKeeping + """
            local some = call('EXISTS', DFR) == 1
            local t = call('HMGET', p .. 't:' .. ARGV[2], 'inf', 'got', 'thr')
            local reply = {t[1] or '0', t[2] or '0', t[3] or '0'}
            for _, name in ipairs(call('ZRANGE', p .. 'fs:' .. ARGV[2], 0, 999)) do
              local f = call('HMGET', p .. 'f:' .. ARGV[2] .. ':' .. name, 'inf', 'c', 'blk', 'since')
              local ready = p .. 'r:' .. ARGV[2] .. ':' .. name
              local deferred, rate = '', ''
              if some then deferred, rate = surplusOf(ARGV[2], name) end
              local first = call('ZRANGE', ready, 0, 0)[1] or ''
              for _, value in ipairs({name, call('ZCARD', ready), f[1] or '0', f[2] or '', f[3] or '', f[4] or '0', first, deferred, rate}) do
                reply[#reply + 1] = value
              end
            end
            return reply
            """)
}
