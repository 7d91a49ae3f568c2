internal import CZstd

/// Restores zstd frames (RFC 8878) within a limit. Owns one decompression context: one a lane.
public struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer
    /// zstd's own memory is bounded too: frames that ask for a window beyond 128 MiB are refused.
    private static let windowLog: Int32 = 27

    /// A context without a frame.
    public init() throws(CompressionError) {
        guard let context = ZSTD_createDCtx() else {
            throw .library(operation: "create", reason: "no memory")
        }
        let code = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
        guard ZSTD_isError(code) == 0 else {
            ZSTD_freeDCtx(context)
            throw .library(operation: "set window", reason: String(cString: ZSTD_getErrorName(code)))
        }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// The octets of one whole zstd frame, nothing behind it. A frame that says, or turns out, to hold more than `limit`
    /// octets is refused before they are allocated; memory grows with what really comes out.
    public mutating func decompress(
        _ bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        let size = ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count)
        // -1: not said, -2: no zstd frame
        if size == UInt64(bitPattern: -2) { throw .damaged(reason: "no zstd frame") }
        if size != UInt64(bitPattern: -1), size > UInt64(max(limit, 0)) {
            throw .outOfRange(size: Int(clamping: size), limit: limit)
        }
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        var restored: [UInt8] = []
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while true {
            let (code, part) = step(&input)
            guard ZSTD_isError(code) == 0 else { throw .damaged(reason: String(cString: ZSTD_getErrorName(code))) }
            guard part.count <= limit - restored.count else {
                throw .outOfRange(size: restored.count + part.count, limit: limit)
            }
            restored += part
            if code == 0 { break }
            guard input.pos < input.size || !part.isEmpty else { throw .damaged(reason: "cut short") }
        }
        guard input.pos == input.size else { throw .damaged(reason: "octets behind the frame") }
        return restored
    }

    /// The octets of one whole zstd frame in an array.
    public mutating func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        var result: Result<[UInt8], CompressionError> = .success([])
        bytes.withUnsafeBytes { buffer in
            do throws(CompressionError) {
                result = .success(try decompress(buffer, limit: limit))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    /// Up to 1 MiB more.
    private func step(_ input: inout ZSTD_inBuffer) -> (code: Int, part: [UInt8]) {
        var code = 0
        let context = context
        let part = [UInt8](unsafeUninitializedCapacity: 1 << 20) { target, count in
            var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
            code = ZSTD_decompressStream(context, &output, &input)
            count = output.pos
        }
        return (code, part)
    }
}
