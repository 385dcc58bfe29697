import Foundation
import JSONEnvelope
import Logging

/// Writes log lines as JSON objects, one a line: `time`, `level`, `message`, `logger`, then what the line carries.
public struct JSONLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: takes one whole line; standard error when not given.
    public init(label: String, write: @escaping @Sendable ([UInt8]) -> Void = JSONLogHandler.standardError) {
        self.label = label
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let carried = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        var line = JSONWriter.object(capacity: 256) { object in
            object.member("time", Date())
            object.member("level", event.level.rawValue)
            object.member("message", event.message.description)
            object.member("logger", label)
            // A value must not pass itself off as the line's own.
            for (key, value) in carried.sorted(by: { $0.key < $1.key }) {
                object.member(["time", "level", "message", "logger"].contains(key) ? key + "_" : key, value)
            }
        }
        line.append(UInt8(ascii: "\n"))
        write(line)
    }

    /// One call for one line, so that lines of several threads do not mix.
    @Sendable public static func standardError(_ line: [UInt8]) { try? FileHandle.standardError.write(contentsOf: Data(line)) }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): member(name, text)
        case .stringConvertible(let value): member(name, value.description)
        case .array(let values): array(name) { list in for value in values { list.element(value.description) } }
        case .dictionary(let values):
            object(name) { object in for (key, value) in values.sorted(by: { $0.key < $1.key }) { object.member(key, value) } }
        }
    }
}
