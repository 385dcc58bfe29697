import RedisClient

extension RedisScript {
    /// Makes jobs claimable, now or when due.
    ///
    /// ARGV: epoch, then for each job: id, tenant, priority, ready-since ms (its place in line), due ms (0: now).
    /// Returns how many were new. Atomic, so that a job is never both waiting and running: ids that are claimed or scheduled
    /// are passed over. Repeating it changes nothing. At most 1,000 jobs a call.
    static let push = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            local ids, members = {}, {}
            for i = 2, #ARGV, 5 do
              ids[#ids + 1] = ARGV[i]
              members[#members + 1] = ARGV[i + 1] .. ':' .. ARGV[i + 2] .. ':' .. ARGV[i]
            end
            local running = redis.call('HMGET', RUN, unpack(ids))
            local waiting = redis.call('ZMSCORE', SCH, unpack(members))
            local ready, due, tenants, added = {}, {}, {}, 0
            for n = 1, #ids do
              local i = 2 + (n - 1) * 5
              if not running[n] and not waiting[n] then
                local at = tonumber(ARGV[i + 4])
                if at > now then
                  due[#due + 1] = at
                  due[#due + 1] = members[n]
                else
                  local tid = ARGV[i + 1]
                  local list = ready[tid]
                  if not list then
                    list = {}
                    ready[tid] = list
                    tenants[#tenants + 1] = tid
                  end
                  list[#list + 1] = math.max(tonumber(ARGV[i + 3]), at) - tonumber(ARGV[i + 2]) * \(Order.priorityStep)
                  list[#list + 1] = ARGV[i]
                end
              end
            end
            if #due > 0 then added = added + redis.call('ZADD', SCH, 'NX', unpack(due)) end
            if #tenants > 0 then
              local V = tonumber(redis.call('HGET', H, 'V') or 0)
              for _, tid in ipairs(tenants) do
                added = added + redis.call('ZADD', p .. 'r:' .. tid, 'NX', unpack(ready[tid]))
                admit(tid, V)
              end
              redis.call('ZADD', BELL, 0, 'work')
            end
            return added
            """)
}
