import JSONEnvelope
import Jobs

extension JobKind {
    /// Everything wrong with a job's arguments: by the kind's schema and, where each field is of its type, by the very code that will read
    /// them when the job runs.
    func faults(in arguments: JSONNode?, path: String, maxBytes: Int) -> [FieldError] {
        let faults = self.arguments.faults(in: arguments, path: path, maxBytes: maxBytes)
        guard faults.isEmpty, let reading else { return faults }
        do {
            _ = try reading.init(json: arguments.map { Array($0.bytes) } ?? Array("{}".utf8))
            return []
        } catch let wrong as ArgumentFaults {
            return wrong.faults.map { FieldError($0.field.isEmpty ? path : "\(path).\($0.field)", .invalid, $0.message) }
        } catch let failure as Failure {
            return [FieldError(path, .invalid, failure.message)]
        } catch {
            return [FieldError(path, .invalid, "do not fit the kind \(name)")]
        }
    }
}

extension ArgumentSchema {
    /// Everything wrong with a job's arguments. Looks at spans only: nothing is decoded but short scalars.
    ///
    /// - Parameters:
    ///   - arguments: nil when there are none, which is an empty object.
    ///   - path: the way to them from the body's root.
    func faults(in arguments: JSONNode?, path: String, maxBytes: Int) -> [FieldError] {
        guard let arguments else {
            return fields.filter(\.isRequired).map { FieldError("\(path).\($0.name)", .missing, "is required") }
        }
        if arguments.bytes.count > maxBytes {
            return [FieldError(path, .tooLong, "has \(arguments.bytes.count) bytes; at most \(maxBytes) are taken")]
        }
        var reader = FieldReader(arguments, path: path)
        for field in fields { check(field, &reader) }
        return reader.finish().map { fault in
            guard fault.code == FieldError.Code.unknownField.rawValue, !fields.isEmpty else { return fault }
            return FieldError(fault.field, .unknownField, "\(fault.message); possible here: \(fields.map(\.name).joined(separator: ", ")).")
        }
    }

    private func check(_ field: Field, _ reader: inout FieldReader) {
        switch field.type {
        case .string(let maxLength): _ = reader.string(field.name, length: 0...maxLength, required: field.isRequired)
        case .name:
            guard let name = reader.string(field.name, length: 1...100, required: field.isRequired), !name.utf8.allSatisfy(\.isNameByte)
            else { return }
            reader.fail(field.name, .invalid, "may have letters, digits and . _ - : only")
        case .integer(let range):
            _ = reader.integer(field.name, in: Int(range.lowerBound)...Int(range.upperBound), required: field.isRequired)
        case .boolean: _ = reader.bool(field.name, required: field.isRequired)
        case .choice(let choices): _ = reader.choice(field.name, of: choices, required: field.isRequired)
        case .any(let maxBytes):
            guard let value = reader.value(field.name, required: field.isRequired), value.bytes.count > maxBytes else { return }
            reader.fail(field.name, .tooLong, "has \(value.bytes.count) bytes; at most \(maxBytes) are taken")
        }
    }
}

extension String {
    /// Whether a thing outside may be called so.
    var isDependencyName: Bool { (1...100).contains(utf8.count) && utf8.allSatisfy(\.isNameByte) }
}

extension UInt8 {
    fileprivate var isNameByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".-_:".utf8.contains(self)
        }
    }
}
