import RedisClient

extension RedisScript {
    /// Takes a job that waits out of its line, or out of what is scheduled; one that is claimed stays. ARGV: epoch, id, tenant, flow,
    /// priority. Repeating it changes nothing.
    ///
    /// A line that is empty then waits at no gate any more: how long it has been held back counts from its next job on. Whether it may
    /// compete is left to whoever claims, who drops a line without jobs.
    static let withdraw = RedisScript(
        Keys.prelude() + """
            local line = ARGV[3] .. ':' .. ARGV[4]
            call('ZREM', SCH, ARGV[3] .. ':' .. ARGV[5] .. ':' .. ARGV[2] .. ':' .. ARGV[4])
            if call('ZREM', p .. 'r:' .. line, ARGV[2]) == 1 and call('EXISTS', p .. 'r:' .. line) == 0 then
              local gate = call('HGET', p .. 'f:' .. line, 'blk')
              if gate then
                call('ZREM', p .. 'blk:' .. gate, line)
                call('HDEL', p .. 'f:' .. line, 'blk', 'since')
              end
            end
            return 1
            """)
}
