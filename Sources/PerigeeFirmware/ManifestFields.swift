package import PerigeeCore
package import PerigeeJSON

/// Typed access to the members of one JSON object; errors name the path.
struct ManifestFields {
    private let json: JSONValue
    let path: String

    init(_ json: JSONValue, path: String) {
        self.json = json
        self.path = path
    }

    private func error(_ name: String, _ expected: String) -> FirmwareError {
        let found = json[name]?.description ?? "absent"
        return .unusable(field: "\(path) \(name)", found: String(found.prefix(80)), expected: expected)
    }

    func text(_ name: String) throws(FirmwareError) -> String {
        guard let text = try optionalText(name), !text.isEmpty else {
            throw error(name, "a text of 1 to \(DeclarationLimit.text) octets")
        }
        return text
    }

    func optionalText(_ name: String) throws(FirmwareError) -> String? {
        switch json[name] {
        case nil, .null?: return nil
        case .string(let text)?
        where text.utf8.count <= DeclarationLimit.text && !text.unicodeScalars.contains { $0.value < 32 }:
            return text
        default: throw error(name, "a text of at most \(DeclarationLimit.text) octets")
        }
    }

    /// A finite number, or NaN where that is allowed and spelled "nan".
    func number(_ name: String, isNaNAllowed: Bool = false) throws(FirmwareError) -> Double? {
        switch json[name] {
        case nil, .null?: return nil
        case .string("nan")? where isNaNAllowed, .string("NaN")? where isNaNAllowed: return .nan
        default:
            guard let value = json[name]?.double else { throw error(name, "a number") }
            return value
        }
    }

    func positive(_ name: String) throws(FirmwareError) -> Double? {
        let value = try number(name)
        guard value.map({ $0 > 0 }) ?? true else { throw error(name, "a number above 0") }
        return value
    }

    func bool(_ name: String) throws(FirmwareError) -> Bool {
        switch json[name] {
        case nil, .null?: return false
        case .bool(let value)?: return value
        default: throw error(name, "true or false")
        }
    }

    func list(_ name: String, limit: Int) throws(FirmwareError) -> [ManifestFields] {
        guard case .array(let values)? = json[name] else { throw error(name, "a list") }
        guard values.count <= limit else {
            throw .outOfRange(field: "\(path) \(name)", value: values.count, limit: limit)
        }
        return values.enumerated().map { ManifestFields($0.element, path: "\(path) \(name)[\($0.offset)]") }
    }

    func texts(_ name: String, limit: Int) throws(FirmwareError) -> [String] {
        switch json[name] {
        case nil, .null?: return []
        default: break
        }
        return try list(name, limit: limit).map { (item) throws(FirmwareError) in
            guard case .string(let text) = item.json, text.utf8.count <= DeclarationLimit.text else {
                throw .unusable(field: item.path, found: "no text or a long one", expected: "a text")
            }
            return text
        }
    }

    func sampleType(_ name: String) throws(FirmwareError) -> SampleType {
        guard case .string(let text)? = json[name], let type = SampleType(name: text) else {
            throw error(name, "uint8, uint16, int16, int32 or float32")
        }
        return type
    }
}

extension SensorProfile {
    /// A profile from an object as in the `profiles` of a manifest.
    package init(parsingManifest json: JSONValue) throws(FirmwareError) {
        try self.init(manifest: ManifestFields(json, path: "profile"))
    }

    init(manifest fields: ManifestFields) throws(FirmwareError) {
        let bands = try fields.list("bands", limit: DeclarationLimit.bands).map { (item) throws(FirmwareError) in
            Band(
                name: try item.text("name"), centerWavelength: try item.positive("centerWavelength"),
                fullWidthHalfMax: try item.positive("fullWidthHalfMax"),
                groundSamplingDistance: try item.positive("groundSamplingDistance"),
                isCategorical: try item.bool("isCategorical"))
        }
        guard !bands.isEmpty, Set(bands.map(\.name)).count == bands.count else {
            throw .unusable(
                field: "\(fields.path) bands", found: bands.isEmpty ? "none" : "a name twice",
                expected: "one or more, each name once")
        }
        let scale = try fields.number("scale") ?? 1
        guard scale != 0 else {
            throw .unusable(field: "\(fields.path) scale", found: "0", expected: "a number that is not 0")
        }
        guard let peak = try fields.positive("peak") else {
            throw .unusable(field: "\(fields.path) peak", found: "absent", expected: "a number above 0")
        }
        self.init(
            name: try fields.text("name"), platform: try fields.optionalText("platform"),
            instruments: try fields.texts("instruments", limit: DeclarationLimit.instruments), bands: bands,
            sampleType: try fields.sampleType("sampleType"), scale: scale, offset: try fields.number("offset") ?? 0,
            nodata: try fields.number("nodata", isNaNAllowed: true), peak: peak)
    }
}
