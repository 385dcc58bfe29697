import Jobs
import Logging

/// Every name under which log lines carry a value. Messages are constant, so that lines can be counted and searched by them; what
/// differs stands here. None of the values is personal: numbers, names of our own things, and errors in the words that are safe to show.
///
/// `Tests/ArchitectureTests` holds every call of a logger to this list.
public enum LogKey: String, CaseIterable, Sendable {
    // Of a job: every line about one carries the first four, and the fifth where it is traced.
    case tenant, job, kind, attempt
    case traceID = "trace_id"
    case errorClass = "class"
    // What went wrong.
    case error, reason
    // How many; `settled` since the worker began.
    case jobs, workers, running, settled
    // Of this process and its servers.
    case at, port, server, pid, signal, log, directory, chore, took, epoch
    // Of migrations and partitions.
    case number, name, from, to
}

extension Logger.Metadata {
    /// What every line about an attempt carries.
    public static func of(_ attempt: Attempt, _ more: [LogKey: Logger.MetadataValue] = [:]) -> Logger.Metadata {
        var values: Logger.Metadata = [
            LogKey.tenant.rawValue: "\(attempt.tenant)", LogKey.job.rawValue: "\(attempt.id)", LogKey.kind.rawValue: "\(attempt.kind)",
            LogKey.attempt.rawValue: "\(attempt.number)",
        ]
        if let trace = attempt.traceContext.flatMap(TraceParent.init) { values[LogKey.traceID.rawValue] = "\(trace.traceID)" }
        for (key, value) in more { values[key.rawValue] = value }
        return values
    }
}
