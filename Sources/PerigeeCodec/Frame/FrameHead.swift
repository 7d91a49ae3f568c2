import PerigeeCore

/// The first octets of a frame's first layer. Source: Docs/packet-format.md section 5.4.
struct FrameHead: Equatable {
    var choice: SpectralChoice
    /// Coefficients are multiplied by 2^(scale / 2) before they are cut to integers; 0 or 1.
    var scale = 0
    var hasMask: Bool
    /// Whether tiles have records of their spectra.
    var hasRecords: Bool

    /// The factor of each scale, the nearest single.
    static let factors: [Float] = [1, 1.4142135]

    init(choice: SpectralChoice, scale: Int = 0, hasMask: Bool, hasRecords: Bool = false) {
        self.choice = choice
        self.scale = scale
        self.hasMask = hasMask
        self.hasRecords = hasRecords || !choice.tiles.isEmpty
    }

    /// The octets, first the spectral mode (4 bits), scale, records, mask and a reserved bit.
    func pack() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(
            UInt8(choice.mode) | UInt8(scale) << 4 | (hasRecords ? 32 : 0) | (hasMask ? 64 : 0))
        choice.packParameters(into: &writer)
        return writer.bytes
    }

    /// Reads the head off the first layer. nil where the layer ends inside of it.
    static func parse(
        _ layer: ArraySlice<UInt8>, bands: Int
    ) throws(CodecError) -> (head: FrameHead, size: Int)? {
        guard let first = layer.first else { return nil }
        guard first < 128 else {
            throw .unusable(
                field: "frame head", found: "the reserved bit set", expected: "0 in this version: update the decoder")
        }
        let mode = Int(first & 15)
        let parameterSize = SpectralChoice.parameterSize(mode: mode, bands: bands)
        guard layer.count > parameterSize else { return nil }
        var reader = ByteReader(layer.dropFirst())
        let choice = try SpectralChoice(mode: mode, parsing: &reader, bands: bands)
        let head = FrameHead(
            choice: choice, scale: Int(first >> 4 & 1), hasMask: first & 64 != 0, hasRecords: first & 32 != 0)
        return (head, 1 + parameterSize)
    }
}
