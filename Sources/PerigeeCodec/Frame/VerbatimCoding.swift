import PerigeeCompression
import PerigeeCore

/// The samples' octets as one zstd frame in layer 0: for bands and sensors that no transform fits.
/// Source: Docs/packet-format.md, "Verbatim coding".
enum VerbatimCoding {
    static let level = 19

    static func encode(_ samples: Samples, layers: Int) throws(CodecError) -> EncodedFrame {
        do {
            var compressor = try ZstdCompressor(level: level)
            let octets = try compressor.compress(samples.bytes)
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
                bytes: bytes)
        } catch let error as FormatError {
            throw .format(error)
        } catch {
            throw .library(operation: "verbatim decode", reason: "\(error)")
        }
    }
}
