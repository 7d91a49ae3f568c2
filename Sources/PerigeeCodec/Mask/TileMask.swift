/// Missing samples of one tile: `[bands][rows][columns]`, or one band where all share it.
struct TileMask: Sendable {
    /// 1 where a sample is missing.
    var missing: [UInt8]
    /// 1 where all bands share the mask, else the count of bands; 0 where no sample is missing.
    var bands: Int

    init(missing: [UInt8], bands: Int) {
        self.missing = missing
        self.bands = bands
    }

    /// The part of a frame's validity that belongs to a tile; nil where the frame has no mask.
    init?(_ validity: Validity, rows: Range<Int>, columns: Range<Int>) {
        guard !validity.isAllValid else { return nil }
        missing = []
        bands = validity.masks.count
        missing.reserveCapacity(bands * rows.count * columns.count)
        for mask in validity.masks {
            for row in rows {
                let start = row * validity.columns
                for valid in mask[start + columns.lowerBound..<start + columns.upperBound] {
                    missing.append(valid == 0 ? 1 : 0)
                }
            }
        }
        let size = rows.count * columns.count
        let first = missing.prefix(size)
        if bands > 1, (1..<bands).allSatisfy({ missing[$0 * size..<($0 + 1) * size].elementsEqual(first) }) {
            missing = Array(first)
            bands = 1
        }
    }
}
