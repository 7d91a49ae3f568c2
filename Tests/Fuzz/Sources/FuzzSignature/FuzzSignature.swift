import PerigeeFirmware

/// Signatures and keys in minisign's format. No password: opening an encrypted key is slow by design.
@c(LLVMFuzzerTestOneInput)
public func fuzzSignature(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    _ = try? DetachedSignature(parsing: bytes)
    _ = try? SigningPublicKey(parsing: bytes)
    _ = try? SigningSecretKey(parsing: bytes, password: nil)
    return 0
}
