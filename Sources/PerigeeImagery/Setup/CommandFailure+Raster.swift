import PerigeeCodec
import PerigeeCommandLine
import PerigeeRaster

extension CommandFailure {
    /// A raster that could not be read or written.
    init(_ error: RasterError) {
        let code: ExitCode =
            switch error {
            case .unreadable: .unavailable
            case .unwritable: .io
            case .notGeoTIFF, .unsupported, .tooLarge, .damaged, .unknownReference: .data
            }
        self.init(code, "\(error)")
    }

    /// A frame that could not be encoded or decoded.
    init(_ error: CodecError, file: String) {
        let code: ExitCode = if case .library = error { .internal } else { .data }
        self.init(code, "\(file): \(error)")
    }
}
