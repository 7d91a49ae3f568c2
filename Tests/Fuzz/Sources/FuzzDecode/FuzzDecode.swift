import PerigeeCodec
import PerigeeCore
import PerigeeFirmware

/// Token files as they come from anywhere, decoded with the shipped bundle: whole, cut, by a window and to intervals. Both
/// checksums are put right first, so that what lies behind them is reached: impossible heads, tables and symbols. Frames
/// whose metadata name references are decoded with one that the frame makes by itself.
@c(LLVMFuzzerTestOneInput)
public func fuzzDecode(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = repaired(Array(UnsafeBufferPointer(start: data, count: size)))
    guard let file = try? TokenFile(parsing: bytes, allowsPrefix: true),
        let stream = try? StreamDescription(file.declaration, profiles: profiles),
        let decoder = try? FrameDecoder(model: model, stream: stream, lanes: 1, sampleLimit: sampleLimit)
    else { return 0 }
    let reference = reference(of: file, decoder)
    let samples = try? decoder.decode(layers: file.layers, reference: reference)
    _ = try? decoder.account(layers: file.layers, isPredicted: reference != nil)
    _ = try? decoder.intervals(layers: file.layers, reference: reference)
    checkWindow(decoder, file, samples, reference, seed: CRC32C.checksum(bytes))
    return 0
}

/// What a frame that names references is predicted from: itself read as a plain one, once for each of them, and each time
/// elsewhere. nil for frames without references, and where there can be no prediction.
private func reference(of file: TokenFile, _ decoder: FrameDecoder) -> FrameReference? {
    guard let named = file.metadata.references, let samples = try? decoder.decode(layers: file.layers) else {
        return nil
    }
    let parts = named.frames.map {
        FrameReference.Part(
            samples: samples, stream: decoder.stream, row: Int(truncatingIfNeeded: $0.back) - 3, column: $0.layers - 4)
    }
    return try? FrameReference(parts, of: decoder.stream, model: model)
}

/// Octets of samples; what is larger is refused, which costs nothing.
private let sampleLimit = 1 << 16

// Scripts/fuzz runs in Tests/Fuzz. Of the bundle only this is kept: the leak checker loses arrays inside of its tensors.
private let (model, profiles): (CodecModel, [SensorProfile]) = {
    guard let bundle = try? FirmwareBundle.load(directory: "../../Firmware/perigee-1"),
        let model = try? CodecModel(tensors: bundle.tensors)
    else { fatalError("no bundle that can be used: run this from Tests/Fuzz") }
    return (model, bundle.profiles)
}()

/// A window drawn from `seed`, often outside of the frame, must be refused or be the same place of the whole.
private func checkWindow(
    _ decoder: FrameDecoder, _ file: TokenFile, _ samples: Samples?, _ reference: FrameReference?, seed: UInt32
) {
    let numbers = [Int.min, -1, 0, 1, decoder.stream.columns, .max, Int(seed & 63), Int(seed >> 6 & 63)]
    let pick = { (shift: UInt32) in numbers[Int(seed >> shift & 7)] }
    let window = FrameWindow(x: pick(12), y: pick(15), width: pick(18), height: pick(21))
    guard let part = try? decoder.decode(layers: file.layers, window: window, reference: reference), let samples
    else { return }
    let octets = samples.type.size
    for band in 0..<samples.bands {
        for row in 0..<window.height {
            let start = ((band * samples.rows + window.y + row) * samples.columns + window.x) * octets
            let own = (band * window.height + row) * window.width * octets
            guard
                samples.bytes[start..<start + window.width * octets]
                    .elementsEqual(part.bytes[own..<own + window.width * octets])
            else { fatalError("the window differs from the frame") }
        }
    }
}

/// The same octets with checksums that fit, found by what the reader says of them.
private func repaired(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0..<2 {
        do throws(FormatError) {
            _ = try TokenFile(parsing: bytes, allowsPrefix: true)
            return bytes
        } catch {
            guard case .checksum(let field, let found, let computed) = error else { return bytes }
            let size = field.hasPrefix("header") ? 2 : 4
            guard let position = position(of: found, computed, size: size, in: bytes) else { return bytes }
            for octet in 0..<size { bytes[position + octet] = UInt8(truncatingIfNeeded: computed >> UInt32(8 * octet)) }
        }
    }
    return bytes
}

/// Where a checksum of `size` octets stands: what is before it has the one that was computed.
private func position(of found: UInt32, _ computed: UInt32, size: Int, in bytes: [UInt8]) -> Int? {
    guard bytes.count >= size else { return nil }
    let mask: UInt32 = size == 2 ? 0xFFFF : .max
    return (0...bytes.count - size).first { position in
        let value = (0..<size).reduce(UInt32(0)) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) }
        return value == found && CRC32C.checksum(bytes[..<position]) & mask == computed
    }
}
