import PerigeeCore
import PerigeeJSON
import PerigeeRaster

/// A STAC 1.1 item for one decoded frame. Fields: Docs/products.md, "STAC item".
struct STACItem {
    private static let base = "https://stac-extensions.github.io/"
    /// Prefix of an extension's fields, and its version.
    private static let extensions = [
        ("eo", "v2.0.0"), ("processing", "v1.2.0"), ("proj", "v2.0.0"), ("raster", "v2.0.0"), ("view", "v1.0.0"),
    ]

    let decoded: DecodedFrame
    let facts: ProductFacts
    let name: ProductName
    let footprint: Footprint?
    /// What could not be said, as sentences.
    let notes: [String]

    var json: JSONValue {
        var item: [String: JSONValue] = [
            "type": .string("Feature"), "stac_version": .string("1.1.0"),
            "id": .string(name.identifier(sensor: decoded.stream.sensor)), "geometry": geometry,
            "properties": .sorted(properties), "links": .array([]), "assets": .object(["data": asset]),
        ]
        // An item names the extensions whose fields it has, and no others.
        let prefixes = Self.prefixes(.sorted(item))
        item["stac_extensions"] = .strings(
            Self.extensions.filter { prefixes.contains($0.0) }.map { prefix, version in
                "\(Self.base)\(prefix == "proj" ? "projection" : prefix)/\(version)/schema.json"
            })
        if let footprint { item["bbox"] = .numbers(footprint.bbox) }
        return .sorted(item)
    }

    /// What stands before the colon of a name, anywhere in the value.
    private static func prefixes(_ value: JSONValue) -> Set<String> {
        switch value {
        case .null, .bool, .integer, .number, .string: []
        case .array(let values): values.reduce(into: []) { $0.formUnion(prefixes($1)) }
        case .object(let members):
            members.reduce(into: []) { found, member in
                if let colon = member.name.firstIndex(of: ":") { found.insert(String(member.name[..<colon])) }
                found.formUnion(prefixes(member.value))
            }
        }
    }

    private var geometry: JSONValue {
        guard let footprint, let first = footprint.rings.first else { return .null }
        func polygon(_ ring: [[Double]]) -> JSONValue { .array([.array(ring.map(JSONValue.numbers))]) }
        return footprint.rings.count == 1
            ? .object(["type": .string("Polygon"), "coordinates": polygon(first)])
            : .object([
                "type": .string("MultiPolygon"), "coordinates": .array(footprint.rings.map(polygon)),
            ])
    }

    private var properties: [String: JSONValue] {
        let description = decoded.frame.description
        let samples = decoded.frame.samples
        var fields = times
        if let platform = description.platform { fields["platform"] = .string(platform) }
        if let instruments = description.instruments { fields["instruments"] = .strings(instruments) }
        if let gsd = decoded.stream.bands.compactMap(\.groundSamplingDistance).min() { fields["gsd"] = .number(gsd) }
        if let elevation = description.sunElevation { fields["view:sun_elevation"] = .number(elevation) }
        fields["proj:shape"] = .integers([samples.rows, samples.columns])
        fields["proj:code"] = description.georeference.map { .string("EPSG:\($0.epsg)") } ?? .null
        if let georeference = description.georeference { fields["proj:transform"] = .numbers(georeference.transform) }
        fields["processing:software"] = .object(["perigee": .string(facts.software)])
        fields["processing:lineage"] = .string(
            "decoded from \(decoded.layerSizes.count) layers of tokens with firmware \(firmware)")
        fields.merge(tokens, uniquingKeysWith: { first, _ in first })
        return fields
    }

    /// `datetime` is null where nobody said it; start and end are then those of the reception.
    private var times: [String: JSONValue] {
        switch decoded.metadata.time {
        case .acquired(let time): return ["datetime": .string(time.rfc3339)]
        case .received(let time):
            return ["datetime": .null, "start_datetime": .string(time.rfc3339), "end_datetime": .string(time.rfc3339)]
        case .unknown:
            return [
                "datetime": .null, "start_datetime": .string(text(facts.received.lowerBound)),
                "end_datetime": .string(text(facts.received.upperBound)),
            ]
        }
    }

    /// Clocks may be wrong by any amount; RFC 3339 ends with the year 9999.
    private func text(_ time: Timestamp) -> String {
        Timestamp(milliseconds: min(max(time.milliseconds, -62_167_219_200_000), 253_402_300_799_999)).rfc3339
    }

    private var firmware: String { Hex.text(decoded.stream.declaration.firmware) }

    /// What the product was made of.
    private var tokens: [String: JSONValue] {
        let description = decoded.frame.description
        let raw = Double(decoded.frame.samples.bytes.count)
        var fields: [String: JSONValue] = [
            "perigee:sensor": .string(description.sensor), "perigee:station": .string(facts.station),
            "perigee:epoch": .string(facts.epoch.text), "perigee:frame": .integer(Int(clamping: facts.frame)),
            "perigee:firmware": .string(firmware),
            "perigee:coding": .string(decoded.stream.declaration.coding == .tokens ? "tokens" : "verbatim"),
            "perigee:layers": .integer(decoded.layerSizes.count), "perigee:layer_bytes": .integers(decoded.layerSizes),
            "perigee:packets": .integer(facts.packetCount), "perigee:packet_bytes": .integer(facts.packetSize),
            "perigee:raw_bytes": .integer(decoded.frame.samples.bytes.count),
            "perigee:ratio": .number((raw / Double(max(facts.packetSize, 1)) * 100).rounded() / 100),
        ]
        if let place = description.place { fields["perigee:place"] = .string(place) }
        if let group = description.group { fields["perigee:group"] = .string(group) }
        if let history = decoded.history { fields["perigee:history"] = .string(history) }
        if let limit = facts.layerLimit { fields["perigee:layer_limit"] = .integer(limit) }
        if !notes.isEmpty { fields["perigee:notes"] = .strings(notes) }
        return fields
    }

    private var asset: JSONValue {
        let bands = decoded.stream.bands.map { JSONValue.sorted(bandFields($0)) }
        return .object([
            "href": .string("./" + name.raster), "title": .string("Decoded samples"),
            "type": .string("image/tiff; application=geotiff; profile=cloud-optimized"), "roles": .strings(["data"]),
            "bands": .array(bands),
        ])
    }

    private func bandFields(_ band: Band) -> [String: JSONValue] {
        let description = decoded.frame.description
        var fields: [String: JSONValue] = [
            "name": .string(band.name), "data_type": .string(decoded.frame.samples.type.name),
        ]
        if let nodata = description.nodata { fields["nodata"] = nodata.isNaN ? .string("nan") : .number(nodata) }
        if let gsd = band.groundSamplingDistance { fields["gsd"] = .number(gsd) }
        if let center = band.centerWavelength { fields["eo:center_wavelength"] = .number(center) }
        if let width = band.fullWidthHalfMax { fields["eo:full_width_half_max"] = .number(width) }
        if let name = Self.commonName(band) { fields["eo:common_name"] = .string(name) }
        if !band.isCategorical, let scale = description.scale, let offset = description.offset {
            fields["raster:scale"] = .number(scale)
            fields["raster:offset"] = .number(offset)
        }
        return fields
    }

    /// STAC's common name of what a band sees, where its centre lies well inside that name's range.
    private static func commonName(_ band: Band) -> String? {
        guard let center = band.centerWavelength, !band.isCategorical else { return nil }
        let names: [(ClosedRange<Double>, String)] = [
            (0.40...0.45, "coastal"), (0.45...0.51, "blue"), (0.51...0.60, "green"), (0.62...0.69, "red"),
            (0.70...0.715, "rededge071"), (0.73...0.75, "rededge075"), (0.775...0.79, "rededge078"),
            (0.80...0.85, "nir"), (0.85...0.88, "nir08"), (0.93...0.95, "nir09"), (1.36...1.39, "cirrus"),
            (1.55...1.75, "swir16"), (2.08...2.35, "swir22"), (10.5...11.5, "lwir11"), (11.5...12.5, "lwir12"),
        ]
        return names.first { $0.0.contains(center) }?.1
    }
}
