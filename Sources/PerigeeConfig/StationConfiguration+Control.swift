extension StationConfiguration {
    /// Frames that are worth more, or less, than others: one `[[classes]]`.
    public struct FrameClass: Equatable, Sendable {
        public var name: String
        /// Prefix of the topic; nil for any.
        public var topic: String?
        /// nil for any.
        public var sensor: String?
        /// GeoJSON file of the area of interest; nil for anywhere.
        public var areaFile: String?
        /// 1 is sent first, 3 is dropped first.
        public var priority: Int
        /// What is sent of these frames; nil as of their sensor.
        public var target: Target?
    }

    /// How layers follow the line, and surprise: Docs/rate-control.md.
    public struct Control: Equatable, Sendable {
        /// Seconds of the line that what waits may take.
        public var horizonSeconds: Int
        /// Octets a second of the line until it has been measured; 0 where nobody knows.
        public var lineRate: Int
        /// Layers up to this are kept for whoever asks, though not sent.
        public var keptTarget: Target
        /// Surprising frames are sent up to this when the line is free.
        public var bestTarget: Target
        /// What is sent of frames that are as expected, where it is coarser than their own target.
        public var expectedTarget: Target
        /// Standard deviations.
        public var surprise: Double
        /// Places that are remembered; 0 for none.
        public var places: Int
        public var placesFile: String
    }

    private static let classKeys: [Key] = [
        Key(needed: "name", .text(), "what it is called in status.json"),
        Key("topic", .text(), nil, "prefix of the topics; all where absent"),
        Key("sensor", .text(), nil, "name of a sensor; all where absent"),
        Key("area", .text(), nil, "GeoJSON file of polygons that the frame must touch"),
        Key("priority", .integer(1...3), .integer(2), "1 is sent first, 3 is dropped first"),
        Key("target", .ratio, nil, "as [encoder] target, for these frames"),
    ]

    static let controlKeys: [Key] = [
        Key("classes", .tables(classKeys), .tables([]), "frames that are worth more, or less, than others", .atReload),
        Key(
            "control.horizon_seconds", .integer(5...86_400), .integer(120),
            "how much of the line's time may wait before layers are left away", .atReload),
        Key(
            "control.line_rate", .size(0...1 << 40), .integer(0),
            "octets a second of the line until it has been measured; 0 where nobody knows", .atReload),
        Key(
            "control.kept_target", .ratio, .number(300), "layers up to it are kept for whoever asks, though not sent",
            .atReload),
        Key("control.best_target", .ratio, .number(100), "what surprising frames get when the line is free", .atReload),
        Key(
            "control.expected_target", .ratio, .number(1_000),
            "what is sent of frames that are as expected, where that is coarser than their target", .atReload),
        Key(
            "control.surprise", .number(0.5...100), .number(3), "standard deviations from which a frame is surprising",
            .atReload),
        Key("control.places", .integer(0...1 << 20), .integer(65_536), "places that are remembered; 0 for none"),
        Key("control.places_file", .text(), .text("/var/lib/perigee/places.bin"), "where they are kept over restarts"),
    ]

    static func classes(_ values: KeyValues, file: String) -> [FrameClass] {
        values.tables("classes").map { table in
            FrameClass(
                name: table.text("name"), topic: table.optionalText("topic"), sensor: table.optionalText("sensor"),
                areaFile: table.optionalText("area").map { ConfigurationFile.resolve($0, besides: file) },
                priority: table.integer("priority"), target: table.optionalNumber("target").map { Target($0) })
        }
    }
}

extension StationConfiguration.Control {
    init(_ values: KeyValues, file: String) {
        horizonSeconds = values.integer("control.horizon_seconds")
        lineRate = values.integer("control.line_rate")
        keptTarget = StationConfiguration.Target(values.number("control.kept_target"))
        bestTarget = StationConfiguration.Target(values.number("control.best_target"))
        expectedTarget = StationConfiguration.Target(values.number("control.expected_target"))
        surprise = values.number("control.surprise")
        places = values.integer("control.places")
        placesFile = values.path("control.places_file", besides: file)
    }
}
