import PerigeeCore

/// The first octets of a frame's first layer. Source: Docs/packet-format.md section 5.4.
struct FrameHead: Equatable {
    var choice: SpectralChoice
    /// Coefficients are multiplied by 2^(scale / 2) before they are cut to integers; 0 or 1.
    var scale = 0
    var hasMask: Bool
    /// Whether tiles have records of their spectra.
    var hasRecords: Bool
    /// Number of the residual layer; nil without one.
    var residualLayer: Int?

    /// Layers are numbered up to this where one of them is a residual layer.
    static let residualLayerLimit = 31

    /// The factor of each scale, the nearest single.
    static let factors: [Float] = [1, 1.4142135]

    init(
        choice: SpectralChoice, scale: Int = 0, hasMask: Bool, hasRecords: Bool = false, residualLayer: Int? = nil
    ) {
        self.choice = choice
        self.scale = scale
        self.hasMask = hasMask
        self.hasRecords = hasRecords || !choice.tiles.isEmpty
        self.residualLayer = residualLayer
    }

    /// The octets, first the spectral mode (4 bits), scale, records, mask and whether an extension follows.
    func pack() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(
            UInt8(choice.mode) | UInt8(scale) << 4 | (hasRecords ? 32 : 0) | (hasMask ? 64 : 0)
                | (residualLayer == nil ? 0 : 128))
        if let residualLayer { writer.write(UInt8(residualLayer)) }
        choice.packParameters(into: &writer)
        return writer.bytes
    }

    /// Reads the head off the first layer. nil where the layer ends inside of it.
    static func parse(
        _ layer: ArraySlice<UInt8>, bands: Int
    ) throws(CodecError) -> (head: FrameHead, size: Int)? {
        guard let first = layer.first else { return nil }
        let extensionSize = first < 128 ? 0 : 1
        guard layer.count > extensionSize else { return nil }
        let residualLayer = first < 128 ? 0 : Int(layer[layer.startIndex + 1])
        guard first < 128 || (1...residualLayerLimit).contains(residualLayer) else {
            throw .unusable(
                field: "frame head", found: "the extension \(residualLayer)",
                expected: "1 to \(residualLayerLimit) in this version: update the decoder")
        }
        let mode = Int(first & 15)
        let parameterSize = SpectralChoice.parameterSize(mode: mode, bands: bands)
        guard layer.count > extensionSize + parameterSize else { return nil }
        var reader = ByteReader(layer.dropFirst(1 + extensionSize))
        let choice = try SpectralChoice(mode: mode, parsing: &reader, bands: bands)
        let head = FrameHead(
            choice: choice, scale: Int(first >> 4 & 1), hasMask: first & 64 != 0, hasRecords: first & 32 != 0,
            residualLayer: residualLayer == 0 ? nil : residualLayer)
        return (head, 1 + extensionSize + parameterSize)
    }
}
