import PerigeeCore

/// One band of both frames as doubles, with what is valid.
struct BandPair {
    let rows: Int
    let columns: Int
    /// Values; 0 where not valid.
    private(set) var original: [Double]
    private(set) var other: [Double]
    /// The sample is there in the original and a number in the other frame.
    private(set) var isValid: [Bool]
    private(set) var validCount = 0
    private(set) var validInOriginal = 0
    /// Missing in one frame and not in the other.
    private(set) var mismatches = 0
    private(set) var squaredError = 0.0
    private(set) var maxError = 0.0

    init(_ original: Samples, _ other: Samples, band: Int, nodata: Double?) {
        rows = original.rows
        columns = original.columns
        self.original = original.values(ofBand: band)
        self.other = other.values(ofBand: band)
        if other.type != original.type { Self.convert(&self.other, to: original.type) }
        isValid = [Bool](repeating: false, count: rows * columns)
        for index in 0..<rows * columns {
            let (left, right) = (self.original[index], self.other[index])
            let isThere = left.isFinite && left != nodata
            if isThere { validInOriginal += 1 }
            if isThere != (right.isFinite && right != nodata) { mismatches += 1 }
            guard isThere, right.isFinite else {
                (self.original[index], self.other[index]) = (0, 0)
                continue
            }
            isValid[index] = true
            validCount += 1
            let difference = abs(left - right)
            squaredError += difference * difference
            maxError = max(maxError, difference)
        }
    }

    private static func convert(_ values: inout [Double], to type: SampleType) {
        guard type != .float32 else { return }
        let range = type.range
        for index in values.indices where values[index].isFinite {
            values[index] = min(max(values[index].rounded(.toNearestOrEven), range.lowerBound), range.upperBound)
        }
    }
}

extension Samples {
    /// Samples of one band as doubles, exact for every type.
    func values(ofBand band: Int) -> [Double] {
        let count = rows * columns
        return bytes.withUnsafeBytes { octets in
            func load<Value>(_ type: Value.Type, _ convert: (Value) -> Double) -> [Double] {
                let size = MemoryLayout<Value>.size
                let start = band * count * size
                return [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
                    for index in 0..<count {
                        buffer[index] = convert(
                            octets.loadUnaligned(fromByteOffset: start + index * size, as: Value.self))
                    }
                    initialized = count
                }
            }
            return switch type {
            case .uint8: load(UInt8.self) { Double($0) }
            case .uint16: load(UInt16.self) { Double(UInt16(littleEndian: $0)) }
            case .int16: load(Int16.self) { Double(Int16(littleEndian: $0)) }
            case .int32: load(Int32.self) { Double(Int32(littleEndian: $0)) }
            case .float32: load(UInt32.self) { Double(Float(bitPattern: UInt32(littleEndian: $0))) }
            }
        }
    }
}
