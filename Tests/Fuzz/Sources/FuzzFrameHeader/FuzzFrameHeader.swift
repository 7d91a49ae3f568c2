import PerigeeFrameFormat

/// The JSON header of a frame.
@c(LLVMFuzzerTestOneInput)
public func fuzzFrameHeader(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    _ = try? FrameHeader(parsing: bytes[...], limits: FrameLimits())
    return 0
}
