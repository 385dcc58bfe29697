/// The one place that spells Redis keys.
///
/// All keys of a shard share the tag `{q:0}`, so a cluster keeps them together. What the index holds carries its epoch:
/// after a rebuild nothing of an older life can be reached, and Maintenance sweeps it away at leisure.
///
/// | key | type | content |
/// |---|---|---|
/// | `{q:0}:ep` | string | the epoch, or `B` and the epoch while it is rebuilt |
/// | `{q:0}:bell` | zset | rung when there is work; one blocked reader wakes a ring |
/// | `{q:0}:E:h` | hash | `V` virtual time, `seq` claims made, `ms` last clock seen, `reap`/`noreap` reaping clock |
/// | `{q:0}:E:act` | zset | tenants with ready work and room, score = start tag |
/// | `{q:0}:E:t:T` | hash | a tenant: `w` weight, `cap`, `inf` claims out, `F` finish tag |
/// | `{q:0}:E:r:T` | zset | a tenant's ready jobs, score = order |
/// | `{q:0}:E:sch` | zset | `T:priority:job`, score = due, ms |
/// | `{q:0}:E:lease` | zset | claimed jobs, score = lease end, ms |
/// | `{q:0}:E:run` | hash | claimed job → `T:token` |
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

    /// Opens every script: checks the epoch, names the keys, reads a clock that never goes back.
    ///
    /// KEYS[1] the epoch's key. ARGV[1] the epoch the caller believes in. The rest of a script sees its own arguments from ARGV[2].
    /// - Parameter whileBuilding: whether the script may also run during a rebuild of its epoch.
    static func prelude(whileBuilding: Bool = false) -> String {
        """
        local epoch = redis.call('GET', KEYS[1])
        if epoch ~= ARGV[1]\(whileBuilding ? " and epoch ~= 'B' .. ARGV[1]" : "") then
          return redis.error_reply('EPOCHLOST the index is of epoch ' .. tostring(epoch))
        end
        local base = string.sub(KEYS[1], 1, -3)
        local p = base .. ARGV[1] .. ':'
        local H, ACT, SCH, LEASE, RUN, BELL = p .. 'h', p .. 'act', p .. 'sch', p .. 'lease', p .. 'run', base .. 'bell'
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        -- Lets a tenant with ready work compete again, from the present on: time spent idle or full earns nothing.
        local function admit(tid, V)
          if redis.call('ZSCORE', ACT, tid) or redis.call('EXISTS', p .. 'r:' .. tid) == 0 then return end
          local t = redis.call('HMGET', p .. 't:' .. tid, 'inf', 'cap', 'F')
          if tonumber(t[1] or 0) >= tonumber(t[2] or \(TenantShare.standard.cap)) then return end
          redis.call('ZADD', ACT, math.max(V, tonumber(t[3] or 0)), tid)
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
