public import PerigeeCore
import PerigeeJSON

extension FrameMessage {
    /// The three parts of a message with `frame`: what a publisher sends.
    ///
    /// A nodata of nil is left out, so the profile's holds.
    /// - `run`: made anew at each start of the source. `sequence`: counts the frames of one sensor in one run.
    /// - `hasChecksum`: adds CRC-32C over the samples part as it is sent.
    public static func pack(
        _ frame: Frame, run: String, sequence: Int, encoding: FrameHeader.Encoding = .none, hasChecksum: Bool = true
    ) throws(FrameFormatError) -> [[UInt8]] {
        let samples = frame.samples
        let octets =
            switch encoding {
            case .none: samples.bytes
            case .zstd: try SampleCompression.compress(samples.bytes)
            }
        let description = frame.description
        var members = start(kind: .frame, sensor: description.sensor, run: run, sequence: sequence)
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(JSONValue.Member(name, value)) }
        }
        add("dtype", .string(samples.type.name))
        add("shape", .array([samples.bands, samples.rows, samples.columns].map { .integer($0) }))
        add("bands", .array(description.bandNames.map(JSONValue.string)))
        if encoding != .none { add("encoding", .string(encoding.rawValue)) }
        if hasChecksum { add("crc32c", .integer(Int(CRC32C.checksum(octets)))) }
        add("nodata", description.nodata.map { $0.isNaN ? .string("nan") : .number($0) })
        add("scale", description.scale.map(JSONValue.number))
        add("offset", description.offset.map(JSONValue.number))
        add("place", description.place.map(JSONValue.string))
        add("group", description.group.map(JSONValue.string))
        add("datetime", description.datetime.map { .string($0.rfc3339) })
        add("platform", description.platform.map(JSONValue.string))
        add("instruments", description.instruments.map { .array($0.map(JSONValue.string)) })
        if let georeference = description.georeference {
            add("proj:code", .string("EPSG:\(georeference.epsg)"))
            add("proj:transform", .array(georeference.transform.map(JSONValue.number)))
        }
        add("view:sun_elevation", description.sunElevation.map(JSONValue.number))
        return [topic(description.sensor), Array(JSONValue.object(members).description.utf8), octets]
    }

    /// The two parts of a heartbeat or an end; `sequence` is that of the last frame sent, nil where there was none.
    public static func pack(_ kind: FrameHeader.Kind, sensor: String, run: String, sequence: Int?) -> [[UInt8]] {
        let members = start(kind: kind, sensor: sensor, run: run, sequence: sequence)
        return [topic(sensor), Array(JSONValue.object(members).description.utf8)]
    }

    private static func topic(_ sensor: String) -> [UInt8] { Array("frame/\(sensor)/".utf8) }

    private static func start(
        kind: FrameHeader.Kind, sensor: String, run: String, sequence: Int?
    ) -> [JSONValue.Member] {
        [
            JSONValue.Member("v", .integer(FrameHeader.version)),
            JSONValue.Member("kind", .string(kind.rawValue)),
            JSONValue.Member("sensor", .string(sensor)),
            JSONValue.Member("run", .string(run)),
        ] + (sequence.map { [JSONValue.Member("seq", .integer($0))] } ?? [])
    }
}
