public import PerigeeCore
import PerigeeJSON

/// Reads safetensors octets: u64 size of a JSON header, the header, then the numbers of all tensors without gaps.
public enum Safetensors {
    /// Octets of the JSON header.
    public static let headerLimit = 1 << 20
    /// Tensors in one file.
    public static let tensorLimit = 4_096
    /// Dimensions of one tensor.
    public static let rankLimit = 8

    private struct Entry {
        let name: String
        let type: String
        let shape: [Int]
        let range: Range<Int>
    }

    /// The tensors of `bytes`. Refuses headers that lie: unknown types, shapes that do not fit, overlaps, gaps, octets
    /// behind the last tensor, a name twice. Copies the numbers once.
    public static func parse(_ bytes: [UInt8], file: String) throws(FirmwareError) -> [String: Tensor] {
        var reader = ByteReader(bytes)
        guard let size = try? reader.read("header size", as: UInt64.self) else {
            throw .unusable(field: "\(file) header size", found: "\(bytes.count) octets", expected: "8 or more")
        }
        guard size <= UInt64(headerLimit) else {
            throw .outOfRange(field: "\(file) header size", value: Int(clamping: size), limit: headerLimit)
        }
        guard let header = try? reader.read("header", count: Int(size)) else {
            throw .unusable(
                field: "\(file) header", found: "\(reader.remaining) octets", expected: "\(size) octets")
        }
        let json: JSONValue
        do { json = try JSONValue(parsing: header, depthLimit: 4) } catch {
            throw .unusable(
                field: "\(file) header", found: "\(error.problem) at octet \(error.offset)", expected: "JSON")
        }
        let data = reader.readRest()
        let entries = try entries(json, size: data.count, file: file)
        var tensors: [String: Tensor] = [:]
        for entry in entries {
            let start = data.startIndex + entry.range.lowerBound
            let octets = data[start..<start + entry.range.count]
            guard let values = values(entry.type, octets) else {
                throw .unusable(
                    field: "\(file) type of \(entry.name)", found: entry.type,
                    expected: "F64, F32, I32, U32, I16, U16 or U8")
            }
            tensors[entry.name] = Tensor(shape: entry.shape, values: values)
        }
        return tensors
    }

    /// What the header says, checked, in the order of the octets.
    private static func entries(_ json: JSONValue, size: Int, file: String) throws(FirmwareError) -> [Entry] {
        guard case .object(let members) = json else {
            throw .unusable(field: "\(file) header", found: "no object", expected: "an object of tensors")
        }
        guard members.count <= tensorLimit else {
            throw .outOfRange(field: "\(file) tensors", value: members.count, limit: tensorLimit)
        }
        var entries: [Entry] = []
        var names: Set<String> = []
        for member in members where member.name != "__metadata__" {
            guard names.insert(member.name).inserted else {
                throw .unusable(field: "\(file) tensor", found: "\(member.name) twice", expected: "each name once")
            }
            entries.append(try entry(member.name, member.value, size: size, file: file))
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw .unusable(
                    field: "\(file) data_offsets of \(entry.name)", found: "a start at \(entry.range.lowerBound)",
                    expected: "\(end), where the tensor before it ends")
            }
            end = entry.range.upperBound
        }
        guard end == size else {
            throw .unusable(field: "\(file) data", found: "\(size) octets", expected: "\(end) octets")
        }
        return entries
    }

    private static func entry(
        _ name: String, _ value: JSONValue, size: Int, file: String
    ) throws(FirmwareError) -> Entry {
        guard case .string(let type)? = value["dtype"], let width = width(type) else {
            throw .unusable(
                field: "\(file) dtype of \(name)", found: value["dtype"]?.description ?? "absent",
                expected: "F64, F32, I32, U32, I16, U16 or U8")
        }
        guard let shape = whole(value["shape"]), shape.count <= rankLimit else {
            throw .unusable(
                field: "\(file) shape of \(name)", found: "no list or a long one",
                expected: "at most \(rankLimit) whole numbers")
        }
        guard let offsets = whole(value["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1],
            offsets[1] <= size
        else {
            throw .unusable(
                field: "\(file) data_offsets of \(name)", found: value["data_offsets"]?.description ?? "absent",
                expected: "[start, end] within \(size) octets")
        }
        var octets = width
        for dimension in shape {
            let (product, overflow) = octets.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                throw .outOfRange(field: "\(file) octets of \(name)", value: Int.max, limit: size)
            }
            octets = product
        }
        guard octets == offsets[1] - offsets[0] else {
            throw .unusable(
                field: "\(file) data_offsets of \(name)", found: "\(offsets[1] - offsets[0]) octets",
                expected: "\(octets) octets for \(type) \(shape)")
        }
        return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// A list of whole numbers that are not negative.
    private static func whole(_ value: JSONValue?) -> [Int]? {
        guard case .array(let values)? = value else { return nil }
        let numbers = values.compactMap { value -> Int? in
            guard case .integer(let number) = value, number >= 0 else { return nil }
            return Int(number)
        }
        return numbers.count == values.count ? numbers : nil
    }

    private static func width(_ type: String) -> Int? {
        switch type {
        case "F64": 8
        case "F32", "I32", "U32": 4
        case "I16", "U16": 2
        case "U8": 1
        default: nil
        }
    }

    private static func values(_ type: String, _ octets: ArraySlice<UInt8>) -> Tensor.Values? {
        switch type {
        case "F64": .float64(numbers(octets, UInt64.self) { Double(bitPattern: $0) })
        case "F32": .float32(numbers(octets, UInt32.self) { Float(bitPattern: $0) })
        case "I32": .int32(numbers(octets, Int32.self) { $0 })
        case "U32": .uint32(numbers(octets, UInt32.self) { $0 })
        case "I16": .int16(numbers(octets, Int16.self) { $0 })
        case "U16": .uint16(numbers(octets, UInt16.self) { $0 })
        case "U8": .uint8(Array(octets))
        default: nil
        }
    }

    private static func numbers<Raw: FixedWidthInteger, Number>(
        _ octets: ArraySlice<UInt8>, _ raw: Raw.Type, _ convert: (Raw) -> Number
    ) -> [Number] {
        octets.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Raw>.size).map { index in
                convert(
                    Raw(littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Raw>.size, as: Raw.self))
                )
            }
        }
    }
}
