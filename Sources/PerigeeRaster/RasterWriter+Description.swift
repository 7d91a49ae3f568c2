import CGDAL
import PerigeeCore

extension RasterWriter {
    /// Says in `dataset` what is known of its samples; the reader finds all of it again.
    static func annotate(
        _ dataset: borrowing Dataset, _ description: FrameDescription, metadata: [String: String], path: String
    ) throws(RasterError) {
        if let georeference = description.georeference { try place(dataset, georeference) }
        for (index, name) in description.bandNames.enumerated() {
            guard let band = dataset.band(index) else { continue }
            GDALSetDescription(band, name)
            if let nodata = description.nodata { GDALSetRasterNoDataValue(band, nodata) }
            if let scale = description.scale, let offset = description.offset, scale != 1 || offset != 0 {
                GDALSetRasterScale(band, scale)
                GDALSetRasterOffset(band, offset)
            }
        }
        for (name, value) in items(description).merging(metadata, uniquingKeysWith: { _, given in given }) {
            // GDAL ends an item's name at its first ':' or '='.
            let plain = name.replacing(":", with: "_").replacing("=", with: "_")
            GDALSetMetadataItem(dataset.handle, plain, value, nil)
        }
    }

    private static func place(
        _ dataset: borrowing Dataset, _ georeference: GeoReference
    ) throws(RasterError) {
        guard let reference = SpatialReference(epsg: georeference.epsg) else {
            throw .unknownReference(code: "EPSG:\(georeference.epsg)", reason: "not in PROJ's database")
        }
        let matrix = georeference.transform
        var numbers = [matrix[2], matrix[0], matrix[1], matrix[5], matrix[3], matrix[4]]
        GDALSetSpatialRef(dataset.handle, reference.handle)
        GDALSetGeoTransform(dataset.handle, &numbers)
    }

    private static func items(_ description: FrameDescription) -> [String: String] {
        var items = ["sensor": description.sensor]
        if let time = description.datetime {
            items["datetime"] = time.rfc3339
            let date = time.rfc3339.prefix(10).replacing("-", with: ":")
            items["TIFFTAG_DATETIME"] = date + " " + time.rfc3339.dropFirst(11).prefix(8)
        }
        items["place"] = description.place
        items["group"] = description.group
        items["platform"] = description.platform
        items["instruments"] = description.instruments?.joined(separator: ",")
        if let elevation = description.sunElevation { items["sun_elevation"] = "\(elevation)" }
        return items
    }
}
