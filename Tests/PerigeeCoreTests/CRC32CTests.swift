import PerigeeCore
import Testing

@Test("CRC-32C gives the values of RFC 3720 appendix B.4")
func publishedValues() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
}

@Test("a checksum may be taken in parts", arguments: [0, 1, 7, 8, 9, 63])
func parts(cut: Int) {
    let bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let first = CRC32C.checksum(bytes[..<cut])
    #expect(CRC32C.checksum(bytes[cut...], seed: first) == CRC32C.checksum(bytes))
}
