/// Samples of one frame: `[bands][rows][columns]`, row-major, little-endian octets.
public struct Samples: Equatable, Sendable {
    public let type: SampleType
    public let bands: Int
    public let rows: Int
    public let columns: Int
    /// `bands * rows * columns * type.size` octets.
    public let bytes: [UInt8]

    /// Octets that the samples of one frame may take where nobody sets another limit.
    public static let defaultSizeLimit = 256 << 20

    /// Samples of a known shape; fails where the count of octets does not agree with it.
    public init(type: SampleType, bands: Int, rows: Int, columns: Int, bytes: [UInt8]) throws(FormatError) {
        let size = try Self.size(type: type, bands: bands, rows: rows, columns: columns, limit: Int.max)
        guard bytes.count == size else {
            throw .mismatch(field: "samples", found: "\(bytes.count) octets", expected: "\(size) octets")
        }
        self.type = type
        self.bands = bands
        self.rows = rows
        self.columns = columns
        self.bytes = bytes
    }

    /// Octets that a shape takes, refused where a dimension is zero or the product is beyond `limit`; never overflows.
    public static func size(
        type: SampleType, bands: Int, rows: Int, columns: Int, limit: Int
    ) throws(FormatError) -> Int {
        var size = type.size
        for (field, dimension) in [("bands", bands), ("rows", rows), ("columns", columns)] {
            guard dimension > 0 else {
                throw .unknown(field: "shape \(field)", value: "\(dimension)", expected: "1 or more")
            }
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= limit else {
                throw .outOfRange(field: "frame octets", value: overflow ? Int.max : product, limit: limit)
            }
            size = product
        }
        return size
    }
}

/// What is known of one acquisition beside its samples. What is nil is unknown and stays so.
public struct FrameDescription: Equatable, Sendable {
    /// Profile name, or the name that the source gave.
    public var sensor: String
    /// Band names in the order of the samples.
    public var bandNames: [String]
    public var datetime: Timestamp?
    public var platform: String?
    public var instruments: [String]?
    public var georeference: GeoReference?
    /// Opaque name of the place, where the source gives one.
    public var place: String?
    /// Ties frames of one acquisition that have different grids.
    public var group: String?
    /// Sample value that means missing; nil means as in the profile. For float32, NaN always means missing as well.
    public var nodata: Double?
    /// Physical value = sample * scale + offset; nil means as in the profile.
    public var scale: Double?
    public var offset: Double?
    /// Degrees above the horizon.
    public var sunElevation: Double?

    /// A description of which only sensor and bands are known.
    public init(sensor: String, bandNames: [String]) {
        self.sensor = sensor
        self.bandNames = bandNames
    }
}

/// One acquisition of all bands over one footprint.
public struct Frame: Equatable, Sendable {
    public var description: FrameDescription
    public var samples: Samples

    /// Pairs samples with what is known of them; the count of band names must agree.
    public init(description: FrameDescription, samples: Samples) throws(FormatError) {
        guard description.bandNames.count == samples.bands else {
            throw .mismatch(
                field: "bands", found: "\(description.bandNames.count) names",
                expected: "\(samples.bands) bands of samples")
        }
        self.description = description
        self.samples = samples
    }
}
