import PerigeeCore

/// Turns reflectance into a sensor's samples.
struct Digitizer {
    private let type: SampleType
    private let scale: Float
    private let offset: Float
    private let low: Float
    private let high: Float
    private let nodata: Float

    /// Profiles with a scale hold reflectance in it; those without (8-bit pictures) are stretched so that 0.45 is the peak.
    init(profile: SensorProfile) {
        type = profile.sampleType
        if profile.scale == 1, profile.sampleType != .float32 {
            scale = 0.45 / Float(profile.peak)
            offset = 0
        } else {
            scale = Float(profile.scale)
            offset = Float(profile.offset)
        }
        nodata = Float(profile.nodata ?? 0)
        let range = profile.sampleType.range
        low = range.lowerBound == 0 ? (profile.nodata == 0 ? 1 : 0) : Float(max(range.lowerBound, -2_000_000_000))
        high = Float(min(range.upperBound, 2_000_000_000))
    }

    /// Appends the octets of one band; samples where `isCovered` says no are nodata.
    func append(_ plane: [Float], to bytes: inout [UInt8], isCovered: (Int) -> Bool) {
        for index in plane.indices {
            var value = (plane[index] - offset) / scale
            if type != .float32 { value = min(max(value.rounded(), low), high) }
            if !isCovered(index) { value = nodata }
            switch type {
            case .uint8: bytes.append(UInt8(clamping: Int(value)))
            case .uint16: append(UInt16(clamping: Int(value)), to: &bytes)
            case .int16: append(UInt16(bitPattern: Int16(clamping: Int(value))), to: &bytes)
            case .int32: append(UInt32(bitPattern: Int32(clamping: Int(value))), to: &bytes)
            case .float32: append(value.bitPattern, to: &bytes)
            }
        }
    }

    private func append(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    private func append(_ value: UInt32, to bytes: inout [UInt8]) {
        append(UInt16(truncatingIfNeeded: value), to: &bytes)
        append(UInt16(truncatingIfNeeded: value >> 16), to: &bytes)
    }
}
