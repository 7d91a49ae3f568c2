internal import CZstd

/// Makes zstd frames (RFC 8878). Owns one compression context: one a lane.
public struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    /// `level` 1 (fast) to 22 (small); the baseline of Docs and reports is 19.
    public init(level: Int) throws(CompressionError) {
        guard let context = ZSTD_createCCtx() else {
            throw .library(operation: "create", reason: "no memory")
        }
        let code = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(clamping: level))
        guard ZSTD_isError(code) == 0 else {
            ZSTD_freeCCtx(context)
            throw .library(operation: "set level \(level)", reason: String(cString: ZSTD_getErrorName(code)))
        }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// One zstd frame that holds its content size. Allocates the result.
    public mutating func compress(_ bytes: UnsafeRawBufferPointer) throws(CompressionError) -> [UInt8] {
        var code = 0
        let context = context
        let compressed = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
            code = ZSTD_compress2(context, target.baseAddress, target.count, bytes.baseAddress, bytes.count)
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else {
            throw .library(operation: "compress", reason: String(cString: ZSTD_getErrorName(code)))
        }
        return compressed
    }

    /// One zstd frame of an array's octets.
    public mutating func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var result: Result<[UInt8], CompressionError> = .success([])
        bytes.withUnsafeBytes { buffer in
            do throws(CompressionError) {
                result = .success(try compress(buffer))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
