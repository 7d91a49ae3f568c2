import PerigeeCompression
import PerigeeCore

/// The samples' octets as one zstd frame in layer 0: for bands and sensors that no transform fits. Octets of equal weight
/// stand together, since those of a number have little in common.
/// Source: Docs/packet-format.md, "Verbatim coding".
enum VerbatimCoding {
    static let level = 19

    static func encode(_ samples: Samples, layers: Int) throws(CodecError) -> EncodedFrame {
        do {
            var compressor = try ZstdCompressor(level: level)
            let octets = try compressor.compress(shuffled(samples.bytes, size: samples.type.size))
            let finer = [[UInt8]](repeating: [], count: max(layers - 1, 0))
            return EncodedFrame(layers: [octets] + finer, smallestSize: octets.count)
        } catch {
            throw .library(operation: "verbatim encode", reason: error.description)
        }
    }

    static func decode(
        _ layers: [ArraySlice<UInt8>], stream: StreamDescription
    ) throws(CodecError) -> Samples {
        let octets = layers.flatMap { $0 }
        do {
            let size = try stream.rawSize(limit: Int.max)
            var decompressor = try ZstdDecompressor()
            let bytes = try decompressor.decompress(octets, limit: size)
            return try Samples(
                type: stream.sampleType, bands: stream.bands.count, rows: stream.rows, columns: stream.columns,
                bytes: gathered(bytes, size: stream.sampleType.size))
        } catch let error as FormatError {
            throw .format(error)
        } catch {
            throw .library(operation: "verbatim decode", reason: "\(error)")
        }
    }

    /// The least significant octets of all samples first, then the next ones.
    private static func shuffled(_ bytes: [UInt8], size: Int) -> [UInt8] {
        guard size > 1 else { return bytes }
        let count = bytes.count / size
        return [UInt8](unsafeUninitializedCapacity: bytes.count) { target, initialized in
            for octet in 0..<size {
                for index in 0..<count { target[octet * count + index] = bytes[index * size + octet] }
            }
            initialized = bytes.count
        }
    }

    /// Undoes `shuffled`; octets that make no whole sample are left as they are.
    private static func gathered(_ bytes: [UInt8], size: Int) -> [UInt8] {
        guard size > 1, bytes.count % size == 0 else { return bytes }
        let count = bytes.count / size
        return [UInt8](unsafeUninitializedCapacity: bytes.count) { target, initialized in
            for octet in 0..<size {
                for index in 0..<count { target[index * size + octet] = bytes[octet * count + index] }
            }
            initialized = bytes.count
        }
    }
}
