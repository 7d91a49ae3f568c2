import PerigeeCore

/// The first octets of a residual layer. Source: Docs/packet-format.md section 5.11.
struct ResidualHead: Equatable {
    /// Never the first two octets of a frame head.
    private static let marker: UInt8 = 255
    private static let kinds: (none: UInt8, shared: UInt8, byBand: UInt8) = (224, 225, 226)

    /// CRC-32C of the layers that the residual refers to.
    var checksum: UInt32
    /// Bounds by band in coding order.
    var bounds: [Double]

    /// Whether a layer begins as only residual layers do.
    static func begins(_ layer: ArraySlice<UInt8>) -> Bool {
        layer.starts(with: [marker]) && (layer.dropFirst().first ?? 0) >= kinds.none
    }

    static func checksum(of layers: some Sequence<ArraySlice<UInt8>>) -> UInt32 {
        var octets: [UInt8] = []
        for layer in layers { octets += layer }
        return CRC32C.checksum(octets[...])
    }

    func pack(type: SampleType) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.marker)
        let first = bounds.first ?? 0
        let isShared = bounds.allSatisfy { $0 == first }
        let isNone = isShared && first == 0
        writer.write(isNone ? Self.kinds.none : (isShared ? Self.kinds.shared : Self.kinds.byBand))
        writer.write(checksum)
        for bound in isNone ? [] : (isShared ? [first] : bounds) {
            if type == .float32 { writer.write(Float(bound)) } else { writer.writeVarint(Int(bound)) }
        }
        return writer.bytes
    }

    /// Head and its size; nil where the layer ends inside of it.
    static func parse(
        _ layer: ArraySlice<UInt8>, type: SampleType, bands: Int
    ) throws(FormatError) -> (head: ResidualHead, size: Int)? {
        var reader = ByteReader(layer)
        do throws(FormatError) {
            let marker = try reader.read("residual marker", as: UInt8.self)
            guard marker == Self.marker else {
                throw FormatError.unknown(field: "residual marker", value: "\(marker)", expected: "\(Self.marker)")
            }
            let kind = try reader.read("kind of error bounds", as: UInt8.self)
            guard kind <= kinds.byBand, kind >= (type == .float32 ? kinds.shared : kinds.none) else {
                throw FormatError.unknown(
                    field: "kind of error bounds", value: "\(kind)", expected: "224 to 226, for float32 225 or 226")
            }
            let checksum = try reader.read("checksum of the transform layers", as: UInt32.self)
            var bounds: [Double] = []
            for _ in 0..<(kind == kinds.none ? 0 : (kind == kinds.shared ? 1 : bands)) {
                bounds.append(try bound(&reader, type: type))
            }
            let all = kind == kinds.byBand ? bounds : [Double](repeating: bounds.first ?? 0, count: bands)
            return (ResidualHead(checksum: checksum, bounds: all), layer.count - reader.remaining)
        } catch {
            if case .truncated = error { return nil }
            throw error
        }
    }

    private static func bound(_ reader: inout ByteReader, type: SampleType) throws(FormatError) -> Double {
        guard type == .float32 else {
            return Double(try reader.readVarint("error bound", limit: Int(ErrorBound.limit(type))))
        }
        let bound = try reader.readFloat("error bound")
        guard bound.isFinite, bound >= Float.leastNormalMagnitude else {
            throw .unknown(field: "error bound", value: "\(bound)", expected: "a finite number above 0")
        }
        return Double(bound)
    }
}
