import PerigeeConcurrency
import PerigeeCore

/// Adds the residual layer to a frame whose transform layers are coded.
final class FrameResidualEncoder: Sendable {
    private struct Parts: Sendable {
        let decoder: FrameDecoder
        let encoder: ResidualEncoder
    }

    private let model: CodecModel
    private let stream: StreamDescription
    private let transform: FrameTransform
    private let lanes: Lanes
    /// Made with the first frame that has a bound.
    private let made = Locked<Parts?>(nil)

    init(model: CodecModel, stream: StreamDescription, transform: FrameTransform, lanes: Lanes) {
        self.model = model
        self.stream = stream
        self.transform = transform
        self.lanes = lanes
    }

    /// The frame with one layer more. What it stands on is decoded from the frame's own octets, so nothing that the encoder
    /// thinks of its transform matters.
    func extend(
        _ frame: EncodedFrame, _ original: Samples, validity: Validity, bounds: [Double],
        reference: FrameReference?
    ) throws(CodecError) -> EncodedFrame {
        let parts = try parts()
        let layers = frame.layers.map { $0[...] }
        let synthesis = try parts.decoder.synthesis(layers: layers, reference: reference)
        let tiles = try parts.encoder.encode(
            original, synthesis: synthesis,
            raster: transform.raster(synthesis, bounds: bounds, validity: validity), bounds: bounds)
        var writer = ByteWriter()
        writer.write(
            ResidualHead(checksum: ResidualHead.checksum(of: layers), bounds: bounds).pack(type: stream.sampleType))
        if tiles.count > 1 { LayerTable.pack(tiles.map(\.count), into: &writer) }
        for tile in tiles { writer.write(tile) }
        var whole = EncodedFrame(layers: frame.layers + [writer.bytes], smallestSize: frame.smallestSize)
        whole.isPredicted = frame.isPredicted
        return whole
    }

    /// A decoder of this stream.
    func decoder() throws(CodecError) -> FrameDecoder { try parts().decoder }

    private func parts() throws(CodecError) -> Parts {
        if let known = made.withLock({ $0 }) { return known }
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: lanes.count, sampleLimit: Int.max)
        let encoder = ResidualEncoder(
            grid: TileGrid(rows: stream.rows, columns: stream.columns), bands: stream.bands.count, lanes: lanes)
        let parts = Parts(decoder: decoder, encoder: encoder)
        made.withLock { $0 = parts }
        return parts
    }
}
