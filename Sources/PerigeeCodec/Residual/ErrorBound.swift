public import PerigeeCore

/// How far a sample of the decoded frame may lie from the original: what the residual layer keeps to. Bounds are in units
/// of the samples (DN), invalid samples are exact in any case.
public enum ErrorBound: Equatable, Sendable {
    /// Every sample comes back as it was.
    case lossless
    /// One bound for all bands; 0 is lossless.
    case uniform(Double)
    /// A bound for each band, in the order of the samples.
    case byBand([Double])

    /// Bounds of named bands; what is not named has `rest`, or is lossless. Refuses a name that the stream does not have.
    public static func named(
        _ bounds: [(band: String, bound: Double)], rest: Double = 0, of stream: StreamDescription
    ) throws(CodecError) -> ErrorBound {
        var all = [Double](repeating: rest, count: stream.bands.count)
        for (name, bound) in bounds {
            guard let band = stream.bands.firstIndex(where: { $0.name == name }) else {
                let names = stream.bands.prefix(24).map(\.name).joined(separator: " ")
                throw .unusable(field: "band of an error bound", found: name, expected: "one of \(names)")
            }
            all[band] = bound
        }
        return .byBand(all)
    }

    /// The greatest bound of a sample type: half of its range.
    static func limit(_ type: SampleType) -> Double {
        switch type {
        case .uint8: 127
        case .uint16, .int16: 32_767
        case .int32: 1_073_741_823
        case .float32: Double(Float.greatestFiniteMagnitude)
        }
    }

    /// Bounds by band in coding order, each checked: whole numbers for integer types, above 0 for float32.
    func resolved(for stream: StreamDescription) throws(CodecError) -> [Double] {
        let bounds: [Double]
        switch self {
        case .lossless: bounds = [Double](repeating: 0, count: stream.bands.count)
        case .uniform(let bound): bounds = [Double](repeating: bound, count: stream.bands.count)
        case .byBand(let list): bounds = list
        }
        guard bounds.count == stream.bands.count else {
            throw .mismatch(
                field: "error bounds", found: "\(bounds.count) numbers", expected: "\(stream.bands.count) bands")
        }
        for (band, bound) in zip(stream.bands, bounds) {
            try Self.check(bound, type: stream.sampleType, band: band.name)
        }
        return stream.codingOrder.map { bounds[$0] }
    }

    private static func check(_ bound: Double, type: SampleType, band: String) throws(CodecError) {
        let limit = limit(type)
        if type == .float32 {
            let least = Double(Float.leastNormalMagnitude)
            guard bound >= least, bound <= limit else {
                throw .unusable(
                    field: "error bound of band \(band)", found: "\(bound)",
                    expected: "a number above 0 for float32 samples (lossless ones are coded verbatim)")
            }
        } else {
            guard bound >= 0, bound <= limit, bound == bound.rounded() else {
                throw .unusable(
                    field: "error bound of band \(band)", found: "\(bound)",
                    expected: "a whole number from 0 to \(Int(limit)) for \(type.name) samples")
            }
        }
    }
}
