import PerigeeCodec
import PerigeeCore

/// The layers of a frame, decoded. The first two octets choose the shape, the type and whether the frame is predicted, the
/// rest is cut into two layers.
@c(LLVMFuzzerTestOneInput)
public func fuzzTokens(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard bytes.count >= 3 else { return 0 }
    let shape = shapes[Int(bytes[0]) % shapes.count]
    let type = SampleType.allCases[Int(bytes[1] & 7) % SampleType.allCases.count]
    let profile = SensorProfile(
        name: "fuzz", bands: (0..<shape.bands).map { Band(name: "B\($0)", centerWavelength: 0.4 + 0.1 * Double($0)) },
        sampleType: type, peak: 10_000)
    var declaration = StreamDeclaration(
        firmware: 0, profile: .inline(profile), rows: shape.rows, columns: shape.columns)
    if bytes[1] & 128 != 0 { declaration.coding = .verbatim }
    guard let model = try? CodecModel(tensors: tensors),
        let stream = try? StreamDescription(declaration, profiles: []),
        let decoder = try? FrameDecoder(model: model, stream: stream, lanes: 1)
    else { fatalError("the fixture is wrong") }
    let payload = bytes[3...]
    let cut = payload.startIndex + payload.count * Int(bytes[2]) / 256
    let isPredicted = bytes[1] & 64 != 0 && declaration.coding == .tokens
    let reference = isPredicted ? reference(stream, model) : nil
    _ = try? decoder.decode(layers: [payload[..<cut], payload[cut...]], reference: reference)
    _ = try? decoder.account(layers: [payload[..<cut], payload[cut...]], isPredicted: isPredicted)
    return 0
}

/// Some earlier frame, one row and column further.
private func reference(_ stream: StreamDescription, _ model: CodecModel) -> FrameReference {
    let (bands, rows, columns) = (stream.bands.count, stream.rows, stream.columns)
    let octets = (0..<bands * rows * columns * stream.sampleType.size).map { UInt8(truncatingIfNeeded: $0 * 37) }
    guard
        let samples = try? Samples(
            type: stream.sampleType, bands: bands, rows: rows, columns: columns,
            // no infinite samples among those of float32
            bytes: stream.sampleType == .float32 ? octets.map { $0 & 63 } : octets),
        let reference = try? FrameReference(
            [.init(samples: samples, stream: stream, row: 1, column: -1)], of: stream, model: model)
    else { fatalError("the reference is wrong") }
    return reference
}

private let shapes = [
    (bands: 1, rows: 1, columns: 1), (bands: 3, rows: 9, columns: 14), (bands: 2, rows: 1, columns: 40),
    (bands: 1, rows: 800, columns: 2),  // two tiles
]

private let tensors: [String: Tensor] = [
    "spectral/wavelengths": Tensor(shape: [2], values: .float64([0.4, 0.9])),
    "spectral/mean": Tensor(shape: [2], values: .float64([1_000, 2_000])),
    "spectral/covariance": Tensor(
        shape: [1, 10, 2, 2], values: .float64((0..<10).flatMap { _ in [0.6, 0.2, 0.2, 0.4] })),
]
