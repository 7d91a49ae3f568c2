import PerigeeFirmware

/// A packed firmware bundle: its shape, its signature's text, and the files of its manifest.
@c(LLVMFuzzerTestOneInput)
public func fuzzPackedBundle(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    guard let bundle = try? PackedBundle(parsing: Array(UnsafeBufferPointer(start: data, count: size))) else {
        return 0
    }
    _ = try? bundle.verify(TrustedKeys([]))
    _ = try? FirmwareBundle.load(bundle)
    return 0
}
