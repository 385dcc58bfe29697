import RedisClient

extension RedisScript {
    /// Makes jobs claimable, now or when due.
    ///
    /// ARGV: epoch, then for each job: id, tenant, flow, priority, ready-since ms (its place in line), due ms (0: now).
    /// Returns how many were new. Atomic, so that a job is never both waiting and running: ids that are claimed or scheduled
    /// are passed over, unless a scheduled one comes due earlier. Repeating it changes nothing. At most 1,000 jobs a call.
    static let push = RedisScript(
        Keys.prelude(whileBuilding: true) + """
            local ids, members = {}, {}
            for i = 2, #ARGV, 6 do
              ids[#ids + 1] = ARGV[i]
              members[#members + 1] = ARGV[i + 1] .. ':' .. ARGV[i + 3] .. ':' .. ARGV[i] .. ':' .. ARGV[i + 2]
            end
            local running = call('HMGET', RUN, unpack(ids))
            local waiting = call('ZMSCORE', SCH, unpack(members))
            local ready, due, flows, added = {}, {}, {}, 0
            for n = 1, #ids do
              local i = 2 + (n - 1) * 6
              local at = tonumber(ARGV[i + 5])
              if not running[n] and not (waiting[n] and at > now and at >= tonumber(waiting[n])) then
                if waiting[n] then call('ZREM', SCH, members[n]) end
                if at > now then
                  due[#due + 1] = at
                  due[#due + 1] = members[n]
                else
                  local key = ARGV[i + 1] .. ':' .. ARGV[i + 2]
                  local list = ready[key]
                  if not list then
                    list = {}
                    ready[key] = list
                    flows[#flows + 1] = {tid = ARGV[i + 1], flow = ARGV[i + 2], list = list}
                  end
                  list[#list + 1] = math.max(tonumber(ARGV[i + 4]), at) - tonumber(ARGV[i + 3]) * \(Order.priorityStep)
                  list[#list + 1] = ARGV[i]
                end
              end
            end
            if #due > 0 then added = added + call('ZADD', SCH, unpack(due)) end
            if #flows > 0 then
              local V = tonumber(call('HGET', H, 'V') or 0)
              for _, f in ipairs(flows) do
                added = added + call('ZADD', p .. 'r:' .. f.tid .. ':' .. f.flow, 'NX', unpack(f.list))
                activate(f.tid, f.flow, V)
              end
              call('ZADD', BELL, 0, 'work')
            end
            return added
            """)
}
