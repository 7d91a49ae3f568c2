public import PerigeeCore
import PerigeeJSON

extension Safetensors {
    /// Octets of a file with these tensors in the order of their names: the same tensors, the same octets.
    public static func pack(_ tensors: [String: Tensor]) -> [UInt8] {
        var members: [JSONValue.Member] = []
        var data = ByteWriter()
        for (name, tensor) in tensors.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let start = data.bytes.count
            let type = write(tensor.values, &data)
            members.append(
                JSONValue.Member(
                    name,
                    .object([
                        JSONValue.Member("dtype", .string(type)),
                        JSONValue.Member("shape", .array(tensor.shape.map { .integer($0) })),
                        JSONValue.Member(
                            "data_offsets",
                            .array([.integer(start), .integer(data.bytes.count)])),
                    ])))
        }
        // spaces align the numbers to 8 octets, as other readers like it
        var header = Array(JSONValue.object(members).description.utf8)
        header += [UInt8](repeating: 32, count: -header.count & 7)
        var writer = ByteWriter()
        writer.write(UInt64(header.count))
        writer.write(header)
        writer.write(data.bytes)
        return writer.bytes
    }

    /// Appends the numbers; gives the name of their type.
    private static func write(_ values: Tensor.Values, _ data: inout ByteWriter) -> String {
        switch values {
        case .float64(let numbers):
            for number in numbers { data.write(number) }
            return "F64"
        case .float32(let numbers):
            for number in numbers { data.write(number) }
            return "F32"
        case .int32(let numbers):
            for number in numbers { data.write(number) }
            return "I32"
        case .uint32(let numbers):
            for number in numbers { data.write(number) }
            return "U32"
        case .int16(let numbers):
            for number in numbers { data.write(number) }
            return "I16"
        case .uint16(let numbers):
            for number in numbers { data.write(number) }
            return "U16"
        case .uint8(let numbers):
            data.write(numbers)
            return "U8"
        }
    }
}
