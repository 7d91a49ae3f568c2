import PerigeeCompression

/// The one compression that a message may name.
enum SampleCompression {
    static func compress(_ octets: [UInt8]) throws(FrameFormatError) -> [UInt8] {
        do throws(CompressionError) {
            var compressor = try ZstdCompressor(level: 3)
            return try compressor.compress(octets)
        } catch {
            throw .compression(problem: "\(error)")
        }
    }

    /// Exactly `size` octets, or an error; never more than `size` are kept.
    static func decompress(_ octets: [UInt8], size: Int) throws(FrameFormatError) -> [UInt8] {
        do throws(CompressionError) {
            var decompressor = try ZstdDecompressor()
            return try decompressor.decompress(octets, limit: size)
        } catch {
            if case .outOfRange(let found, _) = error { throw .length(found: found, expected: size) }
            throw .compression(problem: "\(error)")
        }
    }
}
