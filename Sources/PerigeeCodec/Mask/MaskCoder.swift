/// Codes which samples of a tile are missing, through either end of the binary coder, ahead of all coefficients.
/// Source: Docs/packet-format.md section 5.5.
struct MaskCoder {
    let rows: Int
    let columns: Int
    let bands: Int
    let cells: UnsafeMutablePointer<UInt32>
    let rates: UnsafePointer<Int32>

    /// Runs the decisions. An encoder passes the mask; a decoder gets what its octets say, undecided samples valid.
    func code<Coder: BinaryCoder>(_ coder: inout Coder, _ mask: inout TileMask) {
        coder.enter(.mask)
        let count = rows * columns
        let someMissing = mask.missing.contains(1)
        guard decide(&coder, someMissing, MaskModel.somethingMissing) else { return }
        guard decide(&coder, mask.missing.contains(0), MaskModel.somethingValid) else {
            if Coder.isDecoder, !coder.isStopped {
                mask = TileMask(missing: [UInt8](repeating: 1, count: count), bands: 1)
            }
            return
        }
        let isPerBand = decide(&coder, mask.bands > 1, MaskModel.perBand)
        if Coder.isDecoder {
            if coder.isStopped { return }
            let coded = isPerBand ? bands : 1
            mask = TileMask(missing: [UInt8](repeating: 0, count: coded * count), bands: coded)
        }
        let coded = mask.bands
        mask.missing.withUnsafeMutableBufferPointer { missing in
            guard let base = missing.baseAddress else { return }
            for band in 0..<coded {
                codeBand(&coder, base + band * count, before: band > 0 ? base + (band - 1) * count : nil, coded > 1)
                if Coder.isDecoder, coder.isStopped { return }
            }
        }
    }

    private func codeBand<Coder: BinaryCoder>(
        _ coder: inout Coder, _ band: UnsafeMutablePointer<UInt8>, before: UnsafeMutablePointer<UInt8>?,
        _ isPerBand: Bool
    ) {
        let count = rows * columns
        let samples = UnsafeBufferPointer(start: band, count: count)
        if isPerBand {
            if let before {
                let isSame =
                    Coder.isDecoder ? false : samples.elementsEqual(UnsafeBufferPointer(start: before, count: count))
                if decide(&coder, isSame, MaskModel.sameAsBefore) {
                    band.update(from: before, count: count)
                    return
                }
                if coder.isStopped, Coder.isDecoder { return }
            }
            guard decide(&coder, samples.contains(1), MaskModel.bandMissing) else { return }
            guard decide(&coder, samples.contains(0), MaskModel.bandValid) else {
                if !(Coder.isDecoder && coder.isStopped) { band.update(repeating: 1, count: count) }
                return
            }
        }
        for row in 0..<rows {
            codeRow(&coder, band + row * columns, before: before.map { $0 + row * columns }, row: row)
            if coder.isStopped, Coder.isDecoder { return }
        }
    }

    /// One row; the template is two samples to the left, five above, three two above, and three of the band before.
    private func codeRow<Coder: BinaryCoder>(
        _ coder: inout Coder, _ line: UnsafeMutablePointer<UInt8>, before: UnsafeMutablePointer<UInt8>?, row: Int
    ) {
        @inline(__always)
        func sample(_ pointer: UnsafeMutablePointer<UInt8>, _ rowOffset: Int, _ column: Int) -> Int {
            guard column >= 0, column < columns, row + rowOffset >= 0, row + rowOffset < rows else { return 0 }
            return Int(pointer[rowOffset * columns + column])
        }
        for column in 0..<columns {
            var context = sample(line, 0, column - 2) << 1 | sample(line, 0, column - 1)
            for offset in -2...2 { context = context << 1 | sample(line, -1, column + offset) }
            for offset in -1...1 { context = context << 1 | sample(line, -2, column + offset) }
            if let before {
                context = context << 1 | sample(before, 0, column)
                context = context << 1 | sample(before, 0, column + 1)
                context = context << 1 | sample(before, 1, column)
            } else {
                context <<= 3
            }
            let bit = decide(&coder, line[column] != 0, MaskModel.firstSampleCell + context)
            if Coder.isDecoder {
                if coder.isStopped { return }
                line[column] = bit ? 1 : 0
            }
        }
    }

    /// One decision; false where a decoder stopped.
    @inline(__always)
    private func decide<Coder: BinaryCoder>(_ coder: inout Coder, _ bit: Bool, _ context: Int) -> Bool {
        let cell = cells + context
        let decided = coder.code(bit ? 1 : 0, probability: Cell.probability(cell.pointee))
        if Coder.isDecoder && coder.isStopped { return false }
        cell.pointee = Cell.updated(cell.pointee, bit: decided, rates: rates)
        return decided != 0
    }
}
