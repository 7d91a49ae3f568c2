import PerigeeFrameFormat

/// A whole message: the first line is the header, the rest are the samples. Nothing beyond 64 KiB may be allocated for them.
@c(LLVMFuzzerTestOneInput)
public func fuzzFrame(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let end = bytes.firstIndex(of: 10) ?? bytes.endIndex
    let message = try? FrameMessage(
        parsing: [[], Array(bytes[..<end]), Array(bytes[end...].dropFirst())],
        limits: FrameLimits(headerSize: 4_096, frameSize: 65_536))
    _ = try? message?.frame(profileNodata: 0)
    return 0
}
