import PerigeeCompression
import PerigeeCore
import PerigeeTestSupport
import Testing

@Test("octets come back as they were", arguments: [0, 1, 1000, 3_000_000])
func roundTrip(count: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let bytes = (0..<count).map { _ in UInt8.random(in: 0..<20, using: &generator) }
    var compressor = try ZstdCompressor(level: 3)
    var decompressor = try ZstdDecompressor()
    let packed = try compressor.compress(bytes)
    #expect(try decompressor.decompress(packed, limit: count) == bytes)
}

@Test("a frame that restores to more than the limit is refused by its own size")
func limit() throws {
    var compressor = try ZstdCompressor(level: 3)
    var decompressor = try ZstdDecompressor()
    let packed = try compressor.compress([UInt8](repeating: 0, count: 100_000))
    #expect(throws: CompressionError.outOfRange(size: 100_000, limit: 99_999)) {
        try decompressor.decompress(packed, limit: 99_999)
    }
}

@Test("each prefix of a frame, and octets behind it, are refused")
func damaged() throws {
    var compressor = try ZstdCompressor(level: 3)
    var decompressor = try ZstdDecompressor()
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 * $0) }
    let packed = try compressor.compress(bytes)
    for length in 0..<packed.count {
        #expect(throws: CompressionError.self) { try decompressor.decompress(Array(packed[..<length]), limit: 300) }
    }
    #expect(throws: CompressionError.self) { try decompressor.decompress(packed + [0], limit: 300) }
    #expect(throws: CompressionError.self) { try decompressor.decompress(Array("no zstd at all".utf8), limit: 300) }
    #expect(try decompressor.decompress(packed, limit: 300) == bytes)  // the context survives all that
}
