import RedisClient

extension RedisScript {
    /// Makes jobs claimable, now or when due.
    ///
    /// ARGV: epoch, whether capacity counts (1 or 0), then for each job: id, tenant, flow, priority, ready-since ms (its place in
    /// line), due ms (0: now). Returns how many were new, how many are surplus, their positions from 1, then for each line with
    /// surplus that was offered jobs: tenant, flow, jobs deferred, jobs drained a second (or empty). At most 1,000 jobs a call.
    ///
    /// Atomic, so that a job is never both waiting and running: ids that are claimed or scheduled are passed over, unless a scheduled
    /// one comes due earlier; and one that stands in its line is not scheduled beside. Repeating it changes nothing.
    ///
    /// Where capacity counts, a line holds the tenant's capacity at most; the rest is surplus, not taken, for the caller to keep. From
    /// then on whatever would stand behind the first surplus job is surplus too, so that nothing overtakes what was deferred; what
    /// stands before it is taken, up to twice the capacity. A line below capacity costs one ZCARD, one that is offered
    /// scheduled jobs a ZMSCORE.
    static let push = RedisScript(
        Keys.prelude(whileBuilding: true, evenWhenFull: false) + surplusKeeping + """
            local bounded = ARGV[2] == '1'
            local ids, members = {}, {}
            for i = 3, #ARGV, 6 do
              ids[#ids + 1] = ARGV[i]
              members[#members + 1] = ARGV[i + 1] .. ':' .. ARGV[i + 3] .. ':' .. ARGV[i] .. ':' .. ARGV[i + 2]
            end
            local running = call('HMGET', RUN, unpack(ids))
            local waiting = call('ZMSCORE', SCH, unpack(members))
            local some = bounded and call('EXISTS', DFR) == 1
            local lines, flows, due, surplus, added, least = {}, {}, {}, {}, 0, 0

            local function lineOf(tid, flow)
              local key = tid .. ':' .. flow
              local f = lines[key]
              if not f then
                f = {tid = tid, flow = flow, list = {}, listed = {}, later = {}, at = {}, held = {}, extra = 0}
                local from = some and call('HGET', p .. 'df:' .. key, 'from')
                f.from = from and tonumber(from) or nil
                lines[key] = f
                flows[#flows + 1] = f
              end
              return f
            end

            local function defer(f, n, place)
              surplus[#surplus + 1] = n
              f.extra = f.extra + 1
              f.from = math.min(f.from or place, place)
            end

            for n = 1, #ids do
              local i = 3 + (n - 1) * 6
              local at = tonumber(ARGV[i + 5])
              if not running[n] and not (waiting[n] and at > now and at >= tonumber(waiting[n])) then
                local f = lineOf(ARGV[i + 1], ARGV[i + 2])
                local place = math.max(tonumber(ARGV[i + 4]), at) - tonumber(ARGV[i + 3]) * \(Order.priorityStep)
                if f.from and place >= f.from and not waiting[n] then
                  defer(f, n, place)
                elseif at > now then
                  f.later[#f.later + 1] = n
                else
                  if waiting[n] then
                    call('ZREM', SCH, members[n])
                    f.held[ids[n]] = true
                  end
                  f.list[#f.list + 1] = place
                  f.list[#f.list + 1] = ids[n]
                  f.listed[ids[n]] = true
                  f.at[#f.at + 1] = n
                end
              end
            end

            -- What came due before the clock went back is in its line, and stays there.
            local function schedule(f)
              local names = {}
              for j, n in ipairs(f.later) do names[j] = ids[n] end
              local ready = call('ZMSCORE', p .. 'r:' .. f.tid .. ':' .. f.flow, unpack(names))
              for j, n in ipairs(f.later) do
                if not ready[j] and not f.listed[ids[n]] then
                  due[#due + 1] = ARGV[8 + (n - 1) * 6]
                  due[#due + 1] = members[n]
                end
              end
            end

            -- Takes what there is room for, the first in line first; what the index holds already is no surplus.
            local function fit(f)
              local ready, count = p .. 'r:' .. f.tid .. ':' .. f.flow, #f.list / 2
              local held = call('ZCARD', ready)
              if held + count <= least then return end
              local capacity = tonumber(call('HGET', p .. 't:' .. f.tid, 'rcap') or \(TenantShare.standard.capacity))
              if f.from then capacity = capacity * 2 end
              if held + count <= capacity then return end
              local order = {}
              for j = 1, count do order[j] = j end
              table.sort(order, function(a, b)
                if f.list[a * 2 - 1] ~= f.list[b * 2 - 1] then return f.list[a * 2 - 1] < f.list[b * 2 - 1] end
                return a < b
              end)
              local names = {}
              for j = 1, count do names[j] = f.list[j * 2] end
              local known = call('ZMSCORE', ready, unpack(names))
              local list, room = {}, math.max(0, capacity - held)
              for _, j in ipairs(order) do
                if known[j] or f.held[names[j]] or room > 0 then
                  if not known[j] then room = room - 1 end
                  list[#list + 1] = f.list[j * 2 - 1]
                  list[#list + 1] = f.list[j * 2]
                else
                  defer(f, f.at[j], f.list[j * 2 - 1])
                end
              end
              f.list = list
            end

            for _, f in ipairs(flows) do
              if #f.later > 0 then schedule(f) end
            end
            if #due > 0 then added = added + call('ZADD', SCH, unpack(due)) end
            if #flows > 0 then
              local h = call('HMGET', H, 'V', 'least')
              local V = tonumber(h[1] or 0)
              least = tonumber(h[2] or \(TenantShare.standard.capacity))
              local rings = false
              for _, f in ipairs(flows) do
                if #f.list > 0 then
                  if bounded then fit(f) end
                  if #f.list > 0 then
                    added = added + call('ZADD', p .. 'r:' .. f.tid .. ':' .. f.flow, 'NX', unpack(f.list))
                    activate(f.tid, f.flow, V)
                  end
                  rings = true
                end
              end
              if rings then call('ZADD', BELL, 0, 'work') end
            end
            local reply = {added, #surplus}
            for n = 1, #surplus do reply[n + 2] = surplus[n] end
            for _, f in ipairs(flows) do
              if f.from then
                local n, rate = noteSurplus(f.tid, f.flow, f.extra, f.from)
                for _, value in ipairs({f.tid, f.flow, n, rate}) do reply[#reply + 1] = value end
              end
            end
            return reply
            """)
}
