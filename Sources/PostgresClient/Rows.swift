import CLibPQ
import Glibc

/// A statement's answer: its rows, and how many rows it touched. Values are decoded when asked for.
public struct Rows: Sendable, RandomAccessCollection {
    let result: ResultHandle
    public let startIndex = 0
    public let endIndex: Int

    init(_ result: ResultHandle) {
        self.result = result
        endIndex = Int(PQntuples(result.pointer))
    }

    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < endIndex, "row \(position) of \(endIndex)")
        return Row(result: result, number: Int32(position))
    }

    /// Rows inserted, updated, deleted, selected or copied, from the command tag.
    public var affected: Int { Int(String(cString: PQcmdTuples(result.pointer))) ?? 0 }

    /// The command tag, such as `UPDATE 3`.
    var tag: String { String(cString: PQcmdStatus(result.pointer)) }

    /// The columns' names, in order.
    public var columns: [String] {
        (0..<PQnfields(result.pointer)).map { String(cString: PQfname(result.pointer, $0)) }
    }
}

/// One row of an answer.
public struct Row: Sendable {
    let result: ResultHandle
    let number: Int32

    /// The value of the first column of that name.
    public func get<Value: PostgresDecodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        guard let index = result.index(of: column) else {
            throw PostgresError(.decoding, "the answer has no column \"\(column)\"")
        }
        return try value(index)
    }

    /// The value of a column counted from 0.
    public func get<Value: PostgresDecodable>(_ column: Int, as type: Value.Type = Value.self) throws -> Value {
        guard column >= 0, column < PQnfields(result.pointer) else {
            throw PostgresError(.decoding, "the answer has no column \(column)")
        }
        return try value(Int32(column))
    }

    private func value<Value: PostgresDecodable>(_ column: Int32) throws -> Value {
        do {
            guard PQgetisnull(result.pointer, number, column) == 0 else { return try Value.decodeNull() }
            return try Value.decode(cell(column))
        } catch var error as PostgresError where error.column == nil {
            error.column = String(cString: PQfname(result.pointer, column))
            error.message = "column \"\(error.column!)\": \(error.message)"
            throw error
        }
    }

    private func cell(_ column: Int32) -> PostgresCell {
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(result.pointer, number, column), count: Int(PQgetlength(result.pointer, number, column)))
        return PostgresCell(
            type: PostgresType(rawValue: PQftype(result.pointer, column)), isText: PQfformat(result.pointer, column) == 0,
            bytes: bytes, owner: result)
    }
}

/// Owns a `PGresult`.
///
/// `@unchecked Sendable`: libpq documents a `PGresult` as safe to share between threads once made, as long as nobody changes it, and
/// nothing here does; it is freed with the last reference.
final class ResultHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    /// The first column of that name. `PQfnumber` would fold its case and allocate.
    func index(of column: String) -> Int32? {
        var column = column
        return column.withUTF8 { wanted in
            (0..<PQnfields(pointer)).first { index in
                let name = PQfname(pointer, index)!
                return strlen(name) == wanted.count && memcmp(name, wanted.baseAddress!, wanted.count) == 0
            }
        }
    }
}
