extension StreamDeclaration {
    /// Declares the stream that `description` and the shape of its samples belong to, and says what is the frame's own.
    ///
    /// - `profile`: the sensor's profile, nil for a sensor that nobody knows (its frame travels verbatim).
    /// - `firmware`, `profiles`: identity and profiles of the firmware in use; a profile that stands in it is named by index.
    /// - Throws `FormatError` where the frame names a band that the profile does not have, or a band twice.
    public static func declare(
        _ description: FrameDescription, shape: Samples, profile: SensorProfile?, firmware: UInt32,
        profiles: [SensorProfile]
    ) throws(FormatError) -> (declaration: StreamDeclaration, metadata: FrameMetadata) {
        guard Set(description.bandNames).count == description.bandNames.count else {
            throw .mismatch(field: "bands", found: "a band twice", expected: "each band once")
        }
        let known = profile ?? Self.unknownProfile(description, type: shape.type)
        var bands: [Int] = []
        for name in description.bandNames {
            guard let index = known.bands.firstIndex(where: { $0.name == name }) else {
                let names = known.bands.map(\.name).joined(separator: " ")
                throw .unknown(field: "bands", value: "\"\(name)\"", expected: "bands of \(known.name): \(names)")
            }
            bands.append(index)
        }
        var declaration = StreamDeclaration(
            firmware: firmware,
            profile: reference(to: known, bands: bands, profiles: profiles), rows: shape.rows, columns: shape.columns)
        if profile == nil || bands.contains(where: { known.bands[$0].isCategorical }) { declaration.coding = .verbatim }
        if shape.type != known.sampleType { declaration.sampleType = shape.type }
        if let nodata = description.nodata, !isSame(nodata, known.nodata) { declaration.nodata = .value(nodata) }
        let scale = description.scale ?? known.scale
        let offset = description.offset ?? known.offset
        if scale != known.scale || offset != known.offset {
            declaration.scaling = Scaling(scale: scale, offset: offset)
        }
        var metadata = FrameMetadata()
        if let geo = description.georeference {
            let matrix = geo.transform
            declaration.grid = Grid(epsg: geo.epsg, matrix: [matrix[0], matrix[1], matrix[3], matrix[4]])
            metadata.origin = FrameMetadata.Origin(x: matrix[2], y: matrix[5])
        }
        if description.platform != known.platform { declaration.platform = description.platform }
        if let instruments = description.instruments, instruments != known.instruments {
            declaration.instruments = instruments
        }
        if let time = description.datetime { metadata.time = .acquired(time) }
        metadata.sunElevation = description.sunElevation
        metadata.place = description.place
        metadata.group = description.group
        return (declaration, metadata)
    }

    private static func reference(to profile: SensorProfile, bands: [Int], profiles: [SensorProfile]) -> Profile {
        guard let index = profiles.firstIndex(of: profile) else {
            var spelled = profile
            spelled.bands = bands.map { profile.bands[$0] }
            return .inline(spelled)
        }
        return .known(index: index, bands: bands == Array(profile.bands.indices) ? nil : bands)
    }

    private static func unknownProfile(_ description: FrameDescription, type: SampleType) -> SensorProfile {
        SensorProfile(
            name: description.sensor, bands: description.bandNames.map { Band(name: $0) }, sampleType: type,
            nodata: description.nodata, peak: type.range.upperBound.isFinite ? type.range.upperBound : 1)
    }

    private static func isSame(_ left: Double, _ right: Double?) -> Bool {
        guard let right else { return false }
        return left == right || (left.isNaN && right.isNaN)
    }
}
