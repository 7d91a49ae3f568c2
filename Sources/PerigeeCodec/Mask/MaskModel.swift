/// Contexts of the validity mask. Not trained: every tile starts from even odds. Source: Docs/packet-format.md section 5.5.
enum MaskModel {
    /// Three words about the tile, then three for a band behind another, then the samples' contexts.
    static let somethingMissing = 0
    static let somethingValid = 1
    static let perBand = 2
    static let sameAsBefore = 3
    static let bandMissing = 4
    static let bandValid = 5
    static let firstSampleCell = 8
    /// Ten samples around, three of the band before.
    static let cellCount = firstSampleCell + 8_192
    static let startCell: UInt32 = 2_097_152 << 10
}
