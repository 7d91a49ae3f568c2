import PerigeeCore

// The last rules of Docs/packet-format.md section 5.1, for samples that were made in another way.
extension Normalisation {
    /// Writes nodata where samples are invalid, and takes it away where they are not. `count`: samples of a band.
    func finish(_ bytes: inout [UInt8], count: Int, validity: Validity) {
        bytes.withUnsafeMutableBytes { bytes in
            for (place, band) in codingOrder.enumerated() {
                let mask = validity.mask(of: place)
                guard mask != nil || nodata != nil else { continue }
                for index in 0..<count { finish(bytes, at: band * count + index, isValid: mask?[index] != 0) }
            }
        }
    }

    private func finish(_ bytes: UnsafeMutableRawBufferPointer, at index: Int, isValid: Bool) {
        switch (type, nodata) {
        case (.float32, let nodata):
            let sample = bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
            var value = Float.nan
            if case .float(let number)? = nodata { value = number }
            guard !isValid || sample == value else { return }
            bytes.storeBytes(
                of: isValid ? substitute(for: value) : value, toByteOffset: 4 * index, as: Float.self)
        case (_, .integer(let nodata)?):
            guard !isValid || type.single(UnsafeRawBufferPointer(bytes), at: index) == Float(nodata) else { return }
            // singles tell integers of 16 bits apart, those of 32 need a second look
            guard !isValid || type != .int32 || integer(bytes, at: index) == nodata else { return }
            store(isValid ? substitute(for: nodata) : nodata, bytes, at: index)
        default: return
        }
    }

    private func integer(_ bytes: UnsafeMutableRawBufferPointer, at index: Int) -> Int32 {
        Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
    }

    private func store(_ value: Int32, _ bytes: UnsafeMutableRawBufferPointer, at index: Int) {
        switch type.size {
        case 1: bytes.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
        case 2:
            bytes.storeBytes(
                of: UInt16(truncatingIfNeeded: value).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
        default: bytes.storeBytes(of: value.littleEndian, toByteOffset: 4 * index, as: Int32.self)
        }
    }
}
