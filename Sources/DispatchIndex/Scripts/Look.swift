import RedisClient

extension RedisScript {
    /// Why a job waits. ARGV: epoch, id, tenant, flow, priority. Changes nothing.
    ///
    /// Returns a word and what belongs to it: `running`; `scheduled` due ms; `gate` its name, since ms; `throttled` ready ms;
    /// `capped` claims out; `line` jobs of its flow before it, claims out of its tenant; `absent`.
    static let explain = RedisScript(
        Keys.prelude() + """
            local id, tid, flow = ARGV[2], ARGV[3], ARGV[4]
            if call('HEXISTS', RUN, id) == 1 then return {'running'} end
            local due = call('ZSCORE', SCH, tid .. ':' .. ARGV[5] .. ':' .. id .. ':' .. flow)
            if due then return {'scheduled', due} end
            local rank = call('ZRANK', p .. 'r:' .. tid .. ':' .. flow, id)
            if not rank then return {'absent'} end
            local f = call('HMGET', p .. 'f:' .. tid .. ':' .. flow, 'blk', 'since')
            if f[1] then return {'gate', f[1], f[2]} end
            local ready = call('ZSCORE', THR, tid)
            if ready then return {'throttled', ready} end
            local t = call('HMGET', p .. 't:' .. tid, 'inf', 'cap')
            local inf = tonumber(t[1] or 0)
            if inf >= tonumber(t[2] or \(TenantShare.standard.cap)) then return {'capped', inf} end
            return {'line', rank, inf}
            """)

    /// A tenant's flows. ARGV: epoch, tenant. Changes nothing. Returns the tenant's claims out, worker-time received, ms, time
    /// throttled, ms, then for each flow its name, ready jobs, claims out, expected cost, ms, the gate it waits at (or empty), since
    /// when, ms, and the id first in line (or empty). At most 1,000 flows.
    static let flows = RedisScript(
        Keys.prelude() + """
            local t = call('HMGET', p .. 't:' .. ARGV[2], 'inf', 'got', 'thr')
            local reply = {t[1] or '0', t[2] or '0', t[3] or '0'}
            for _, name in ipairs(call('ZRANGE', p .. 'fs:' .. ARGV[2], 0, 999)) do
              local f = call('HMGET', p .. 'f:' .. ARGV[2] .. ':' .. name, 'inf', 'c', 'blk', 'since')
              local ready = p .. 'r:' .. ARGV[2] .. ':' .. name
              for _, value in ipairs({name, call('ZCARD', ready), f[1] or '0', f[2] or '', f[3] or '', f[4] or '0', call('ZRANGE', ready, 0, 0)[1] or ''}) do
                reply[#reply + 1] = value
              end
            end
            return reply
            """)
}
