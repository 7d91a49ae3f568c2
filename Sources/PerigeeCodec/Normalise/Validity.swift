/// Which samples of a frame are measurements. Masks are in coding order of the bands (`StreamDescription.codingOrder`).
package struct Validity: Equatable, Sendable {
    package let bands: Int
    package let rows: Int
    package let columns: Int
    /// None: all samples are valid. One: all bands share it. Else one a band. `[rows][columns]`, 1 is valid, 0 invalid.
    package let masks: [[UInt8]]

    package var isAllValid: Bool { masks.isEmpty }
    /// Also true where all samples are valid.
    package var isSharedByBands: Bool { masks.count < 2 }

    /// All samples are valid.
    package init(allValid bands: Int, rows: Int, columns: Int) {
        self.init(bands: bands, rows: rows, columns: columns, masks: [])
    }

    /// Validity from no mask, one for all bands, or one for each band; equal masks are kept once, full ones not at all.
    package init(bands: Int, rows: Int, columns: Int, masks: [[UInt8]]) {
        assert(masks.count < 2 || masks.count == bands)
        assert(masks.allSatisfy { $0.count == rows * columns })
        self.bands = bands
        self.rows = rows
        self.columns = columns
        guard let first = masks.first, !masks.allSatisfy({ !$0.contains(0) }) else {
            self.masks = []
            return
        }
        self.masks = masks.dropFirst().allSatisfy { $0 == first } ? [first] : masks
    }

    /// The mask of a band in coding order; nil where all its samples are valid.
    package func mask(of band: Int) -> [UInt8]? {
        masks.isEmpty ? nil : masks[masks.count == 1 ? 0 : band]
    }
}
