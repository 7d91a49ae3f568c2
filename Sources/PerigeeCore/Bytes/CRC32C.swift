/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, initial and final value all ones): RFC 3720 appendix B.4.
public enum CRC32C {
    /// Eight tables for slicing by eight octets: entry `[k * 256 + b]` is octet `b` followed by `k` zero octets.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for octet in 0..<256 {
            var value = UInt32(octet)
            for _ in 0..<8 { value = (value & 1) == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            tables[octet] = value
        }
        for octet in 256..<tables.count {
            let before = tables[octet - 256]
            tables[octet] = (before >> 8) ^ tables[Int(before & 255)]
        }
        return tables
    }()

    /// The checksum of `bytes`; `seed` is the checksum of what came before, so that a message may be given in parts.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var value = ~seed
            var offset = 0
            while offset &+ 8 <= bytes.count {
                let low = value ^ UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let high = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset &+ 4, as: UInt32.self))
                value =
                    table[1792 &+ Int(low & 255)] ^ table[1536 &+ Int((low >> 8) & 255)]
                    ^ table[1280 &+ Int((low >> 16) & 255)] ^ table[1024 &+ Int(low >> 24)]
                value ^=
                    table[768 &+ Int(high & 255)] ^ table[512 &+ Int((high >> 8) & 255)]
                    ^ table[256 &+ Int((high >> 16) & 255)] ^ table[Int(high >> 24)]
                offset &+= 8
            }
            while offset < bytes.count {
                value = (value >> 8) ^ table[Int((value ^ UInt32(bytes[offset])) & 255)]
                offset &+= 1
            }
            return ~value
        }
    }

    /// The checksum of an array of octets.
    public static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }

    /// The checksum of a slice of octets.
    public static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }
}
