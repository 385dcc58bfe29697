import RedisClient

extension RedisClient {
    /// Lets the clock of Redis step, as one index sees it: whatever it noted of the time is that much further in its past.
    ///
    /// - Parameter base: what the names of all the index's keys begin with.
    func stepClock(ofIndex base: String, by step: Duration) async throws {
        let milliseconds = step / .milliseconds(1)
        _ = try await send(["EVAL", RedisArgument(Self.clockStep), "0", RedisArgument(base), RedisArgument("\(Int(milliseconds))")])
    }

    private static let clockStep = """
        local base, step = ARGV[1], tonumber(ARGV[2])
        local times = {h = {'lat', 'reap', 'noreap'}, t = {'tts', 'lat'}, f = {'since'}, df = {'noted', 'at', 'since', 'busy'}}
        local scored = {lease = true, sch = true, thr = true, fs = true, blk = true}
        for _, key in ipairs(redis.call('KEYS', base .. '*')) do
          local kind = string.match(string.sub(key, #base + 1), '^%a+')
          if scored[kind] then
            local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
            for i = 1, #all, 2 do redis.call('ZADD', key, tonumber(all[i + 1]) - step, all[i]) end
          end
          for _, field in ipairs(times[kind] or {}) do
            local at = redis.call('HGET', key, field)
            if at and tonumber(at) > 0 then redis.call('HSET', key, field, tonumber(at) - step) end
          end
        end
        """
}
