import CPerigeeKernels
import PerigeeCore

/// Constants between samples and values, where 10,000 is the profile's peak. Source: Docs/packet-format.md, section 5.1.
struct Normalisation: Sendable {
    let type: SampleType
    let rows: Int
    let columns: Int
    /// Index in the samples of each band in coding order.
    let codingOrder: [Int]
    let gain: Float
    let inverseGain: Float
    /// By band in coding order.
    let biases: [Float]
    /// The nodata value, where the sample type holds it exactly.
    let nodata: Nodata?

    enum Nodata: Equatable, Sendable {
        case integer(Int32)
        case float(Float)
    }

    /// `means` are by band in coding order.
    init(_ stream: StreamDescription, means: [Double]) throws(CodecError) {
        let unit = 10_000 / stream.peak
        let gain = (stream.scale / stream.profileScale) * unit
        guard gain.magnitude >= 0x1p-60, gain.magnitude <= 0x1p60 else {
            throw .unusable(
                field: "scale",
                found: "\(stream.scale) beside the profile's \(stream.profileScale) and peak \(stream.peak)",
                expected: "a quotient between 2^-60 and 2^60")
        }
        let shift = ((stream.offset - stream.profileOffset) / stream.profileScale) * unit
        let biases = means.map { shift - $0 }
        guard biases.allSatisfy({ $0.magnitude <= 0x1p24 }) else {
            throw .unusable(
                field: "offset", found: "\(stream.offset) beside the profile's \(stream.profileOffset)",
                expected: "a difference below 1,677 times the peak")
        }
        type = stream.sampleType
        rows = stream.rows
        columns = stream.columns
        codingOrder = stream.codingOrder
        self.gain = Float(gain)
        inverseGain = Float(1 / gain)
        self.biases = biases.map { Float($0) }
        nodata = stream.nodata.flatMap { Self.nodata($0, type: stream.sampleType) }
    }

    private static func nodata(_ value: Double, type: SampleType) -> Nodata? {
        guard type != .float32 else { return value.isNaN ? nil : .float(Float(value)) }
        guard type.range.contains(value), let integer = Int32(exactly: value) else { return nil }
        return .integer(integer)
    }

    /// Refuses samples of another shape or type.
    func check(_ samples: Samples) throws(CodecError) {
        let found = (samples.type, samples.bands, samples.rows, samples.columns)
        guard found == (type, codingOrder.count, rows, columns) else {
            throw .mismatch(
                field: "samples", found: "\(samples.type.name) [\(samples.bands), \(samples.rows), \(samples.columns)]",
                expected: "\(type.name) [\(codingOrder.count), \(rows), \(columns)]")
        }
    }

    /// Masks of the samples; infinite samples that are not nodata are refused.
    func validity(of samples: Samples) throws(CodecError) -> Validity {
        try check(samples)
        let count = rows * columns
        var integer: Int32 = 0
        var float: Float = 0
        switch nodata {
        case .integer(let value): integer = value
        case .float(let value): float = value
        case nil: break
        }
        let hasNodata: Int32 = nodata == nil ? 0 : 1
        let scan = { (band: Int, mask: UnsafeMutablePointer<UInt8>?) -> perigee_scan in
            samples.bytes.withUnsafeBytes { bytes in
                perigee_validity(
                    Int32(type.rawValue), bytes.baseAddress.map { $0 + band * count * type.size }, count, hasNodata,
                    integer, float, mask)
            }
        }
        var isAllValid = true
        for band in codingOrder {
            let found = scan(band, nil)
            guard found.infinite == 0 else {
                throw .unusable(
                    field: "samples of band \(band)", found: "infinite at \(found.infinite) places",
                    expected: "finite numbers, NaN or nodata where nothing was measured")
            }
            if found.invalid > 0 { isAllValid = false }
        }
        guard !isAllValid else { return Validity(allValid: codingOrder.count, rows: rows, columns: columns) }
        let masks = codingOrder.map { band in
            [UInt8](unsafeUninitializedCapacity: count) { mask, initialized in
                _ = scan(band, mask.baseAddress)
                initialized = count
            }
        }
        return Validity(bands: codingOrder.count, rows: rows, columns: columns, masks: masks)
    }

    /// Valid samples whose values the format clips to ±2^20 (NaN is never valid).
    func clippedCount(_ samples: Samples, validity: Validity) -> Int {
        let limit: Float = 0x1p20
        let count = rows * columns
        var clipped = 0
        for (place, band) in codingOrder.enumerated() {
            let isBeyond = { (sample: Float) in (sample * gain + biases[place]).magnitude > limit }
            guard type == .float32 || isBeyond(Float(type.range.lowerBound)) || isBeyond(Float(type.range.upperBound))
            else { continue }
            let mask = validity.mask(of: place)
            samples.bytes.withUnsafeBytes { bytes in
                for index in 0..<count where mask?[index] != 0 {
                    if isBeyond(type.single(bytes, at: band * count + index)) { clipped += 1 }
                }
            }
        }
        return clipped
    }

    /// Values of the samples, bands in coding order, invalid ones filled.
    func values(of samples: Samples, validity: Validity, path: StrictPath) -> Planes {
        let count = rows * columns
        var values = [Float](unsafeUninitializedCapacity: count * codingOrder.count) { values, initialized in
            samples.bytes.withUnsafeBytes { bytes in
                for (place, band) in codingOrder.enumerated() {
                    perigee_normalise(
                        path.code, Int32(type.rawValue), bytes.baseAddress.map { $0 + band * count * type.size }, count,
                        gain, biases[place], values.baseAddress.map { $0 + place * count })
                }
            }
            initialized = count * codingOrder.count
        }
        if !validity.isAllValid { fill(&values, validity) }
        return Planes(components: codingOrder.count, rows: rows, columns: columns, values: values)
    }

    /// Values with the invalid ones filled.
    func filled(_ values: consuming Planes, _ validity: Validity) -> Planes {
        if !validity.isAllValid { fill(&values.values, validity) }
        return values
    }

    /// Values of the band that is coded at `place`, invalid ones as they are.
    func values(of samples: Samples, place: Int, path: StrictPath) -> [Float] {
        let count = rows * columns
        return [Float](unsafeUninitializedCapacity: count) { values, initialized in
            samples.bytes.withUnsafeBytes { bytes in
                perigee_normalise(
                    path.code, Int32(type.rawValue),
                    bytes.baseAddress.map { $0 + codingOrder[place] * count * type.size }, count, gain, biases[place],
                    values.baseAddress)
            }
            initialized = count
        }
    }

    private func fill(_ values: inout [Float], _ validity: Validity) {
        let work = UnsafeMutableBufferPointer<Float>.allocate(capacity: perigee_fill_work(rows, columns))
        defer { work.deallocate() }
        values.withUnsafeMutableBufferPointer { values in
            for place in codingOrder.indices {
                guard let mask = validity.mask(of: place) else { continue }
                perigee_fill(
                    values.baseAddress.map { $0 + place * rows * columns }, mask, rows, columns, work.baseAddress)
            }
        }
    }

    /// Samples of the values of a frame or a window of it, bands in the order of the frame, invalid ones nodata.
    func samples(of values: Planes, validity: Validity, path: StrictPath) throws(CodecError) -> Samples {
        var how = perigee_denormalisation()
        how.nodata_float = .nan
        switch nodata {
        case .integer(let value):
            how.has_nodata = 1
            how.nodata_integer = value
            how.substitute_integer = substitute(for: value)
        case .float(let value):
            how.has_nodata = 1
            how.nodata_float = value
            how.substitute_float = substitute(for: value)
        case nil: break
        }
        return try samples(of: values, validity: validity, path: path, how)
    }

    /// The same as if every sample were valid and no value meant nodata.
    func synthesis(of values: Planes, path: StrictPath) throws(CodecError) -> Samples {
        try samples(
            of: values, validity: Validity(allValid: codingOrder.count, rows: values.rows, columns: values.columns),
            path: path, perigee_denormalisation())
    }

    /// What a valid sample becomes that would be nodata.
    func substitute(for nodata: Int32) -> Int32 {
        Double(nodata) == type.range.upperBound ? nodata - 1 : nodata + 1
    }

    /// The same for float32.
    func substitute(for nodata: Float) -> Float { nodata.nextUp.isFinite ? nodata.nextUp : nodata.nextDown }

    private func samples(
        of values: Planes, validity: Validity, path: StrictPath, _ how: perigee_denormalisation
    ) throws(CodecError) -> Samples {
        let count = values.planeCount
        let size = count * type.size
        var how = how
        how.inverse_gain = inverseGain
        let bytes = [UInt8](unsafeUninitializedCapacity: size * codingOrder.count) { bytes, initialized in
            values.values.withUnsafeBufferPointer { values in
                for (place, band) in codingOrder.enumerated() {
                    how.bias = biases[place]
                    let plane = values.baseAddress.map { $0 + place * count }
                    let target = bytes.baseAddress.map { UnsafeMutableRawPointer($0 + band * size) }
                    if let mask = validity.mask(of: place) {
                        perigee_denormalise(path.code, Int32(type.rawValue), plane, count, &how, mask, target)
                    } else {
                        perigee_denormalise(path.code, Int32(type.rawValue), plane, count, &how, nil, target)
                    }
                }
            }
            initialized = size * codingOrder.count
        }
        do {
            return try Samples(
                type: type, bands: codingOrder.count, rows: values.rows, columns: values.columns, bytes: bytes)
        } catch {
            throw .format(error)
        }
    }
}

extension SampleType {
    /// The sample at `index` as a single, as the normalisation takes it.
    func single(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
        let offset = index * size
        return switch self {
        case .uint8: Float(bytes[offset])
        case .uint16: Float(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        case .int16: Float(Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self)))
        case .int32: Float(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        case .float32: bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
        }
    }
}
