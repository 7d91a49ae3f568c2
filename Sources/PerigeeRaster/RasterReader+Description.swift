import CGDAL
import PerigeeCore

// What a GeoTIFF says beside its samples. Texts are untrusted: what a declaration could not hold becomes a note.

extension RasterReader {
    private static let itemLimit = 256

    /// Metadata items of the default domain.
    static func metadata(_ dataset: borrowing Dataset) -> [String: String] {
        var items: [String: String] = [:]
        guard let list = GDALGetMetadata(dataset.handle, nil) else { return items }
        for index in 0..<min(Int(CSLCount(list)), itemLimit) {
            guard let line = list[index] else { break }
            let text = String(cString: line)
            guard let sign = text.firstIndex(of: "=") else { continue }
            items[String(text[..<sign])] = String(text[text.index(after: sign)...])
        }
        return items
    }

    static func describe(
        _ dataset: borrowing Dataset, notes: inout [String]
    ) -> (description: FrameDescription, hasBandNames: Bool) {
        var names: [String] = []
        var hasBandNames = true
        for index in 0..<dataset.bands {
            let name = dataset.band(index).flatMap { GDALGetDescription($0) }.map { String(cString: $0) } ?? ""
            if let kept = text(name, "name of band \(index + 1)", notes: &notes) {
                names.append(kept)
            } else {
                hasBandNames = false
                names.append("band\(index + 1)")
            }
        }
        let sensor = dataset.metadataItem("sensor").flatMap { text($0, "sensor", notes: &notes) }
        var description = FrameDescription(sensor: sensor ?? "unknown", bandNames: names)
        description.place = dataset.metadataItem("place").flatMap { text($0, "place", notes: &notes) }
        description.group = dataset.metadataItem("group").flatMap { text($0, "group", notes: &notes) }
        description.platform = dataset.metadataItem("platform").flatMap { text($0, "platform", notes: &notes) }
        if let instruments = dataset.metadataItem("instruments") {
            let list = instruments.split(separator: ",").prefix(DeclarationLimit.instruments)
                .compactMap { text(String($0), "instrument", notes: &notes) }
            description.instruments = list.isEmpty ? nil : list
        }
        description.datetime = datetime(dataset, notes: &notes)
        description.sunElevation = sunElevation(dataset)
        description.georeference = georeference(dataset, notes: &notes)
        describeValues(dataset, &description, notes: &notes)
        return (description, hasBandNames)
    }

    /// A text that a declaration can hold; nil where it is empty or cannot be held.
    private static func text(_ text: String, _ field: String, notes: inout [String]) -> String? {
        let isPlain = !text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        guard text.isEmpty || (isPlain && text.utf8.count <= DeclarationLimit.text) else {
            notes.append(
                "\(field) is left out: it is longer than \(DeclarationLimit.text) octets or has control characters")
            return nil
        }
        return text.isEmpty ? nil : text
    }

    /// `datetime` (RFC 3339; UTC where no zone is said), else `TIFFTAG_DATETIME`. A time of day is never made up: what says
    /// the day alone leaves the time unknown, with a note.
    private static func datetime(_ dataset: borrowing Dataset, notes: inout [String]) -> Timestamp? {
        let item = dataset.metadataItem("datetime")
        guard let given = item ?? dataset.metadataItem("TIFFTAG_DATETIME") else { return nil }
        var characters = Array(given)
        if characters.count >= 10, characters[4] == ":", characters[7] == ":" {
            characters[4] = "-"
            characters[7] = "-"
        }
        let text = String(characters)
        if let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "Z") {
            // The tag has no form without a time of day, so writers that know the day alone put zeros.
            if item == nil, text.hasSuffix(" 00:00:00") {
                notes.append(
                    "TIFFTAG_DATETIME says 00:00:00: it is taken as said, though it may mean that only the day was known"
                )
            }
            return time
        }
        let isDay = Timestamp(rfc3339: text + "T00:00:00Z") != nil
        notes.append(
            "datetime \"\(given.prefix(40))\" is left out: "
                + (isDay ? "it has no time of day" : "it is no RFC 3339 time"))
        return nil
    }

    private static func sunElevation(_ dataset: borrowing Dataset) -> Double? {
        for (item, sign, base) in [
            ("sun_elevation", 1.0, 0.0), ("sun_zenith", -1, 90),
        ] {
            if let value = dataset.metadataItem(item).flatMap(Double.init), value.isFinite {
                let elevation = base + sign * value
                return (-90...90).contains(elevation) ? elevation : nil
            }
        }
        return nil
    }

    private static func georeference(_ dataset: borrowing Dataset, notes: inout [String]) -> GeoReference? {
        var numbers = [Double](repeating: 0, count: 6)
        let hasTransform = GDALGetGeoTransform(dataset.handle, &numbers) == CE_None
        guard let reference = SpatialReference(copying: dataset) else {
            if hasTransform { notes.append("position is left out: the file has a transform but no CRS") }
            return nil
        }
        guard hasTransform, numbers.allSatisfy(\.isFinite) else {
            notes.append("position is left out: the file has a CRS but no affine transform")
            return nil
        }
        guard let epsg = reference.epsg else {
            notes.append(
                "position is left out: CRS \"\(reference.name.prefix(64))\" has no EPSG code; "
                    + "reproject with gdalwarp -t_srs EPSG:… to keep it")
            return nil
        }
        return GeoReference(
            epsg: epsg, transform: [numbers[1], numbers[2], numbers[0], numbers[4], numbers[5], numbers[3]])
    }

    /// Nodata, scale and offset, where all bands agree; and masks, which a frame does not have.
    private static func describeValues(
        _ dataset: borrowing Dataset, _ description: inout FrameDescription, notes: inout [String]
    ) {
        var values: Set<String> = []
        for index in 0..<dataset.bands {
            guard let band = dataset.band(index) else { continue }
            var (hasNodata, hasScale, hasOffset): (Int32, Int32, Int32) = (0, 0, 0)
            let nodata = GDALGetRasterNoDataValue(band, &hasNodata)
            let scale = GDALGetRasterScale(band, &hasScale)
            let offset = GDALGetRasterOffset(band, &hasOffset)
            let hasScaling = hasScale != 0 && hasOffset != 0 && scale.isFinite && offset.isFinite && scale != 0
            if index == 0 {
                if hasNodata != 0 { description.nodata = nodata }
                if hasScaling { (description.scale, description.offset) = (scale, offset) }
            }
            values.insert("\(hasScaling) \(scale) \(offset)")
            // An alpha channel is a band like the others, and travels.
            let mask = GDALGetMaskFlags(band)
            if mask & GMF_PER_DATASET != 0, mask & GMF_ALPHA == 0, index == 0 {
                notes.append("the mask of the file is left out: mark missing samples with a nodata value")
            }
        }
        if values.count > 1 {
            notes.append("scale and offset are left out: the bands have different ones")
            (description.scale, description.offset) = (nil, nil)
        }
    }
}
