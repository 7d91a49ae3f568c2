import PerigeeCodec
import PerigeeCore

/// Packets as they come off the line. The checksum is put right, so that the fields behind it are reached; what a declaration
/// says is resolved, and the payload of a part is decoded as the layer of a small frame.
@c(LLVMFuzzerTestOneInput)
public func fuzzPacket(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var writer = ByteWriter()
    writer.write(UnsafeBufferPointer(start: data, count: size))
    writer.write(CRC32C.checksum(writer.bytes))
    guard let packet = try? Packet(parsing: writer.bytes[...]) else { return 0 }
    guard case .part(let part) = packet.body else {
        // What parses must pack to the same meaning.
        guard let again = try? Packet(parsing: packet.packed()[...]) else { fatalError("does not parse again") }
        invariant(again.declaration == packet.declaration, "another declaration number")
        if case .declaration(let declaration) = packet.body { decode([[]], declaration) }
        return 0
    }
    var declaration = StreamDeclaration(firmware: 0, profile: .known(index: 0, bands: nil), rows: 9, columns: 9)
    declaration.grid = .init(epsg: 32_631, matrix: [10, 0, 0, -10])
    guard let payload = try? part.split(declaration: declaration).payload else { return 0 }
    decode([payload], declaration)
    return 0
}

/// Decodes the layers of a frame; what would be large is refused.
private func decode(_ layers: [ArraySlice<UInt8>], _ declaration: StreamDeclaration) {
    guard let stream = try? StreamDescription(declaration, profiles: [profile]),
        let decoder = try? FrameDecoder(model: model, stream: stream, lanes: 1, sampleLimit: 1 << 16)
    else { return }
    _ = try? decoder.decode(layers: layers)
}

private let profile = SensorProfile(
    name: "fuzz", bands: (0..<3).map { Band(name: "B\($0)", centerWavelength: 0.45 + 0.1 * Double($0)) },
    sampleType: .uint16, nodata: 0, peak: 10_000)

private let model: CodecModel = {
    let tensors: [String: Tensor] = [
        "spectral/wavelengths": Tensor(shape: [2], values: .float64([0.4, 0.9])),
        "spectral/mean": Tensor(shape: [2], values: .float64([1_000, 2_000])),
        "spectral/covariance": Tensor(
            shape: [1, 10, 2, 2], values: .float64((0..<10).flatMap { _ in [0.6, 0.2, 0.2, 0.4] })),
    ]
    guard let model = try? CodecModel(tensors: tensors) else { fatalError("the fixture is wrong") }
    return model
}()
