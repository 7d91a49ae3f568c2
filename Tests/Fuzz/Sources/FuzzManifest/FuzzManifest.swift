import PerigeeFirmware

/// `manifest.json` of a firmware bundle.
@c(LLVMFuzzerTestOneInput)
public func fuzzManifest(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    _ = try? FirmwareManifest(parsing: Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
