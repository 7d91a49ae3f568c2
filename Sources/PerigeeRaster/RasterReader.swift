import CGDAL
import Glibc
import PerigeeCore

/// Reads GeoTIFF files from a local disk.
public enum RasterReader {
    /// Reads all bands of the file at `path`.
    ///
    /// Samples are `[bands][rows][columns]`. Types: uint8, uint16, int16, int32, float32; a float64 file is refused, since
    /// making it smaller would change values in silence. Names that GDAL would take for an archive, a network address or a
    /// part of a file are refused, and no file but this one is opened.
    /// Throws `RasterError`; where a limit is exceeded, before the samples are allocated.
    public static func read(
        _ path: String, limits: RasterLimits = RasterLimits()
    ) throws(RasterError) -> RasterFile {
        let name = try localName(path)
        return try GDALRuntime.run { (log) throws(RasterError) in
            guard let dataset = Dataset(opening: name) else {
                throw .notGeoTIFF(path: path, reason: log.reason("no TIFF header"))
            }
            let type = try sampleType(dataset, path: path, limits: limits)
            let samples = try readSamples(dataset, type: type, path: path, limits: limits, log: log)
            var notes: [String] = []
            let (description, hasBandNames) = describe(dataset, notes: &notes)
            do throws(FormatError) {
                return RasterFile(
                    frame: try Frame(description: description, samples: samples), hasBandNames: hasBandNames,
                    metadata: metadata(dataset), notes: notes)
            } catch { throw .tooLarge(path: path, reason: error) }
        }
    }

    /// A name that can only mean a regular file on a local disk.
    static func localName(_ path: String) throws(RasterError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .unreadable(path: path, reason: "no file name") }
        let name = path.hasPrefix("/") ? path : "./" + path
        guard !name.hasPrefix("/vsi") else {
            throw .unreadable(path: path, reason: "names of GDAL's virtual file systems are not accepted")
        }
        var status = stat()
        guard stat(name, &status) == 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "it is no regular file") }
        guard access(name, R_OK) == 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_size > 0 else { throw .notGeoTIFF(path: path, reason: "it is empty") }
        return name
    }

    /// The one type of all bands; refuses shapes and blocks beyond the limits.
    private static func sampleType(
        _ dataset: borrowing Dataset, path: String, limits: RasterLimits
    ) throws(RasterError) -> SampleType {
        guard dataset.bands > 0 else {
            throw .unsupported(path: path, field: "band count", found: "0", remedy: "give a file with a raster in it")
        }
        guard dataset.bands <= limits.bands else {
            throw .tooLarge(
                path: path, reason: .outOfRange(field: "bands", value: dataset.bands, limit: limits.bands))
        }
        var type: SampleType?
        for index in 0..<dataset.bands {
            guard let band = dataset.band(index) else { continue }
            let stored = GDALGetRasterDataType(band)
            let signed = GDALGetMetadataItem(band, "PIXELTYPE", "IMAGE_STRUCTURE").map { String(cString: $0) }
            guard let found = SampleType(gdal: stored), signed != "SIGNEDBYTE" else {
                let name = signed == "SIGNEDBYTE" ? "int8" : String(cString: GDALGetDataTypeName(stored))
                throw .unsupported(
                    path: path, field: "type of band \(index + 1)", found: name,
                    remedy: "convert it with gdal_translate -ot Byte, UInt16, Int16, Int32 or Float32")
            }
            guard type == nil || type == found else {
                throw .unsupported(
                    path: path, field: "type of band \(index + 1)",
                    found: "\(found.name) beside \(type?.name ?? "")",
                    remedy: "give all bands one type with gdal_translate -ot")
            }
            type = found
            try checkBlock(band, type: found, path: path, limits: limits)
        }
        guard let type else {
            throw .unsupported(path: path, field: "bands", found: "unreadable", remedy: "fetch the file again")
        }
        return type
    }

    /// GDAL holds one block at a time; a strip or tile may be as large as a frame, but no larger.
    private static func checkBlock(
        _ band: UnsafeMutableRawPointer, type: SampleType, path: String, limits: RasterLimits
    ) throws(RasterError) {
        var columns: Int32 = 0
        var rows: Int32 = 0
        GDALGetBlockSize(band, &columns, &rows)
        do throws(FormatError) {
            _ = try Samples.size(
                type: type, bands: 1, rows: Int(rows), columns: Int(columns), limit: max(limits.size, 4 << 20))
        } catch { throw .tooLarge(path: path, reason: error) }
    }

    private static func readSamples(
        _ dataset: borrowing Dataset, type: SampleType, path: String, limits: RasterLimits, log: ErrorLog
    ) throws(RasterError) -> Samples {
        let (bands, rows, columns) = (dataset.bands, dataset.rows, dataset.columns)
        do throws(FormatError) {
            let size = try Samples.size(type: type, bands: bands, rows: rows, columns: columns, limit: limits.size)
            guard let bytes = readBytes(dataset, type: type, size: size) else {
                throw FormatError.truncated(field: "samples", needed: size, available: 0)
            }
            return try Samples(type: type, bands: bands, rows: rows, columns: columns, bytes: bytes)
        } catch {
            if case .truncated = error {
                throw .damaged(path: path, reason: log.reason("a block of samples is missing"))
            }
            throw .tooLarge(path: path, reason: error)
        }
    }

    /// All samples, band by band; nil where a block cannot be read.
    private static func readBytes(_ dataset: borrowing Dataset, type: SampleType, size: Int) -> [UInt8]? {
        let (bands, rows, columns) = (dataset.bands, dataset.rows, dataset.columns)
        let handle = dataset.handle
        var code = CE_None
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            code = GDALDatasetRasterIOEx(
                handle, GF_Read, 0, 0, Int32(columns), Int32(rows), buffer.baseAddress, Int32(columns),
                Int32(rows), type.gdal, Int32(bands), nil, Int64(type.size), Int64(type.size * columns),
                Int64(type.size * columns * rows), nil)
            count = code == CE_None ? size : 0
        }
        return code == CE_None ? bytes : nil
    }
}
