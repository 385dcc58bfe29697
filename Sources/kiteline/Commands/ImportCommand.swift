import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Files into Kiteline, over the API.", subcommands: [Leads.self])

    struct Leads: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import leads from a CSV or NDJSON file.",
            discussion: """
                The file streams: its size does not matter. Each lead is assigned by a job of its own. A lead that is already known, \
                by source and external id, gets its fields updated and no second assignment, so a repeated import does no harm.
                """)

        @OptionGroup var remote: RemoteOptions

        @Argument(help: ArgumentHelp("The file; .csv or .ndjson tells its format.", valueName: "file"))
        var path: String

        @Option(help: "Where these leads come from.")
        var source: String

        @Option(help: ArgumentHelp("The column with each lead's id at its source.", valueName: "column"))
        var externalID: String

        @Option(help: ArgumentHelp("The column that says when it came in; without it, now.", valueName: "column"))
        var receivedAt: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Started: Decodable {
            let importId: String
        }

        private struct Summary: Decodable {
            struct Fault: Decodable {
                let line: Int?
                let field: String?
                let message: String
            }
            let state: String
            let rows: Int
            let accepted: Int
            let rejected: Int
            let errors: [Fault]
        }

        func run() async throws {
            let remote = try remote.remote()
            let file = try FileChunks(path)
            let isCSV = !["ndjson", "jsonl"].contains(URL(filePath: path).pathExtension.lowercased())
            let answer = try await remote.request(
                .post, "/v1/leads:import", query: ["source": source, "external_id": externalID, "received_at": receivedAt],
                body: .stream(file, length: .known(file.size)), type: isCSV ? "text/csv" : "application/x-ndjson", timeout: .hours(2))
            let id = try JSON.read(Started.self, from: answer).importId

            let data = try await remote.request(.get, "/v1/imports/\(id)")
            let summary = try JSON.read(Summary.self, from: data)
            json ? printLine(data) : show(summary, id)
            // Nothing at all was taken in: whoever runs this from a script has to hear of it.
            if summary.state == "failed" || summary.rows > 0 && summary.accepted == 0 { throw ExitCode(ExitStatus.failed) }
        }

        private func show(_ summary: Summary, _ id: String) {
            print("import \(id) \(summary.state): \(summary.rows) rows, \(summary.accepted) accepted, \(summary.rejected) rejected")
            for fault in summary.errors {
                let place = [fault.line.map { "line \($0)" }, fault.field].compactMap(\.self).joined(separator: ", ")
                print("  \(place.isEmpty ? "" : place + ": ")\(fault.message)")
            }
        }
    }
}

/// A file piece by piece, read on threads that may block.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let size: Int64
    private let handle: FileHandle

    init(_ path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path),
            let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeRegular,
            let size = attributes[.size] as? Int64 ?? (attributes[.size] as? Int).map(Int64.init)
        else { throw SetUpError("the file \(path) cannot be read") }
        self.handle = handle
        self.size = size
    }

    func makeAsyncIterator() -> Iterator { Iterator(handle: handle) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let handle: FileHandle

        func next() async throws -> ByteBuffer? {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async { [handle] in
                    continuation.resume(
                        with: Result { try handle.read(upToCount: 256 << 10).flatMap { $0.isEmpty ? nil : ByteBuffer(bytes: $0) } })
                }
            }
        }
    }
}
