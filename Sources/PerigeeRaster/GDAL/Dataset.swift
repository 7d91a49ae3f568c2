import CGDAL
import PerigeeCore

/// Owns one GDAL dataset and closes it.
struct Dataset: ~Copyable {
    let handle: UnsafeMutableRawPointer

    /// Opens a GeoTIFF for reading; nil where GDAL refuses it.
    init?(opening path: String) {
        let flags = UInt32(GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_INTERNAL)
        let opened = withCStringList(["GTiff"]) { list in
            list.flatMap {
                $0.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: 2) { drivers in
                    GDALOpenEx(path, flags, drivers, nil, nil)
                }
            }
        }
        guard let handle = opened else { return nil }
        self.handle = handle
    }

    /// Takes a handle over.
    init(owning handle: UnsafeMutableRawPointer) { self.handle = handle }

    deinit { GDALClose(handle) }

    var bands: Int { Int(GDALGetRasterCount(handle)) }
    var rows: Int { Int(GDALGetRasterYSize(handle)) }
    var columns: Int { Int(GDALGetRasterXSize(handle)) }

    /// Band `index`, counted from 0.
    func band(_ index: Int) -> UnsafeMutableRawPointer? { GDALGetRasterBand(handle, Int32(index + 1)) }

    func metadataItem(_ name: String, domain: String? = nil) -> String? {
        GDALGetMetadataItem(handle, name, domain).map { String(cString: $0) }
    }
}

/// Lends `texts` as a null-terminated list of C strings.
func withCStringList<Result: ~Copyable>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Result
) -> Result {
    var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    for text in texts { list = CSLAddString(list, text) }
    defer { CSLDestroy(list) }
    return body(list)
}

extension SampleType {
    /// GDAL's type of the same samples.
    var gdal: GDALDataType {
        switch self {
        case .uint8: GDT_Byte
        case .uint16: GDT_UInt16
        case .int16: GDT_Int16
        case .int32: GDT_Int32
        case .float32: GDT_Float32
        }
    }

    /// The type of a band's samples, nil where a frame has none such.
    init?(gdal: GDALDataType) {
        switch gdal {
        case GDT_Byte: self = .uint8
        case GDT_UInt16: self = .uint16
        case GDT_Int16: self = .int16
        case GDT_Int32: self = .int32
        case GDT_Float32: self = .float32
        default: return nil
        }
    }
}
