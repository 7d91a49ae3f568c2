import CSodium

/// SHA-256 (FIPS 180-4) by libsodium.
public enum SHA256 {
    /// The 32 octets of the digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { digest($0) }
    }

    /// The 32 octets of the digest of `bytes`.
    public static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let size = Int(crypto_hash_sha256_BYTES)
        return [UInt8](unsafeUninitializedCapacity: size) { digest, count in
            guard let base = digest.baseAddress else { return }
            // cannot fail: it has no state and allocates nothing
            _ = crypto_hash_sha256(base, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
            count = size
        }
    }
}
