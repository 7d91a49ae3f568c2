/// Which coefficients depend on samples that were never measured.
package enum MissingSupport {
    /// Coefficients of one plane in Mallat layout, 1 where the support of the analysis touches an invalid sample of `mask`
    /// (`[rows][columns]`, 0 is invalid), else 0. The steps are those of the wavelet with "or" for every sum, so the support
    /// is the exact one, ends of the frame included.
    package static func touched(_ mask: [UInt8], geometry: WaveletGeometry) -> [UInt8] {
        var flags = mask.map { $0 == 0 ? UInt8(1) : 0 }
        var work = [UInt8](repeating: 0, count: max(geometry.rows, geometry.columns))
        flags.withUnsafeMutableBufferPointer { flags in
            work.withUnsafeMutableBufferPointer { work in
                guard let flags = flags.baseAddress, let work = work.baseAddress else { return }
                for level in 0..<geometry.levels {
                    let size = geometry.size(at: level)
                    for row in 0..<size.rows {
                        split(flags + row * geometry.columns, count: size.columns, stride: 1, work: work)
                    }
                    for column in 0..<size.columns {
                        split(flags + column, count: size.rows, stride: geometry.columns, work: work)
                    }
                }
            }
        }
        return flags
    }

    /// One line of one level: even places to the front, odd ones behind, each with all that the four lifting steps add.
    private static func split(
        _ line: UnsafeMutablePointer<UInt8>, count: Int, stride: Int, work: UnsafeMutablePointer<UInt8>
    ) {
        guard count > 1 else { return }
        let (lowCount, highCount) = ((count + 1) / 2, count / 2)
        let (low, high) = (work, work + lowCount)
        for index in 0..<lowCount { low[index] = line[2 * index * stride] }
        for index in 0..<highCount { high[index] = line[(2 * index + 1) * stride] }
        for _ in 0..<2 {
            for index in 0..<highCount { high[index] |= low[index] | low[min(index + 1, lowCount - 1)] }
            for index in 0..<lowCount { low[index] |= high[max(index - 1, 0)] | high[min(index, highCount - 1)] }
        }
        for index in 0..<count { line[index * stride] = work[index] }
    }
}
