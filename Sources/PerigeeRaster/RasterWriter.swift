import CGDAL
import Glibc
public import PerigeeCore

/// Writes rasters for people and programs outside: Cloud Optimized GeoTIFF and PNG. All writing is atomic: a temporary name
/// beside the target, fsync, rename.
public enum RasterWriter {
    /// Writes a frame as a Cloud Optimized GeoTIFF (GDAL's COG driver; deflate with predictor, overviews where larger than
    /// 512 samples) with CRS, transform, band names, nodata, scale, offset, time, and `metadata` as items
    /// (a ':' or '=' in an item's name becomes '_').
    ///
    /// `isCategorical`: overviews pick the nearest sample instead of an average. Returns octets written. Throws `RasterError`.
    @discardableResult
    public static func writeCOG(
        _ frame: Frame, to path: String, metadata: [String: String] = [:], isCategorical: Bool = false
    ) throws(RasterError) -> Int {
        let samples = frame.samples
        return try writeAtomically(path) { (temporary, log) throws(RasterError) in
            let done = try withMemoryDataset(samples, path: path, log: log) {
                (dataset) throws(RasterError) in
                try annotate(dataset, frame.description, metadata: metadata, path: path)
                let options = [
                    "COMPRESS=DEFLATE", "PREDICTOR=YES", "BLOCKSIZE=512", "BIGTIFF=IF_SAFER", "OVERVIEWS=AUTO",
                    "OVERVIEW_RESAMPLING=\(isCategorical ? "NEAREST" : "AVERAGE")",
                ]
                return copy(dataset, to: temporary, driver: "COG", options: options)
            }
            guard done, log.failures.isEmpty else {
                throw .unwritable(path: path, reason: log.reason("GDAL's COG driver failed"))
            }
        }
    }

    /// Writes an image as an 8-bit PNG. Returns octets written.
    @discardableResult
    public static func writePNG(_ image: Image, to path: String) throws(RasterError) -> Int {
        let samples: Samples
        do throws(FormatError) {
            samples = try Samples(
                type: .uint8, bands: 3, rows: image.rows, columns: image.columns, bytes: image.planes)
        } catch { throw .unwritable(path: path, reason: "\(error)") }
        return try writeAtomically(path) { (temporary, log) throws(RasterError) in
            let done = try withMemoryDataset(samples, path: path, log: log) { (dataset) throws(RasterError) in
                copy(dataset, to: temporary, driver: "PNG", options: ["ZLEVEL=6"])
            }
            guard done, log.failures.isEmpty else {
                throw .unwritable(path: path, reason: log.reason("GDAL's PNG driver failed"))
            }
        }
    }

    /// Lends a dataset in memory over the samples, which it does not copy and which `body` must only read.
    private static func withMemoryDataset<Result>(
        _ samples: Samples, path: String, log: ErrorLog, _ body: (borrowing Dataset) throws(RasterError) -> Result
    ) throws(RasterError) -> Result {
        guard
            let handle = GDALCreate(
                GDALGetDriverByName("MEM"), "", Int32(samples.columns), Int32(samples.rows), 0, samples.type.gdal, nil)
        else { throw .unwritable(path: path, reason: log.reason("no memory")) }
        let dataset = Dataset(owning: handle)
        let plane = samples.rows * samples.columns * samples.type.size
        return try samples.bytes.withUnsafeBufferPointer { (buffer) throws(RasterError) in
            for band in 0..<samples.bands {
                guard let base = buffer.baseAddress else { continue }
                let address = "DATAPOINTER=0x" + String(UInt(bitPattern: base + band * plane), radix: 16)
                guard withCStringList([address], { GDALAddBand(handle, samples.type.gdal, $0) }) == CE_None else {
                    throw .unwritable(path: path, reason: log.reason("a band could not be added"))
                }
            }
            return try body(dataset)
        }
    }

    private static func copy(
        _ dataset: borrowing Dataset, to path: String, driver: String, options: [String]
    ) -> Bool {
        let source = dataset.handle
        let result = withCStringList(options) {
            GDALCreateCopy(GDALGetDriverByName(driver), path, source, 1, $0, nil, nil)
        }
        guard let result else { return false }
        GDALClose(result)  // writes what is left; failures are in the log
        return true
    }

    /// Runs `body` with a temporary name beside `path`, then makes the file durable and gives it its name.
    private static func writeAtomically(
        _ path: String, _ body: (String, ErrorLog) throws(RasterError) -> Void
    ) throws(RasterError) -> Int {
        guard !path.isEmpty, !path.utf8.contains(0), !path.hasPrefix("/vsi") else {
            throw .unwritable(path: path, reason: "it is no file name on a local disk")
        }
        let target = path.hasPrefix("/") ? path : "./" + path
        let temporary = target + ".part-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        do throws(RasterError) {
            try GDALRuntime.run { (log) throws(RasterError) in try body(temporary, log) }
            let size = try makeDurable(temporary, path: path)
            guard rename(temporary, target) == 0 else {
                throw RasterError.unwritable(path: path, reason: String(cString: strerror(errno)))
            }
            return size
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func makeDurable(_ name: String, path: String) throws(RasterError) -> Int {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fsync(descriptor) == 0, fstat(descriptor, &status) == 0 else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        return Int(status.st_size)
    }
}
