import PerigeeCore
import PerigeeTestSupport
import Testing

@Test(
    "RFC 3339 times are read and written",
    arguments: [
        ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ("2018-08-04T10:46:29.024Z", 1_533_379_589_024, "2018-08-04T10:46:29.024Z"),
        ("2018-08-04T12:46:29.0249+02:00", 1_533_379_589_024, "2018-08-04T10:46:29.024Z"),
        ("2000-02-29t23:59:59z", 951_868_799_000, "2000-02-29T23:59:59Z"),
        ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
    ])
func times(text: String, milliseconds: Int, canonical: String) throws {
    let time = try #require(Timestamp(rfc3339: text))
    #expect(time.milliseconds == Int64(milliseconds))
    #expect(time.rfc3339 == canonical)
}

@Test(
    "what is no RFC 3339 time is refused",
    arguments: [
        "", "2018", "2018-13-01T00:00:00Z", "2019-02-29T00:00:00Z", "2018-01-01T24:00:00Z", "2018-01-01T00:00:00",
        "2018-01-01T00:00:00.Z", "2018-01-01T00:00:00Zx", "2018-01-01T00:00:00+2:00", "yesterday",
        "2018-01-01T00:00:00+",
    ])
func badTimes(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

@Test("varints come back, and needless zeros, too many octets and missing octets are refused")
func varints() throws {
    for value in [0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), UInt64.max] {
        var writer = ByteWriter()
        writer.writeVarint(value)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readVarint("x") == value)
    }
    for value in [0, -1, 1, Int64.min, Int64.max] {
        var writer = ByteWriter()
        writer.writeSignedVarint(value)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readSignedVarint("x") == value)
    }
    for octets: [UInt8] in [
        [0x80], [0x80, 0], [UInt8](repeating: 0xFF, count: 10), [UInt8](repeating: 0x80, count: 11),
    ] {
        var reader = ByteReader(octets)
        #expect(throws: FormatError.self) { _ = try reader.readVarint("x") }
    }
}

@Test("a shape that overflows or is empty is refused before anything is allocated")
func shapes() {
    #expect(throws: FormatError.self) {
        _ = try Samples.size(type: .float32, bands: Int.max / 2, rows: 3, columns: 1, limit: Int.max)
    }
    #expect(throws: FormatError.self) { _ = try Samples.size(type: .uint8, bands: 0, rows: 3, columns: 1, limit: 10) }
    #expect(throws: FormatError.self) { _ = try Samples.size(type: .uint8, bands: 1, rows: 11, columns: 1, limit: 10) }
}

private func profile() -> SensorProfile {
    SensorProfile(
        name: "four", platform: "p", instruments: ["i"],
        bands: [
            Band(name: "R", centerWavelength: 0.66), Band(name: "G", centerWavelength: 0.56),
            Band(name: "N", centerWavelength: 0.84), Band(name: "QA", isCategorical: true),
        ], sampleType: .uint16, scale: 1e-4, nodata: 0, peak: 10_000)
}

private func describe(_ names: [String], type: SampleType = .uint16) throws -> (FrameDescription, Samples) {
    let samples = try Samples(
        type: type, bands: names.count, rows: 2, columns: 3,
        bytes: [UInt8](repeating: 0, count: names.count * 6 * type.size))
    return (FrameDescription(sensor: "four", bandNames: names), samples)
}

@Test("a frame of a known sensor is declared by index, and resolves to what it was")
func declareKnown() throws {
    var (description, samples) = try describe(["N", "R"])
    description.nodata = 0
    description.platform = "p"
    description.georeference = GeoReference(epsg: 32_720, transform: [10, 0, 400_000, 0, -10, 7_000_000])
    description.sunElevation = 40
    description.place = "here"
    let (declaration, metadata) = try StreamDeclaration.declare(
        description, shape: samples, profile: profile(), firmware: 5, profiles: [profile()])
    #expect(declaration.profile == .known(index: 0, bands: [2, 0]))
    #expect(declaration.coding == .tokens)
    let stream = try StreamDescription(declaration, profiles: [profile()])
    #expect(stream.codingOrder == [1, 0])
    let back = stream.frameDescription(metadata)
    #expect(back.bandNames == ["N", "R"])
    #expect(back.georeference == description.georeference)
    #expect(back.sunElevation == 40)
    #expect(back.place == "here")
    #expect(back.datetime == nil)
    #expect(back.nodata == 0)
}

@Test("a profile that the firmware does not know is spelled out, and its bands are coded by wavelength")
func declareInline() throws {
    let (description, samples) = try describe(["N", "R", "G"], type: .int16)
    let (declaration, _) = try StreamDeclaration.declare(
        description, shape: samples, profile: profile(), firmware: 5, profiles: [])
    let stream = try StreamDescription(declaration, profiles: [])
    #expect(stream.bands.map(\.name) == ["N", "R", "G"])
    #expect(stream.codingOrder == [2, 1, 0])
    #expect(stream.sampleType == .int16)
    #expect(stream.nodata == 0, "a frame that says nothing has the profile's nodata value")
}

@Test("categorical bands and unknown sensors travel verbatim")
func declareVerbatim() throws {
    let (quality, samples) = try describe(["QA", "R"])
    #expect(
        try StreamDeclaration.declare(quality, shape: samples, profile: profile(), firmware: 5, profiles: [])
            .declaration.coding == .verbatim)
    #expect(
        try StreamDeclaration.declare(quality, shape: samples, profile: nil, firmware: 5, profiles: [])
            .declaration.coding == .verbatim)
}

@Test("a band that the profile does not have is named in the error")
func unknownBand() throws {
    let (description, samples) = try describe(["R", "B99"])
    let error = #expect(throws: FormatError.self) {
        _ = try StreamDeclaration.declare(description, shape: samples, profile: profile(), firmware: 5, profiles: [])
    }
    #expect(error?.description.contains("B99") == true)
}

@Test("bands whose wavelengths differ by less than an inline profile can say are ordered alike at both ends")
func orderBelowPrecision() throws {
    var fine = profile()
    fine.bands = [Band(name: "b", centerWavelength: 0.66), Band(name: "a", centerWavelength: 0.66 + 1e-12)]
    let declaration = StreamDeclaration(firmware: 0, profile: .inline(fine), rows: 1, columns: 1)
    let octets = Packet(declaration: 0, body: .declaration(declaration)).packed()
    guard case .declaration(let received) = try Packet(parsing: octets[...]).body else {
        Issue.record("no declaration")
        return
    }
    let sent = try StreamDescription(declaration, profiles: [])
    #expect(try StreamDescription(received, profiles: []).codingOrder == sent.codingOrder)
    #expect(sent.codingOrder == [1, 0])
}
