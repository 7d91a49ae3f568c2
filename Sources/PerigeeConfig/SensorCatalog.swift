public import PerigeeCore

/// The sensors that a program knows, and how a frame finds its own.
public struct SensorCatalog: Equatable, Sendable {
    /// What a frame's sensor turned out to be.
    public struct Match: Equatable, Sendable {
        /// nil where nobody knows the sensor, or nothing says what matters in it: the frame travels losslessly.
        public var profile: SensorProfile?
        /// The frame's description with the profile's spelling of the bands.
        public var description: FrameDescription
    }

    public private(set) var definitions: [SensorDefinition]

    /// Knows these sensors; of two with one name the first holds.
    public init(_ definitions: [SensorDefinition]) { self.definitions = definitions }

    /// Reads all `*.toml` of a folder; all problems of all files are thrown together.
    public init(directory: String) throws(ConfigurationError) {
        var problems: [ConfigurationProblem] = []
        definitions = []
        for name in try ConfigurationFile.list(directory, suffix: ".toml") {
            let path = "\(directory)/\(name)"
            do throws(ConfigurationError) {
                let definition = try SensorDefinition(path: path)
                if definitions.contains(where: { $0.profile.name == definition.profile.name }) {
                    problems.append(
                        ConfigurationProblem(
                            file: path, line: 0, key: "name",
                            message: "is \"\(definition.profile.name)\", as in another file: rename one"))
                }
                definitions.append(definition)
            } catch {
                problems += error.problems
            }
        }
        if definitions.isEmpty, problems.isEmpty {
            problems.append(
                ConfigurationProblem(
                    file: directory, line: 0, key: "", message: "holds no sensor profile (*.toml): check the path"))
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    }

    /// Also knows the profiles of a firmware, where no file describes a sensor of that name.
    public mutating func add(_ profiles: [SensorProfile]) {
        for profile in profiles where self[profile.name] == nil {
            definitions.append(SensorDefinition(profile: profile, aliases: [:], allowsAnyBands: false))
        }
    }

    /// The sensor of that name.
    public subscript(name: String) -> SensorDefinition? { definitions.first { $0.profile.name == name } }

    /// Finds the profile of a frame with samples of `type`. Throws where the sensor is known but not one of the bands.
    public func match(_ description: FrameDescription, type: SampleType) throws(FormatError) -> Match {
        guard let definition = self[description.sensor] else { return Match(profile: nil, description: description) }
        if definition.allowsAnyBands {
            return Match(
                profile: Self.improvised(definition.profile, description, type: type), description: description)
        }
        let names = Set(definition.profile.bands.map(\.name))
        var canonical = description
        canonical.bandNames = []
        for name in description.bandNames {
            guard let own = names.contains(name) ? name : definition.aliases[name] else {
                let known = definition.profile.bands.map(\.name).joined(separator: " ")
                throw .unknown(
                    field: "bands", value: "\"\(name)\"",
                    expected: "bands of \(definition.profile.name), which are \(known), or the sensor \"generic\"")
            }
            canonical.bandNames.append(own)
        }
        guard Set(canonical.bandNames).count == canonical.bandNames.count else {
            throw .mismatch(field: "bands", found: "a band under two names", expected: "each band once")
        }
        guard definition.profile.canHold(type, scale: description.scale) else {
            return Match(profile: nil, description: canonical)
        }
        return Match(profile: definition.profile, description: canonical)
    }

    /// A profile for bands that nobody has described; the rule stands in Config/sensors/generic.toml.
    private static func improvised(
        _ generic: SensorProfile, _ description: FrameDescription, type: SampleType
    ) -> SensorProfile? {
        var profile = generic
        profile.bands = description.bandNames.map { Band(name: $0) }
        profile.sampleType = type
        if let scale = description.scale {
            profile.scale = scale
            profile.offset = description.offset ?? 0
            profile.peak = min(1 / abs(scale), 1e12)
            return profile
        }
        switch type {
        case .uint8: profile.peak = 255
        case .uint16, .int16: break
        case .int32, .float32: return nil
        }
        return profile
    }
}

extension SensorProfile {
    /// False for whole numbers where the profile has floats and nothing says their scale: what one of them means in the
    /// profile's unit is unknown, so no bound on the distortion could be kept.
    public func canHold(_ type: SampleType, scale: Double?) -> Bool {
        sampleType != .float32 || type == .float32 || scale != nil
    }
}

extension SensorDefinition {
    init(profile: SensorProfile, aliases: [String: String], allowsAnyBands: Bool) {
        self.profile = profile
        self.aliases = aliases
        self.allowsAnyBands = allowsAnyBands
    }
}
