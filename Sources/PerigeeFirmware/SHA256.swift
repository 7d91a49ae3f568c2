import CSodium

/// SHA-256 (FIPS 180-4) by libsodium.
public enum SHA256 {
    /// The 32 octets of the digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { digest($0) }
    }

    /// The 32 octets of the digest of `bytes`.
    public static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(crypto_hash_sha256_BYTES)) { digest, count in
            // cannot fail: it has no state and allocates nothing
            _ = crypto_hash_sha256(
                digest.baseAddress, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
            count = Int(crypto_hash_sha256_BYTES)
        }
    }
}
