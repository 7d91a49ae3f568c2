import CGDAL

/// GDAL, set up once for this process: four drivers that read and write local files, nothing else. No VRT, no network
/// file system, no sidecar files, so a name or a file from outside cannot make it open anything more.
enum GDALRuntime {
    private static let isReady: Bool = {
        GDALRegister_GTiff()
        GDALRegister_MEM()
        GDALRegister_COG()
        GDALRegister_PNG()
        CPLSetConfigOption("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
        CPLSetConfigOption("GDAL_PAM_ENABLED", "NO")
        CPLSetConfigOption("GDAL_CACHEMAX", "64")  // MiB
        CPLSetConfigOption("PROJ_NETWORK", "OFF")
        return true
    }()

    /// Runs `body` with GDAL's messages caught in the log that it is given instead of printed. Messages belong to the
    /// calling thread.
    static func run<Result: ~Copyable>(
        _ body: (ErrorLog) throws(RasterError) -> Result
    ) throws(RasterError) -> Result {
        invariantReady()
        let log = ErrorLog()
        CPLErrorReset()
        CPLPushErrorHandlerEx(record, Unmanaged.passUnretained(log).toOpaque())
        defer {
            CPLPopErrorHandler()
            withExtendedLifetime(log) {}
        }
        return try body(log)
    }

    private static func invariantReady() { _ = isReady }
}

/// The messages of one call, at most 16; the rest repeats them.
final class ErrorLog {
    private static let limit = 16
    private(set) var failures: [String] = []

    fileprivate func append(_ message: String) {
        if failures.count < Self.limit { failures.append(message) }
    }

    /// The first failure, which names the cause; `fallback` where GDAL said nothing.
    func reason(_ fallback: String) -> String { failures.first ?? fallback }
}

private func record(level: CPLErr, number: CPLErrorNum, message: UnsafePointer<CChar>?) {
    guard level.rawValue >= CE_Failure.rawValue, let message, let context = CPLGetErrorHandlerUserData() else { return }
    Unmanaged<ErrorLog>.fromOpaque(context).takeUnretainedValue().append(String(cString: message))
}
