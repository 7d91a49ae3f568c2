public import PerigeeCore

/// Why a raster file could not be read or written. Every case names the file and what to do.
public enum RasterError: Error, Equatable, Sendable {
    /// No regular file has this name, or it may not be read.
    case unreadable(path: String, reason: String)
    /// The file is no GeoTIFF, or a damaged one.
    case notGeoTIFF(path: String, reason: String)
    /// A GeoTIFF that says something which a frame cannot hold.
    case unsupported(path: String, field: String, found: String, remedy: String)
    /// The shape is beyond a limit; nothing was allocated for it.
    case tooLarge(path: String, reason: FormatError)
    /// The samples could not be read: the file is cut short or damaged.
    case damaged(path: String, reason: String)
    /// The file could not be written; what stood under this name before is untouched.
    case unwritable(path: String, reason: String)
    /// A coordinate reference system that the library does not know.
    case unknownReference(code: String, reason: String)
}

extension RasterError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason): name a GeoTIFF file on a local disk"
        case .notGeoTIFF(let path, let reason):
            "\(path) is not a GeoTIFF: \(reason): convert it with gdal_translate -of GTiff"
        case .unsupported(let path, let field, let found, let remedy):
            "\(path): \(field) is \(found): \(remedy)"
        case .tooLarge(let path, let reason):
            "\(path): \(reason)"
        case .damaged(let path, let reason):
            "\(path) is damaged or cut short: \(reason): fetch it again"
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason): check the folder, its rights and the space on the disk"
        case .unknownReference(let code, let reason):
            "coordinate reference system \(code) is not known (\(reason)): install the package proj-data, or correct proj:code"
        }
    }
}
