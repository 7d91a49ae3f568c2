import CGDAL

/// Questions about a raster file that need no samples.
public enum RasterInspector {
    /// Whether the file is laid out as a Cloud Optimized GeoTIFF: directories first, then overviews, then samples.
    public static func isCloudOptimized(_ path: String) throws(RasterError) -> Bool {
        let name = try RasterReader.localName(path)
        return try GDALRuntime.run { (log) throws(RasterError) in
            guard let dataset = Dataset(opening: name) else {
                throw .notGeoTIFF(path: path, reason: log.reason("no TIFF header"))
            }
            return dataset.metadataItem("LAYOUT", domain: "IMAGE_STRUCTURE") == "COG"
        }
    }
}
