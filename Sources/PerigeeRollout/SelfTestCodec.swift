import PerigeeCodec
import PerigeeCore
import PerigeeFirmware

/// Encoder and decoder for one frame of a self-test.
struct SelfTestCodec {
    private let index: Int
    private let encoder: FrameEncoder
    private let decoder: FrameDecoder
    let stream: StreamDescription

    static func model(_ bundle: FirmwareBundle) throws(RolloutError) -> CodecModel {
        do { return try CodecModel(tensors: bundle.tensors) } catch { throw .codec(frame: nil, error) }
    }

    init(_ frame: SelfTest.Frame, index: Int, _ bundle: FirmwareBundle, _ model: CodecModel) throws(RolloutError) {
        try self.init(
            profile: frame.profile, rows: frame.rows, columns: frame.columns, index: index, bundle, model)
    }

    init(
        profile name: String, rows: Int, columns: Int, index: Int, _ bundle: FirmwareBundle, _ model: CodecModel
    ) throws(RolloutError) {
        guard let place = bundle.profiles.firstIndex(where: { $0.name == name }) else {
            let names = bundle.profiles.map(\.name).joined(separator: ", ")
            throw .codec(
                frame: index, .unusable(field: "profile of the self-test", found: name, expected: "one of \(names)"))
        }
        self.index = index
        do throws(FormatError) {
            stream = try StreamDescription(
                StreamDeclaration(
                    firmware: bundle.id, profile: .known(index: place, bands: nil), rows: rows, columns: columns),
                profiles: bundle.profiles)
            _ = try stream.rawSize(limit: 4 * SelfTest.sampleLimit)
        } catch { throw .codec(frame: index, .format(error)) }
        do {
            encoder = try FrameEncoder(model: model, stream: stream, lanes: 1)
            decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        } catch { throw .codec(frame: index, error) }
    }

    func encode(_ samples: Samples, budgets: [Int], isLossless: Bool) throws(RolloutError) -> [[UInt8]] {
        do {
            return try encoder.encode(samples, budgets: budgets, bound: isLossless ? .lossless : nil).layers
        } catch { throw .codec(frame: index, error) }
    }

    func decode(_ layers: [[UInt8]]) throws(RolloutError) -> Samples {
        do { return try decoder.decode(layers: layers.map { $0[...] }) } catch { throw .codec(frame: index, error) }
    }

    /// Mean squared error of samples that are encoded within the octets of `layers`.
    func errorAfterEncoding(
        _ samples: Samples, like layers: [[UInt8]], isLossless: Bool
    ) throws(RolloutError) -> Double {
        var budgets: [Int] = []
        for layer in isLossless ? layers.dropLast() : layers[...] {
            budgets.append((budgets.last ?? 0) + layer.count)
        }
        let again = try decode(encode(samples, budgets: budgets, isLossless: isLossless))
        let (before, after) = (Self.numbers(samples), Self.numbers(again))
        let sum = zip(before, after).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return sum / Double(max(before.count, 1))
    }

    private static func numbers(_ samples: Samples) -> [Double] {
        let size = samples.type.size
        return stride(from: 0, to: samples.bytes.count, by: size).map { start in
            let bits = samples.bytes[start..<start + size].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return switch samples.type {
            case .uint8, .uint16: Double(bits)
            case .int16: Double(Int16(truncatingIfNeeded: bits))
            case .int32: Double(Int32(bitPattern: bits))
            case .float32: Double(Float(bitPattern: bits))
            }
        }
    }
}
