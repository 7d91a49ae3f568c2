public import PerigeeCore

/// One file of Config/sensors: a profile and what sources may call its bands.
public struct SensorDefinition: Equatable, Sendable {
    public var profile: SensorProfile
    /// Other spelling of a band to the profile's own.
    public var aliases: [String: String]
    /// Frames may name any bands; `profile.bands` is empty, and its peak is that of 16-bit samples.
    public var allowsAnyBands: Bool

    /// The keys of such a file.
    public static let keys: [Key] = [
        Key(needed: "name", .text(), "name of the sensor in frame headers"),
        Key("platform", .text(), nil, "STAC platform, where the sensor implies it"),
        Key("instruments", .texts, nil, "STAC instruments"),
        Key(needed: "dtype", .text(choices: SampleType.allCases.map(\.name)), "usual type of a sample"),
        Key("scale", .number(-1e12...1e12), .number(1), "physical value = sample * scale + offset"),
        Key("offset", .number(-1e12...1e12), .number(0), "physical value = sample * scale + offset"),
        Key("nodata", .number(-1e300...1e300), nil, "sample value that means missing"),
        Key(needed: "peak", .number(1e-12...1e12), "peak of PSNR and unit of quantisation, in samples"),
        Key("any_bands", .boolean, .boolean(false), "frames may name any bands"),
        Key("bands", .tables(bandKeys), nil, "bands in product order"),
    ]

    private static let bandKeys: [Key] = [
        Key(needed: "name", .text(), "name as in the product"),
        Key("aliases", .texts, nil, "other spellings that sources use"),
        Key("center_wavelength", .number(1e-3...1e6), nil, "micrometres"),
        Key("full_width_half_max", .number(1e-6...1e6), nil, "micrometres"),
        Key("gsd", .number(1e-3...1e6), nil, "metres, before any resampling"),
        Key("categorical", .boolean, .boolean(false), "values are codes and travel losslessly"),
    ]

    /// Reads a file of Config/sensors.
    public init(path: String) throws(ConfigurationError) { try self.init(TomlDocument(path: path)) }

    /// Reads a document; all problems are thrown together.
    public init(_ document: TomlDocument) throws(ConfigurationError) {
        var reader = KeyReader(file: document.name)
        let values = reader.read(document.root, keys: Self.keys)
        let bandTables = values.tables("bands")
        var bands: [Band] = []
        aliases = [:]
        for table in bandTables {
            let name = table.text("name")
            bands.append(
                Band(
                    name: name, centerWavelength: table.optionalNumber("center_wavelength"),
                    fullWidthHalfMax: table.optionalNumber("full_width_half_max"),
                    groundSamplingDistance: table.optionalNumber("gsd"),
                    isCategorical: table.optionalBoolean("categorical") ?? false))
            for alias in table.texts("aliases") where aliases.updateValue(name, forKey: alias) != nil {
                reader.add(table.line("aliases"), "bands", "has the alias \"\(alias)\" twice: keep one")
            }
        }
        allowsAnyBands = values.optionalBoolean("any_bands") ?? false
        if allowsAnyBands != bands.isEmpty {
            reader.add(values.line("bands"), "bands", "and any_bands exclude each other: give one of them")
        }
        let names = Set(bands.map(\.name))
        if names.count != bands.count { reader.add(values.line("bands"), "bands", "has a name twice: keep one") }
        for alias in aliases.keys.sorted() where names.contains(alias) {
            reader.add(
                values.line("bands"), "bands", "has the alias \"\(alias)\", which is the name of a band: remove it")
        }
        if bands.count > DeclarationLimit.bands {
            reader.add(
                values.line("bands"), "bands", "has \(bands.count) bands, the limit is \(DeclarationLimit.bands)")
        }
        for text in [values.text("name")] + values.texts("instruments") + Array(names)
        where !(1...DeclarationLimit.text).contains(text.utf8.count) {
            reader.add(0, "name", "\"\(text)\" must have 1 to \(DeclarationLimit.text) octets: correct it")
        }
        if values.number("scale") == 0 { reader.add(values.line("scale"), "scale", "is 0, must not be: give a number") }
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
        profile = SensorProfile(
            name: values.text("name"), platform: values.optionalText("platform"),
            instruments: values.texts("instruments"), bands: bands,
            sampleType: SampleType(name: values.text("dtype")) ?? .uint16, scale: values.number("scale"),
            offset: values.number("offset"), nodata: values.optionalNumber("nodata"), peak: values.number("peak"))
    }
}
