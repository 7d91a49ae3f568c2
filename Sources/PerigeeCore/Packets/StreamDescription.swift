/// A declaration with every default filled in from the profiles of its firmware.
public struct StreamDescription: Equatable, Sendable {
    public let declaration: StreamDeclaration
    /// Sensor name: the profile's.
    public let sensor: String
    /// The frame's bands in the order of the samples.
    public let bands: [Band]
    /// `codingOrder[i]` is the index in the samples of the band that is coded at place `i`: profile order for a known
    /// profile, else by wavelength (bands without one last), then by name. So the order of bands in a frame costs nothing.
    public let codingOrder: [Int]
    public let sampleType: SampleType
    /// Sample value that means missing; nil where every sample is valid (but NaN is always missing).
    public let nodata: Double?
    /// Physical value = sample * scale + offset.
    public let scale: Double
    public let offset: Double
    /// Scale and offset that the profile names; a frame's own may differ (Sentinel-2's +1000).
    public let profileScale: Double
    public let profileOffset: Double
    /// Unit of quantisation and peak of PSNR, in samples under the profile's scale.
    public let peak: Double
    public let platform: String?
    public let instruments: [String]

    public var rows: Int { declaration.rows }
    public var columns: Int { declaration.columns }

    /// Octets of the samples of one frame, refused beyond `limit`.
    public func rawSize(limit: Int) throws(FormatError) -> Int {
        try Samples.size(type: sampleType, bands: bands.count, rows: rows, columns: columns, limit: limit)
    }

    /// Resolves `declaration` against the profiles of the firmware that it names.
    public init(_ declaration: StreamDeclaration, profiles: [SensorProfile]) throws(FormatError) {
        let profile: SensorProfile
        let chosen: [Int]
        switch declaration.profile {
        case .inline(let spelled):
            profile = spelled
            chosen = Array(spelled.bands.indices)
            codingOrder = chosen.sorted { Self.precedes(spelled.bands[$0], spelled.bands[$1]) }
        case .known(let index, let list):
            guard profiles.indices.contains(index) else {
                throw .outOfRange(field: "profile index", value: index, limit: profiles.count - 1)
            }
            profile = profiles[index]
            let picked = list ?? Array(profiles[index].bands.indices)
            for band in picked where band >= profile.bands.count {
                throw .outOfRange(field: "band index", value: band, limit: profile.bands.count - 1)
            }
            guard Set(picked).count == picked.count else {
                throw .mismatch(field: "band list", found: "a band twice", expected: "each band once")
            }
            chosen = picked
            codingOrder = picked.indices.sorted { picked[$0] < picked[$1] }
        }
        self.declaration = declaration
        sensor = profile.name
        bands = chosen.map { profile.bands[$0] }
        sampleType = declaration.sampleType ?? profile.sampleType
        switch declaration.nodata {
        case .asProfile: nodata = profile.nodata
        case .none: nodata = nil
        case .value(let value): nodata = value
        }
        profileScale = profile.scale
        profileOffset = profile.offset
        scale = declaration.scaling?.scale ?? profile.scale
        offset = declaration.scaling?.offset ?? profile.offset
        guard scale != 0, profileScale != 0 else {
            throw .unknown(field: "scale", value: "0", expected: "a number that is not 0")
        }
        peak = profile.peak
        platform = declaration.platform ?? profile.platform
        instruments = declaration.instruments ?? profile.instruments
    }

    /// What a product says of a frame of this stream.
    public func frameDescription(_ metadata: FrameMetadata) -> FrameDescription {
        var description = FrameDescription(sensor: sensor, bandNames: bands.map(\.name))
        if case .acquired(let time) = metadata.time { description.datetime = time }
        description.platform = platform
        description.instruments = instruments.isEmpty ? nil : instruments
        if let grid = declaration.grid, let origin = metadata.origin {
            let matrix = grid.matrix
            description.georeference = GeoReference(
                epsg: grid.epsg, transform: [matrix[0], matrix[1], origin.x, matrix[2], matrix[3], origin.y])
        }
        description.place = metadata.place
        description.group = metadata.group
        description.nodata = nodata
        description.scale = scale
        description.offset = offset
        description.sunElevation = metadata.sunElevation
        return description
    }

    private static func precedes(_ left: Band, _ right: Band) -> Bool {
        // Rounded as an inline profile carries it, so that both ends see the same order.
        let leftWave = left.centerWavelength.map { Float($0) } ?? .infinity
        let rightWave = right.centerWavelength.map { Float($0) } ?? .infinity
        if leftWave != rightWave { return leftWave < rightWave }
        return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
}
