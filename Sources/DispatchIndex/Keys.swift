/// The one place that spells Redis keys.
///
/// All keys of a shard share the tag `{q:0}`, so a cluster keeps them together. What the index holds carries its epoch:
/// after a rebuild nothing of an older life can be reached, and Maintenance sweeps it away at leisure.
///
/// | key | type | content |
/// |---|---|---|
/// | `{q:0}:ep` | string | the epoch, or `B` and the epoch while it is rebuilt |
/// | `{q:0}:bell` | zset | rung when there is work; one blocked reader wakes a ring |
/// | `{q:0}:E:h` | hash | `V` virtual time, `seq` claims made, `mean` cost of a job, ms, `lately` worker-time given lately at `lat`, `reap`/`noreap` reaping clock, `least` capacity of any tenant |
/// | `{q:0}:E:act` | zset | tenants with claimable work and room, score = start tag |
/// | `{q:0}:E:thr` | zset | tenants with claimable work but no token, score = when they have one, ms |
/// | `{q:0}:E:t:T` | hash | a tenant: `w` weight, `cap`, `inf` claims out, `F` finish tag, `v` virtual time of its flows, `rate`, `burst`, `tok` tokens at `tts`, `got` worker-time received, ms, `lately` the same fading, at `lat`, `thr` time throttled, ms, `rcap` most ready jobs of a flow |
/// | `{q:0}:E:ta:T` | zset | the tenant's flows with claimable work, score = start tag |
/// | `{q:0}:E:f:T:FLOW` | hash | a flow: `c` cost of a job, ms, `inf` claims out, `F` finish tag, `blk` the gate it waits at, `since` |
/// | `{q:0}:E:fs:T` | zset | flows the tenant used lately, score = when, ms |
/// | `{q:0}:E:r:T:FLOW` | zset | ready jobs, score = order |
/// | `{q:0}:E:dfr` | set | flows with deferred jobs, `T:FLOW` |
/// | `{q:0}:E:df:T:FLOW` | hash | such a flow: `n` jobs deferred, `noted` when the last of them was, `from` place of the first of them, `win` most ready jobs for now, `lvl` ready jobs after it was filled last, at `at`, or when it came to be, at `since`, `rate` jobs drained a second, `busy` until when somebody fills it |
/// | `{q:0}:E:sch` | zset | `T:priority:job:FLOW`, score = due, ms |
/// | `{q:0}:E:lease` | zset | claimed jobs, score = lease end, ms |
/// | `{q:0}:E:run` | hash | claimed job → `T:token:cost:FLOW` |
/// | `{q:0}:E:gate` | hash | gate → most claims through it; a gate that is not there is open |
/// | `{q:0}:E:ginf` | hash | gate → claims out through it |
/// | `{q:0}:E:blk:GATE` | zset | flows waiting at the gate, `T:FLOW`, score = since, ms |
/// | `{q:0}:E:wake` | set | gates with room and flows waiting |
///
/// A job of kind K and dependency D passes the gates `k:K`, `T/k:K`, `d:D` and `T/d:D`. Pausing a kind, a breaker that is open, a
/// limit on what runs at once: all are limits of gates, and a closed one is a limit of 0.
struct Keys: Sendable {
    let namespace: String

    var epoch: String { "\(namespace){q:0}:ep" }
    var bell: String { "\(namespace){q:0}:bell" }
    /// Everything of this shard, of whatever epoch.
    var pattern: String { "\(namespace){q:0}:*" }

    func named(_ name: String, epoch: Int64) -> String { "\(namespace){q:0}:\(epoch):\(name)" }

    /// Which epoch a key belongs to; nil for those that outlive epochs.
    func epoch(of key: String) -> Int64? {
        guard key.hasPrefix("\(namespace){q:0}:") else { return nil }
        let rest = key.dropFirst("\(namespace){q:0}:".count)
        return rest.firstIndex(of: ":").flatMap { Int64(rest[..<$0]) }
    }

    /// Opens every script: checks the epoch, names the keys, reads the clock.
    ///
    /// KEYS[1] the epoch's key. ARGV[1] the epoch the caller believes in. The rest of a script sees its own arguments from ARGV[2].
    /// - Parameters:
    ///   - whileBuilding: whether the script may also run during a rebuild of its epoch.
    ///   - evenWhenFull: whether it runs although Redis has no memory left. What takes little or frees some must: a script that may not
    ///     is refused as a whole, one that says nothing is stopped at its first write that takes memory, halfway.
    static func prelude(whileBuilding: Bool = false, evenWhenFull: Bool = true) -> String {
        """
        #!lua\(evenWhenFull ? " flags=allow-oom" : "")
        local epoch = redis.call('GET', KEYS[1])
        if epoch ~= ARGV[1]\(whileBuilding ? " and epoch ~= 'B' .. ARGV[1]" : "") then
          return redis.error_reply('EPOCHLOST the index is of epoch ' .. tostring(epoch))
        end
        local base = string.sub(KEYS[1], 1, -3)
        local p = base .. ARGV[1] .. ':'
        local H, ACT, THR, SCH, LEASE, RUN = p .. 'h', p .. 'act', p .. 'thr', p .. 'sch', p .. 'lease', p .. 'run'
        local GATE, GINF, WAKE, DFR, BELL = p .. 'gate', p .. 'ginf', p .. 'wake', p .. 'dfr', base .. 'bell'
        local call = redis.call
        local time = call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        -- Worker-time given lately, ms: what was given a minute ago counts half.
        local function faded(sum, at) return sum and tonumber(sum) * 0.5 ^ (math.max(0, now - tonumber(at)) / 60000) or 0 end

        -- Lets a tenant with claimable work compete again, from the present on: time spent idle or full earns nothing.
        local function admit(tid, V)
          if call('ZSCORE', ACT, tid) or call('ZSCORE', THR, tid) or call('EXISTS', p .. 'ta:' .. tid) == 0 then return end
          local t = call('HMGET', p .. 't:' .. tid, 'inf', 'cap', 'F')
          if tonumber(t[1] or 0) >= tonumber(t[2] or \(TenantShare.standard.cap)) then return end
          call('ZADD', ACT, math.max(V, tonumber(t[3] or 0)), tid)
        end

        -- The same for a flow with ready jobs, and for its tenant. A flow that waits at a gate goes on waiting.
        local function activate(tid, flow, V)
          local ta = p .. 'ta:' .. tid
          if call('ZSCORE', ta, flow) then return end
          local f = call('HMGET', p .. 'f:' .. tid .. ':' .. flow, 'F', 'blk')
          if f[2] then return end
          call('ZADD', ta, math.max(tonumber(call('HGET', p .. 't:' .. tid, 'v') or 0), tonumber(f[1] or 0)), flow)
          if string.find(flow, '@', 1, true) then call('PERSIST', p .. 'f:' .. tid .. ':' .. flow) end
          if call('ZADD', p .. 'fs:' .. tid, now, flow) == 1 then call('ZREMRANGEBYRANK', p .. 'fs:' .. tid, 0, -1001) end
          admit(tid, V)
        end

        -- The gates a flow's jobs pass. The tenant's gate of a kind is only ever open or closed, so nothing is counted there.
        local function gatesOf(tid, flow)
          local at = string.find(flow, '@', 1, true)
          if not at then return {'k:' .. flow, tid .. '/k:' .. flow} end
          local kind, dependency = string.sub(flow, 1, at - 1), string.sub(flow, at + 1)
          return {'k:' .. kind, tid .. '/k:' .. kind, 'd:' .. dependency, tid .. '/d:' .. dependency}
        end

        -- Counts claims in (n > 0) or out of a flow's gates. Many flows pass the same gates, so sums are written, once a script.
        local through = {}
        local function pass(tid, flow, n)
          for i, name in ipairs(gatesOf(tid, flow)) do
            if i ~= 2 then through[name] = (through[name] or 0) + n end
          end
        end

        -- Writes what passed; a gate that gets room wakes who waits there.
        local function notePassing(gated)
          for name, n in pairs(through) do
            if call('HINCRBY', GINF, name, n) <= 0 then call('HDEL', GINF, name) end
            if n < 0 and gated and call('EXISTS', p .. 'blk:' .. name) == 1 then call('SADD', WAKE, name) end
          end
        end

        """
    }
}

/// How one tenant's jobs are ordered: by the time they could first run, each level of priority worth `priorityStep` of it.
///
/// Level 9 goes 40 minutes ahead of level 5, so urgent work passes a backlog and nothing waits for ever.
enum Order {
    static let priorityStep = 600_000  // milliseconds

    static func score(atMilliseconds: Int64, priority: Int) -> Int64 { atMilliseconds - Int64(priority * priorityStep) }
}
