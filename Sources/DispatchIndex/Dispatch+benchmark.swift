import RedisClient

extension Dispatch {
    /// One script that claims a batch and acknowledges it, for measuring what Redis alone can do with our Lua.
    package var claimAndAcknowledge: String {
        """
        local reply = (function()
        \(RedisScript.claim.body)
        end)()
        local ends = {ARGV[1]}
        for i = 4, #reply, 3 do
          for j = 0, 2 do ends[#ends + 1] = reply[i + j] end
          ends[#ends + 1] = '5'
          ends[#ends + 1] = '-1'
          ends[#ends + 1] = '1'
        end
        if #ends == 1 then return 0 end
        return (function(ARGV)
        \(RedisScript.acknowledge.body)
        end)(ends)
        """
    }

    /// The script that pushes.
    package var push: String { RedisScript.push.source }

    /// Key, epoch and lease as the scripts take them.
    package var benchmarkArguments: (key: String, epoch: String, lease: String) { (keys.epoch, "\(epoch ?? 0)", "\(lease.milliseconds)") }
}

extension RedisScript {
    /// Without its first line, which says how Redis is to run it.
    fileprivate var body: Substring { source.hasPrefix("#!") ? source.drop { $0 != "\n" } : source[...] }
}
