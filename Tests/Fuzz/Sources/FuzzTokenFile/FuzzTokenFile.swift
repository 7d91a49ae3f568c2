import PerigeeCore

/// Token files, whole and cut short.
@c(LLVMFuzzerTestOneInput)
public func fuzzTokenFile(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    _ = try? TokenFile(parsing: bytes)
    _ = try? TokenFile(parsing: bytes, allowsPrefix: true)
    return 0
}
