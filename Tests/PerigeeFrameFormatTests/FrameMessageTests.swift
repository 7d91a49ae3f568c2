import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// A header of a 2 x 3 x 4 uint16 frame with some keys changed; nil takes a key away.
private func header(_ changes: [String: JSONValue?] = [:]) -> [UInt8] {
    var values: [String: JSONValue] = [
        "v": .integer(1), "kind": .string("frame"), "sensor": .string("sentinel-2-l2a"), "run": .string("r1"),
        "seq": .integer(7), "dtype": .string("<u2"), "shape": .array([.integer(2), .integer(3), .integer(4)]),
        "bands": .array([.string("B04"), .string("B03")]),
    ]
    for (name, value) in changes { values[name] = value }
    let members = values.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) }
    return Array(JSONValue.object(members).description.utf8)
}

private let topic = Array("frame/sentinel-2-l2a/".utf8)
private let samples = (0..<48).map { UInt8($0) }
private let limits = FrameLimits()

private func parse(_ changes: [String: JSONValue?] = [:], _ octets: [UInt8] = samples) throws -> FrameMessage {
    try FrameMessage(parsing: [topic, header(changes), octets], limits: limits)
}

private func rejection(_ body: () throws -> Void) -> FrameRejection? {
    do { try body() } catch { return (error as? FrameFormatError)?.rejection }
    return nil
}

@Test("a frame of which only the needed is known leaves the rest unknown")
func plain() throws {
    let message = try parse()
    let frame = try #require(try message.frame(profileNodata: 0))
    var expected = FrameDescription(sensor: "sentinel-2-l2a", bandNames: ["B04", "B03"])
    expected.nodata = 0
    #expect(frame.description == expected)
    #expect(frame.samples == (try Samples(type: .uint16, bands: 2, rows: 3, columns: 4, bytes: samples)))
    #expect(message.header.kind == .frame && message.header.run == "r1" && message.header.sequence == 7)
}

@Test("what may be absent may be null, and keys that nobody knows are passed over")
func nulls() throws {
    let names = [
        "place", "group", "nodata", "scale", "offset", "encoding", "crc32c", "datetime", "platform", "instruments",
        "proj:code", "proj:transform", "bbox", "gsd", "view:sun_elevation", "anything", "eo:cloud_cover",
    ]
    var message = try parse(Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue?.some(.null)) }))
    #expect(message.header.nodata == .none)
    message.header.nodata = .asProfile
    #expect(message == (try parse()))
}

@Test("every key is read")
func everything() throws {
    let transform = [10, 0, 499_980, 0, -10, 5_700_000, 0, 0, 1].map { JSONValue.integer($0) }
    let header = try parse([
        "place": .string("field 7"), "group": .string("g"), "nodata": .integer(65_535), "scale": .number(1e-4),
        "offset": .number(-0.1), "datetime": .string("2018-08-04T12:46:29.024+02:00"),
        "platform": .string("sentinel-2a"),
        "instruments": .array([.string("msi")]), "proj:code": .string("EPSG:32631"),
        "proj:transform": .array(transform),
        "bbox": .array([.integer(1), .integer(2), .integer(3), .integer(4)]), "gsd": .integer(10),
        "view:sun_elevation": .number(51.5),
        "bands": .array([.object([.init("name", .string("B04"))]), .string("B03")]),
        "crc32c": .integer(Int(CRC32C.checksum(samples))),
    ]).header
    let description = header.description(profileNodata: 0)
    #expect(description.place == "field 7" && description.group == "g" && description.nodata == 65_535)
    #expect(description.scale == 1e-4 && description.offset == -0.1 && description.sunElevation == 51.5)
    #expect(description.datetime?.rfc3339 == "2018-08-04T10:46:29.024Z")
    #expect(description.platform == "sentinel-2a" && description.instruments == ["msi"])
    #expect(
        description.georeference
            == GeoReference(epsg: 32631, transform: [10, 0, 499_980, 0, -10, 5_700_000]))
    #expect(description.bandNames == ["B04", "B03"])
}

@Test("half of a position is no position")
func halfPosition() throws {
    #expect(try parse(["proj:code": .string("EPSG:4326")]).header.description.georeference == nil)
}

@Test("a nodata value that the type cannot hold marks nothing")
func impossibleNodata() throws {
    #expect(try parse(["nodata": .integer(-9_999)]).header.description(profileNodata: 0).nodata == nil)
    #expect(try parse(["nodata": .string("nan")]).header.description(profileNodata: 0).nodata == nil)
}

struct Wrong: CustomTestStringConvertible, Sendable {
    let field: String
    let value: JSONValue?
    let rejection: FrameRejection
    var testDescription: String { "\(field) \(value?.description ?? "absent")" }

    init(_ field: String, _ value: JSONValue?, _ rejection: FrameRejection = .field) {
        self.field = field
        self.value = value
        self.rejection = rejection
    }
}

@Test(
    "a value that will not do names its field and counts under its reason",
    arguments: [
        Wrong("v", nil, .version), Wrong("v", .integer(2), .version), Wrong("v", .string("1"), .version),
        Wrong("kind", nil), Wrong("kind", .string("gap")), Wrong("sensor", nil), Wrong("sensor", .string("")),
        Wrong("sensor", .string(String(repeating: "x", count: 65))), Wrong("sensor", .string("a\nb")),
        Wrong("run", .integer(5)), Wrong("seq", nil), Wrong("seq", .integer(-1)), Wrong("seq", .number(1.5)),
        Wrong("seq", .integer(1 << 53)), Wrong("seq", .bool(true)),
        Wrong("dtype", nil, .dtype), Wrong("dtype", .string(">u2"), .dtype), Wrong("dtype", .string("float64"), .dtype),
        Wrong("dtype", .string("<u8"), .dtype), Wrong("shape", nil, .shape),
        Wrong("shape", .array([.integer(3), .integer(4)]), .shape),
        Wrong("shape", .array([.integer(0), .integer(3), .integer(4)]), .shape),
        Wrong("shape", .array([.integer(2), .integer(-3), .integer(4)]), .shape),
        Wrong("shape", .array([.integer(2), .integer(1 << 62), .integer(1 << 62)]), .shape),
        Wrong("shape", .array([.integer(2), .number(3.5), .integer(4)]), .shape),
        Wrong("bands", nil, .bands), Wrong("bands", .array([.string("B04")]), .bands),
        Wrong("bands", .array([.string("B04"), .string("B04")]), .bands),
        Wrong("bands", .array([.string("B04"), .integer(3)]), .bands), Wrong("bands", .string("B04"), .bands),
        Wrong("encoding", .string("lz4"), .encoding), Wrong("crc32c", .integer(-1)), Wrong("crc32c", .integer(1 << 32)),
        Wrong("nodata", .string("none")), Wrong("scale", .integer(0)), Wrong("offset", .string("1")),
        Wrong("datetime", .string("yesterday")), Wrong("datetime", .string("2018-02-30T00:00:00Z")),
        Wrong("datetime", .string("0000-01-01T00:00:00+10:00")), Wrong("platform", .integer(1)),
        Wrong("instruments", .string("msi")), Wrong("proj:code", .string("ESRI:54009")),
        Wrong("proj:transform", .array([.integer(1)])),
        Wrong("proj:transform", .array(Array(repeating: .integer(1), count: 6))), Wrong("bbox", .array([.integer(1)])),
        Wrong("gsd", .integer(0)), Wrong("view:sun_elevation", .integer(91)), Wrong("place", .string("")),
    ])
func wrong(case wrong: Wrong) {
    let error = #expect(throws: FrameFormatError.self) { try parse([wrong.field: wrong.value]) }
    #expect(error?.field == wrong.field)
    #expect(error?.rejection == wrong.rejection)
    #expect(error?.description.contains(wrong.field) == true)
    #expect((error?.description.utf8.count ?? 0) < 400)
}

@Test("lengths must agree, checksums fit, and limits hold")
func lengths() {
    #expect(rejection { _ = try parse([:], Array(samples.dropLast())) } == .length)
    #expect(rejection { _ = try parse([:], samples + [0]) } == .length)
    #expect(rejection { _ = try parse([:], []) } == .length)
    #expect(rejection { _ = try parse(["crc32c": .integer(1)]) } == .crc32c)
    let huge: [Int] = [1_024, 1 << 20, 1 << 20]
    #expect(rejection { _ = try parse(["shape": .array(huge.map { .integer($0) })]) } == .frameSize)
    let tight = FrameLimits(headerSize: 100, frameSize: 47)
    #expect(rejection { _ = try FrameMessage(parsing: [topic, header(), samples], limits: tight) } == .headerSize)
    let small = FrameLimits(headerSize: 1_000, frameSize: 47)
    #expect(rejection { _ = try FrameMessage(parsing: [topic, header(), samples], limits: small) } == .frameSize)
}

@Test("only three parts make a frame, two or three a heartbeat")
func parts() throws {
    for count in [0, 1, 4, 5] {
        let parts = Array(repeating: header(), count: count)
        #expect(rejection { _ = try FrameMessage(parsing: parts, limits: limits) } == .parts)
    }
    #expect(rejection { _ = try FrameMessage(parsing: [topic, header()], limits: limits) } == .parts)
    #expect(
        rejection {
            _ = try FrameMessage(parsing: [Array(repeating: 65, count: 256), header(), samples], limits: limits)
        } == .parts)
    for kind in [FrameHeader.Kind.heartbeat, .end] {
        for sequence in [nil, 4] {
            let parts = FrameMessage.pack(kind, sensor: "s", run: "r", sequence: sequence)
            let message = try FrameMessage(parsing: parts, limits: limits)
            #expect(message.header.kind == kind && message.header.sequence == sequence && message.samples == nil)
            #expect(try FrameMessage(parsing: parts + [[]], limits: limits) == message)
        }
    }
}

@Test("ten megabytes of JSON are refused unread")
func largeHeader() {
    let large = Array(repeating: UInt8(ascii: "["), count: 10_000_000)
    #expect(rejection { _ = try FrameMessage(parsing: [topic, large, samples], limits: limits) } == .headerSize)
}

@Test("infinities are refused, NaN is ordinary")
func infinities() throws {
    func parseFloats(_ values: [Float]) throws -> FrameMessage {
        try parse(
            ["dtype": .string("float32"), "shape": .array([.integer(2), .integer(1), .integer(2)])],
            values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } })
    }
    #expect(try parseFloats([1, .nan, -.greatestFiniteMagnitude, 0]).samples != nil)
    for value in [Float.infinity, -.infinity] {
        let error = #expect(throws: FrameFormatError.self) { try parseFloats([1, 2, 3, value]) }
        #expect(error == .infinite(band: "B03", row: 0, column: 1))
    }
}

@Test("compressed samples are restored, and what is not one whole frame of the right length is refused")
func compression() throws {
    let frame = try #require(try parse().frame(profileNodata: nil))
    let parts = try FrameMessage.pack(frame, run: "r", sequence: 0, encoding: .zstd)
    #expect(try FrameMessage(parsing: parts, limits: limits).frame(profileNodata: nil) == frame)
    let zstd: [String: JSONValue?] = ["encoding": .string("zstd")]
    for count in parts[2].indices {
        #expect(rejection { _ = try parse(zstd, Array(parts[2][..<count])) } == .encoding, "\(count) octets")
    }
    #expect(rejection { _ = try parse(zstd, parts[2] + [0]) } == .encoding)
    #expect(rejection { _ = try parse(zstd, samples) } == .encoding)
    var longer = frame
    longer.samples = try Samples(
        type: .uint8, bands: 2, rows: 1, columns: 1_000_000, bytes: Array(repeating: 1, count: 2_000_000))
    let bomb = try FrameMessage.pack(longer, run: "r", sequence: 0, encoding: .zstd)[2]
    #expect(rejection { _ = try parse(zstd, bomb) } == .length)
}

@Test("who sent a refused header is still known")
func identity() throws {
    let found = FrameHeader.identity(parsing: header(["dtype": .string(">u2")])[...], limits: limits)
    #expect(found?.sensor == "sentinel-2-l2a" && found?.run == "r1" && found?.sequence == 7)
    #expect(FrameHeader.identity(parsing: header(["seq": nil])[...], limits: limits) == nil)
    #expect(FrameHeader.identity(parsing: [0x7B], limits: limits) == nil)
}

@Test("each prefix of a header is a typed error")
func prefixes() throws {
    let whole = header(["datetime": .string("2018-08-04T10:46:29Z"), "scale": .number(1e-4)])
    for count in whole.indices {
        #expect(throws: FrameFormatError.self) {
            try FrameMessage(parsing: [topic, Array(whole[..<count]), samples], limits: limits)
        }
    }
}

@Test("a header with one octet changed is a header or a typed error", arguments: 0..<20)
func damaged(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let whole = header(["datetime": .string("2018-08-04T10:46:29Z"), "proj:code": .string("EPSG:32631")])
    for _ in 0..<200 {
        var octets = whole
        octets[Int.random(in: octets.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        do throws(FrameFormatError) {
            _ = try FrameMessage(parsing: [topic, octets, samples], limits: limits)
        } catch {
            #expect(!error.description.isEmpty)
        }
    }
}

@Test("what is packed is parsed again, for any shape and type", arguments: 0..<60)
func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let type = SampleType.allCases[Int(seed) % SampleType.allCases.count]
    let shape = (0..<3).map { _ in [1, 1, 2, 5, 17].randomElement(using: &generator) ?? 1 }
    let octets = (0..<shape.reduce(type.size, *)).map { _ in UInt8.random(in: 0...100, using: &generator) }
    var description = FrameDescription(
        sensor: "näip \"x\"", bandNames: (0..<shape[0]).map { "band \($0)\\" })
    if Bool.random(using: &generator) {
        description.datetime = Timestamp(
            milliseconds: Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator))
    }
    if Bool.random(using: &generator) {
        description.georeference = GeoReference(
            epsg: 32_733, transform: [10.5, 0.25, 1 / 3, 0, -0.1, .random(in: -1e7...1e7, using: &generator)])
    }
    if Bool.random(using: &generator) { description.scale = .random(in: 1e-6...1, using: &generator) }
    if Bool.random(using: &generator) { description.offset = -0.1 }
    if Bool.random(using: &generator) { description.nodata = 3 }
    if Bool.random(using: &generator) { description.place = "pläce" }
    if Bool.random(using: &generator) { description.group = "g" }
    if Bool.random(using: &generator) { description.instruments = ["msi", "x"] }
    if Bool.random(using: &generator) { description.sunElevation = 12.5 }
    let samples = try Samples(type: type, bands: shape[0], rows: shape[1], columns: shape[2], bytes: octets)
    let frame = try Frame(description: description, samples: samples)
    let parts = try FrameMessage.pack(frame, run: "r", sequence: Int(seed), hasChecksum: seed % 2 == 0)
    let message = try FrameMessage(parsing: parts, limits: limits)
    #expect(try message.frame(profileNodata: nil) == frame, "seed \(seed)")
    #expect(message.header.sequence == Int(seed))
}
