import Foundation

/// CPU time of processes, read from /proc.
struct ProcessTimes: Sendable {
    /// Seconds of user and system time of a process and its living and waited-for children.
    static func cpu(of pid: Int32) -> Double {
        let own = times(of: pid)
        return children(of: pid).reduce(own) { $0 + times(of: $1) }
    }

    private static let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))

    private static func times(of pid: Int32) -> Double {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = stat.lastIndex(of: ")") else {
            return 0
        }
        // After the name: state is field 3, utime 14, stime 15, cutime 16, cstime 17.
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 14 else { return 0 }
        return (11...14).reduce(0) { $0 + (Double(fields[$1]) ?? 0) } / ticks
    }

    private static func children(of pid: Int32) -> [Int32] {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8) else { return [] }
        return text.split(separator: " ").compactMap { Int32($0) }
    }
}

/// The machine a figure was measured on.
public struct Machine: Codable, Sendable {
    public var processor: String
    public var cores: Int
    public var memoryGiB: Int

    public static var this: Machine {
        let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let name = cpu.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last.map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        return Machine(
            processor: name ?? "unknown", cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryGiB: Int((Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824).rounded()))
    }
}
