import PerigeeCore

/// The residual layer of a frame that is at hand: its bounds, and the octets of its tiles.
struct ResidualLayer {
    let bounds: [Double]
    let tiles: [[UInt8]]

    /// The layer `number` of `layers`; nil where it is absent, empty or cut inside of its head. Refuses one that refers to
    /// other transform layers than those at hand, and layers behind it.
    init?(
        _ layers: [ArraySlice<UInt8>], number: Int, stream: StreamDescription, tokens: TokenDecoder,
        chosen: [Int]? = nil
    ) throws(CodecError) {
        guard number < layers.count, !layers[number].isEmpty else { return nil }
        guard layers[(number + 1)...].allSatisfy(\.isEmpty) else {
            throw .unusable(
                field: "layer \(number + 1)", found: "octets behind the residual layer", expected: "none")
        }
        let layer = layers[number]
        let parsed: (head: ResidualHead, size: Int)?
        do throws(FormatError) {
            parsed = try ResidualHead.parse(layer, type: stream.sampleType, bands: stream.bands.count)
        } catch { throw .format(error) }
        guard let (head, size) = parsed else { return nil }
        let found = ResidualHead.checksum(of: layers[..<number])
        guard found == head.checksum else {
            throw .mismatch(
                field: "transform layers of a residual", found: "checksum \(Hex.text(found))",
                expected: "\(Hex.text(head.checksum)) (add the layers that are missing, or leave layer \(number) out)")
        }
        bounds = head.bounds
        tiles = try tokens.tileOctets([layer.dropFirst(size)], chosen: chosen).streams
    }
}
