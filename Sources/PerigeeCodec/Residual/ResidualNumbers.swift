import PerigeeCore

/// Between samples of one band and the integers that a residual is coded in.
/// Source: Docs/packet-format.md section 5.11, "Numbers".
struct ResidualNumbers {
    let type: SampleType
    /// Integers are 1 apart, `spacing` apart where they may be wrong by less than half of it.
    let spacing: Int
    /// float32: samples are this many times the integer.
    private let step: Double
    let least: Int
    let greatest: Int

    init(type: SampleType, bound: Double) {
        self.type = type
        if type == .float32 {
            spacing = 1
            step = Double(Float(bound)) * 1.9375
            (least, greatest) = (-1 << 30, 1 << 30)
        } else {
            spacing = 2 * Int(bound) + 1
            step = 1
            (least, greatest) = (Int(type.range.lowerBound), Int(type.range.upperBound))
        }
    }

    /// The integers of `count` samples; those of float32 are clipped to the limits.
    func read(_ bytes: UnsafeRawPointer, count: Int, into numbers: UnsafeMutablePointer<Int32>) {
        switch type {
        case .uint8: for i in 0..<count { numbers[i] = Int32(bytes.load(fromByteOffset: i, as: UInt8.self)) }
        case .uint16:
            for i in 0..<count {
                numbers[i] = Int32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
            }
        case .int16:
            for i in 0..<count {
                numbers[i] = Int32(Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * i, as: Int16.self)))
            }
        case .int32:
            for i in 0..<count {
                numbers[i] = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
            }
        case .float32:
            for i in 0..<count {
                let sample = Double(bytes.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
                let number = (sample / step).rounded(.toNearestOrEven)
                numbers[i] = number.isNaN ? 0 : Int32(min(max(number, Double(least)), Double(greatest)))
            }
        }
    }

    /// Writes the sample of an integer within the limits.
    @inline(__always)
    func write(_ number: Int32, to bytes: UnsafeMutableRawPointer) {
        switch type {
        case .uint8: bytes.storeBytes(of: UInt8(truncatingIfNeeded: number), as: UInt8.self)
        case .uint16, .int16:
            bytes.storeBytes(of: UInt16(truncatingIfNeeded: number).littleEndian, as: UInt16.self)
        case .int32: bytes.storeBytes(of: number.littleEndian, as: Int32.self)
        case .float32: bytes.storeBytes(of: Float(Double(number) * step), as: Float.self)
        }
    }

    /// A sample as a number.
    static func value(_ bytes: UnsafeRawPointer, type: SampleType) -> Double {
        switch type {
        case .uint8: Double(bytes.load(as: UInt8.self))
        case .uint16: Double(UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self)))
        case .int16: Double(Int16(littleEndian: bytes.loadUnaligned(as: Int16.self)))
        case .int32: Double(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self)))
        case .float32: Double(bytes.loadUnaligned(as: Float.self))
        }
    }
}
