import PerigeeCore
import PerigeeJSON

extension FrameHeader {
    /// Reads a header of at most `limits.headerSize` octets. Nothing is allocated for the samples that it announces.
    public init(parsing bytes: ArraySlice<UInt8>, limits: FrameLimits) throws(FrameFormatError) {
        guard bytes.count <= limits.headerSize else {
            throw .headerTooLarge(size: bytes.count, limit: limits.headerSize)
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, depthLimit: FrameLimits.depth)
        } catch {
            throw .notJSON(offset: error.offset, problem: error.problem)
        }
        guard case .object(let members) = value else {
            throw .notJSON(offset: 0, problem: "an object should stand here")
        }
        let fields = HeaderFields(members)
        let version = try fields.needed("v", "the integer 1, version 1 is what this station reads") { $0.int }
        guard version == Self.version else {
            throw .wrong(field: "v", found: "\(version)", expected: "1, version 1 is what this station reads")
        }
        kind = try fields.needed("kind", "\"frame\", \"heartbeat\" or \"end\"") { value in
            if case .string(let text) = value { Kind(rawValue: text) } else { nil }
        }
        sensor = try fields.neededText("sensor")
        run = try fields.neededText("run")
        let sequence = try fields.optional("seq", "an integer from 0 to 2^53 - 1") { value in
            value.int.flatMap { (0...(1 << 53) - 1).contains($0) ? $0 : nil }
        }
        self.sequence = sequence
        description = FrameDescription(sensor: sensor, bandNames: [])
        guard kind == .frame else { return }
        if sequence == nil { throw .missing(field: "seq") }
        let shape = try Self.shape(fields, limits: limits)
        self.shape = shape
        description.bandNames = try Self.bandNames(fields, count: shape.bands)
        try readCoding(fields, type: shape.type)
        try readConditions(fields)
        description.georeference = try Self.georeference(fields)
    }

    private static func shape(_ fields: HeaderFields, limits: FrameLimits) throws(FrameFormatError) -> Shape {
        let type = try fields.needed(
            "dtype", "uint8, uint16, int16, int32 or float32 with little-endian octets, as array.astype(\"<u2\") gives"
        ) { value in
            if case .string(let name) = value { SampleType(name: name) } else { nil }
        }
        let expected =
            "[bands, rows, columns], three integers of 1 or more, at most 1,024 bands and 2^20 rows and columns"
        let sides = try fields.needed("shape", expected) { value -> [Int]? in
            guard case .array(let items) = value, items.count == 3 else { return nil }
            let sides = items.compactMap(\.int)
            let limits = [DeclarationLimit.bands, DeclarationLimit.side, DeclarationLimit.side]
            return sides.count == 3 && zip(sides, limits).allSatisfy({ $0 >= 1 && $0 <= $1 }) ? sides : nil
        }
        // 2^10 bands, 2^20 rows and columns, 2^2 octets: below 2^53, so the product cannot overflow.
        let size = sides.reduce(type.size, *)
        guard size <= limits.frameSize else { throw .frameTooLarge(size: size, limit: limits.frameSize) }
        return Shape(type: type, bands: sides[0], rows: sides[1], columns: sides[2], size: size)
    }

    private static func bandNames(_ fields: HeaderFields, count: Int) throws(FrameFormatError) -> [String] {
        let names = try fields.needed("bands", "a list of band names, texts of 1 to 64 octets") { value -> [String]? in
            guard case .array(let items) = value else { return nil }
            let names = items.compactMap { HeaderFields.text($0["name"] ?? $0) }
            return names.count == items.count ? names : nil
        }
        guard names.count == count else {
            throw .wrong(
                field: "bands", found: "\(names.count) names",
                expected: "\(count) names, as many as the shape has bands")
        }
        guard Set(names).count == count else {
            throw .wrong(field: "bands", found: "a list with a name twice", expected: "each band once")
        }
        return names
    }

    private mutating func readCoding(_ fields: HeaderFields, type: SampleType) throws(FrameFormatError) {
        encoding =
            try fields.optional("encoding", "\"none\" or \"zstd\"") { value in
                if case .string(let text) = value { Encoding(rawValue: text) } else { nil }
            } ?? .none
        checksum = try fields.optional("crc32c", "an integer from 0 to 2^32 - 1") { value in
            value.int.flatMap { UInt32(exactly: $0) }
        }
        if fields.has("nodata") {
            nodata =
                try fields.optional("nodata", "a number, \"nan\" or null") { value -> Nodata? in
                    if value == .string("nan") || value == .string("NaN") { return .value(.nan) }
                    return value.double.map(Nodata.value)
                } ?? .none
            // A value that the type cannot hold marks nothing.
            if case .value(let value) = nodata, !type.holds(value) { nodata = .none }
            if case .value(let value) = nodata { description.nodata = type == .float32 ? Double(Float(value)) : value }
        }
        description.scale = try fields.optional("scale", "a number that is not 0") { value in
            value.double.flatMap { $0 == 0 ? nil : $0 }
        }
        description.offset = try fields.optional("offset", "a number") { $0.double }
    }

    private mutating func readConditions(_ fields: HeaderFields) throws(FrameFormatError) {
        description.place = try fields.optionalText("place")
        description.group = try fields.optionalText("group")
        description.platform = try fields.optionalText("platform")
        description.instruments = try fields.optional(
            "instruments", "a list of at most \(DeclarationLimit.instruments) texts of 1 to 64 octets"
        ) { value -> [String]? in
            guard case .array(let items) = value, items.count <= DeclarationLimit.instruments else { return nil }
            let texts = items.compactMap(HeaderFields.text)
            return texts.count == items.count ? texts : nil
        }
        description.datetime = try fields.optional(
            "datetime", "an RFC 3339 time in the years 0 to 9999 such as \"2018-08-04T10:46:29Z\", or null"
        ) { value -> Timestamp? in
            guard case .string(let text) = value, let time = Timestamp(rfc3339: text),
                (-62_167_219_200_000...253_402_300_799_999).contains(time.milliseconds)
            else { return nil }
            return time
        }
        let sun = try fields.optional("view:sun_elevation", "degrees from -90 to 90, or null") { value in
            value.double.flatMap { (-90...90).contains($0) ? $0 : nil }
        }
        description.sunElevation = sun.flatMap { $0 < -37 ? nil : $0 }  // what a packet cannot say is unknown
        _ = try fields.optional("gsd", "metres above 0, or null") { value in
            value.double.flatMap { $0 > 0 ? $0 : nil }
        }
        _ = try fields.optional("bbox", "4 or 6 numbers, or null") { value in
            HeaderFields.numbers(value, counts: [4, 6])
        }
    }

    private static func georeference(_ fields: HeaderFields) throws(FrameFormatError) -> GeoReference? {
        let epsg = try fields.optional("proj:code", "\"EPSG:n\" with n from 1024 to 32767, or null") { value -> Int? in
            if case .string(let text) = value { GeoReference.epsg(code: text) } else { nil }
        }
        let transform = try fields.optional(
            "proj:transform",
            "6 numbers, or 9 of which the last are 0, 0, 1, of a transform that is not singular; or null"
        ) { value -> [Double]? in
            guard let numbers = HeaderFields.numbers(value, counts: [6, 9]) else { return nil }
            guard numbers.count == 6 || numbers[6...].elementsEqual([0, 0, 1]) else { return nil }
            let determinant = numbers[0] * numbers[4] - numbers[1] * numbers[3]
            return determinant.isFinite && determinant != 0 ? Array(numbers[..<6]) : nil
        }
        guard let epsg, let transform else { return nil }
        return GeoReference(epsg: epsg, transform: transform)
    }
}

extension FrameHeader {
    /// Sensor, run and sequence of a header that may be wrong elsewhere, so that a refused frame is not also a missed one.
    public static func identity(
        parsing bytes: ArraySlice<UInt8>, limits: FrameLimits
    ) -> (sensor: String, run: String, sequence: Int)? {
        guard bytes.count <= limits.headerSize,
            let value = try? JSONValue(parsing: bytes, depthLimit: FrameLimits.depth),
            let sensor = value["sensor"].flatMap(HeaderFields.text), let run = value["run"].flatMap(HeaderFields.text),
            value["kind"] == .string(Kind.frame.rawValue), let sequence = value["seq"]?.int,
            (0...(1 << 53) - 1).contains(sequence)
        else { return nil }
        return (sensor, run, sequence)
    }
}

/// The members of a header, and what is asked of them.
private struct HeaderFields {
    private let values: [String: JSONValue]

    init(_ members: [JSONValue.Member]) {
        values = Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
    }

    func has(_ field: String) -> Bool { values[field] != nil }

    /// The value of a field that may be absent or null; `read` gives nil for a value that will not do.
    func optional<Value>(
        _ field: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(FrameFormatError) -> Value? {
        guard let value = values[field], value != .null else { return nil }
        guard let result = read(value) else {
            throw .wrong(field: field, found: Self.shortened(value), expected: expected)
        }
        return result
    }

    func needed<Value>(
        _ field: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(FrameFormatError) -> Value {
        guard let value = try optional(field, expected, read) else { throw .missing(field: field) }
        return value
    }

    func neededText(_ field: String) throws(FrameFormatError) -> String {
        try needed(field, "a text of 1 to 64 octets without control characters", Self.text)
    }

    func optionalText(_ field: String) throws(FrameFormatError) -> String? {
        try optional(field, "a text of 1 to 64 octets without control characters, or null", Self.text)
    }

    static func text(_ value: JSONValue) -> String? {
        guard case .string(let text) = value, FrameHeader.isText(text) else { return nil }
        return text
    }

    static func numbers(_ value: JSONValue, counts: Set<Int>) -> [Double]? {
        guard case .array(let items) = value, counts.contains(items.count) else { return nil }
        let numbers = items.compactMap(\.double)
        return numbers.count == items.count ? numbers : nil
    }

    private static func shortened(_ value: JSONValue) -> String {
        let text = value.description
        return text.count > 64 ? String(text.prefix(61)) + "..." : text
    }
}

extension SampleType {
    /// A sample of this type can have that value.
    func holds(_ value: Double) -> Bool {
        if self == .float32 { return value.isNaN || Float(value).isFinite }
        return range.contains(value) && value.rounded() == value
    }
}

extension FrameHeader {
    /// Whether a name (of a sensor, a band, a place) is one that headers and packets hold: 1 to 64 octets without control
    /// characters.
    package static func isText(_ text: String) -> Bool {
        (1...DeclarationLimit.text).contains(text.utf8.count) && !text.unicodeScalars.contains { $0.value < 32 }
    }
}
