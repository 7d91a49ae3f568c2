// Octets of a declaration, in the order of Docs/packet-format.md, "Declaration".

private enum Flag {
    static let inline: UInt8 = 1
    static let bands: UInt8 = 2
    static let sampleType: UInt8 = 4
    static let nodataShift: UInt8 = 3
    static let scaling: UInt8 = 32
    static let grid: UInt8 = 64
    static let more: UInt8 = 128
}

private enum More {
    static let verbatim: UInt8 = 1
    static let bases: UInt8 = 2
    static let platform: UInt8 = 4
    static let instruments: UInt8 = 8
    static let known: UInt8 = 15
}

extension StreamDeclaration {
    /// Appends the octets of this declaration.
    public func pack(into writer: inout ByteWriter) {
        let more = moreFlags
        writer.write(flags | (more == 0 ? 0 : Flag.more))
        if more != 0 { writer.write(more) }
        writer.write(firmware)
        switch profile {
        case .known(let index, let bands):
            writer.writeVarint(index)
            if let bands {
                writer.writeVarint(bands.count)
                for band in bands { writer.writeVarint(band) }
            }
        case .inline(let profile): profile.pack(into: &writer)
        }
        writer.writeVarint(rows)
        writer.writeVarint(columns)
        if let sampleType { writer.write(sampleType.rawValue) }
        if case .value(let value) = nodata { writer.write(value) }
        if let scaling {
            writer.write(scaling.scale)
            writer.write(scaling.offset)
        }
        grid?.pack(into: &writer)
        if more & More.bases != 0 {
            writer.writeVarint(baseFrame)
            writer.writeSignedVarint(baseTime.milliseconds)
        }
        if let platform { writer.writeText(platform) }
        if let instruments {
            writer.writeVarint(instruments.count)
            for instrument in instruments { writer.writeText(instrument) }
        }
    }

    private var flags: UInt8 {
        var flags: UInt8 = 0
        switch profile {
        case .known(_, let bands): if bands != nil { flags |= Flag.bands }
        case .inline: flags |= Flag.inline
        }
        if sampleType != nil { flags |= Flag.sampleType }
        switch nodata {
        case .asProfile: break
        case .none: flags |= 1 << Flag.nodataShift
        case .value: flags |= 2 << Flag.nodataShift
        }
        if scaling != nil { flags |= Flag.scaling }
        if grid != nil { flags |= Flag.grid }
        return flags
    }

    private var moreFlags: UInt8 {
        var flags: UInt8 = coding == .verbatim ? More.verbatim : 0
        if baseFrame != 0 || baseTime.milliseconds != 0 { flags |= More.bases }
        if platform != nil { flags |= More.platform }
        if instruments != nil { flags |= More.instruments }
        return flags
    }

    /// Reads a declaration; it ends where its last field does.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        let flags = try reader.read("declaration flags", as: UInt8.self)
        let more = flags & Flag.more == 0 ? 0 : try reader.read("declaration more flags", as: UInt8.self)
        guard more & ~More.known == 0, flags & Flag.more == 0 || more != 0 else {
            throw .unknown(field: "declaration more flags", value: "\(more)", expected: "1 to \(More.known)")
        }
        guard flags & (Flag.inline | Flag.bands) != Flag.inline | Flag.bands else {
            throw .mismatch(field: "declaration flags", found: "a band list", expected: "none beside an inline profile")
        }
        let firmware = try reader.read("firmware", as: UInt32.self)
        let profile: Profile =
            flags & Flag.inline != 0
            ? .inline(try SensorProfile(parsing: &reader))
            : try Self.readKnown(&reader, hasBands: flags & Flag.bands != 0)
        let rows = try Self.readSide("rows", &reader)
        let columns = try Self.readSide("columns", &reader)
        self.init(firmware: firmware, profile: profile, rows: rows, columns: columns)
        coding = more & More.verbatim != 0 ? .verbatim : .tokens
        if flags & Flag.sampleType != 0 { sampleType = try SampleType(parsing: &reader) }
        switch (flags >> Flag.nodataShift) & 3 {
        case 0: nodata = .asProfile
        case 1: nodata = .none
        case 2: nodata = .value(try reader.readDouble("nodata"))
        default: throw .unknown(field: "declaration nodata", value: "3", expected: "0, 1 or 2")
        }
        if flags & Flag.scaling != 0 {
            scaling = Scaling(
                scale: try reader.readFinite("scale"), offset: try reader.readFinite("offset"))
        }
        if flags & Flag.grid != 0 { grid = try Grid(parsing: &reader) }
        if more & More.bases != 0 {
            baseFrame = try reader.readVarint("base frame")
            baseTime = Timestamp(milliseconds: try reader.readSignedVarint("base time"))
        }
        if more & More.platform != 0 { platform = try reader.readText("platform", limit: DeclarationLimit.text) }
        if more & More.instruments != 0 {
            let count = try reader.readVarint("instruments", limit: DeclarationLimit.instruments)
            var names: [String] = []
            for _ in 0..<count { names.append(try reader.readText("instrument", limit: DeclarationLimit.text)) }
            instruments = names
        }
    }

    private static func readKnown(_ reader: inout ByteReader, hasBands: Bool) throws(FormatError) -> Profile {
        let index = try reader.readVarint("profile index", limit: DeclarationLimit.profileIndex)
        guard hasBands else { return .known(index: index, bands: nil) }
        let count = try reader.readVarint("band count", limit: DeclarationLimit.bands)
        guard count > 0 else { throw .unknown(field: "band count", value: "0", expected: "1 or more") }
        var bands: [Int] = []
        for _ in 0..<count { bands.append(try reader.readVarint("band index", limit: DeclarationLimit.bands - 1)) }
        return .known(index: index, bands: bands)
    }

    private static func readSide(_ field: String, _ reader: inout ByteReader) throws(FormatError) -> Int {
        let side = try reader.readVarint(field, limit: DeclarationLimit.side)
        guard side > 0 else { throw .unknown(field: field, value: "0", expected: "1 or more") }
        return side
    }
}

extension StreamDeclaration.Grid {
    /// Square north-up pixels are written as their size in halves of a unit, in one octet for 10 m.
    private var halves: Int? {
        guard matrix[1] == 0, matrix[2] == 0, matrix[3] == -matrix[0], matrix[0] > 0, matrix[0] <= 1_000_000 else {
            return nil
        }
        let halves = matrix[0] * 2
        return halves == halves.rounded() ? Int(halves) : nil
    }

    fileprivate func pack(into writer: inout ByteWriter) {
        switch epsg {
        case 32_601...32_660: writer.write(UInt8(epsg - 32_600))
        case 32_701...32_760: writer.write(UInt8(epsg - 32_700 + 60))
        default:
            writer.write(UInt8(0))
            writer.writeVarint(epsg)
        }
        writer.writeVarint(halves ?? 0)
        if halves == nil { for number in matrix { writer.write(number) } }
    }

    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        let code = try reader.read("crs", as: UInt8.self)
        switch code {
        case 0: epsg = try reader.readVarint("crs EPSG code", limit: 32_767)
        case 1...60: epsg = 32_600 + Int(code)
        case 61...120: epsg = 32_700 + Int(code) - 60
        default: throw .outOfRange(field: "crs", value: Int(code), limit: 120)
        }
        let halves = try reader.readVarint("pixel size", limit: 2_000_000)
        if halves > 0 {
            matrix = [Double(halves) / 2, 0, 0, -Double(halves) / 2]
        } else {
            matrix = []
            for _ in 0..<4 { matrix.append(try reader.readFinite("pixel matrix")) }
        }
    }
}

extension SampleType {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        let code = try reader.read("sample type", as: UInt8.self)
        guard let type = SampleType(rawValue: code) else {
            throw .unknown(field: "sample type", value: "\(code)", expected: "0 to 4")
        }
        self = type
    }
}

extension ByteReader {
    fileprivate mutating func readFinite(_ field: String) throws(FormatError) -> Double {
        let value = try readDouble(field)
        guard value.isFinite else { throw .unknown(field: field, value: "\(value)", expected: "a finite number") }
        return value
    }
}

extension SensorProfile {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.writeText(name)
        writer.write(sampleType.rawValue)
        writer.write(nodata == nil ? UInt8(0) : 1)
        for number in [peak, scale, offset] + (nodata.map { [$0] } ?? []) { writer.write(number) }
        writer.writeVarint(bands.count)
        for band in bands {
            writer.writeText(band.name)
            let numbers = [band.centerWavelength, band.fullWidthHalfMax, band.groundSamplingDistance]
            var flags: UInt8 = band.isCategorical ? 8 : 0
            for (bit, number) in numbers.enumerated() where number != nil { flags |= 1 << UInt8(bit) }
            writer.write(flags)
            for case .some(let number) in numbers { writer.write(Float(number)) }
        }
    }

    /// Platform and instruments travel in the declaration itself.
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        let name = try reader.readText("sensor", limit: DeclarationLimit.text)
        let type = try SampleType(parsing: &reader)
        let hasNodata = try reader.read("profile nodata flag", as: UInt8.self)
        guard hasNodata < 2 else { throw .outOfRange(field: "profile nodata flag", value: Int(hasNodata), limit: 1) }
        let peak = try reader.readFinite("peak")
        guard peak > 0 else { throw .unknown(field: "peak", value: "\(peak)", expected: "a number above 0") }
        let scale = try reader.readFinite("profile scale")
        let offset = try reader.readFinite("profile offset")
        let nodata = hasNodata == 1 ? try reader.readDouble("profile nodata") : nil
        let count = try reader.readVarint("band count", limit: DeclarationLimit.bands)
        guard count > 0 else { throw .unknown(field: "band count", value: "0", expected: "1 or more") }
        var bands: [Band] = []
        for _ in 0..<count {
            var band = Band(name: try reader.readText("band name", limit: DeclarationLimit.text))
            let flags = try reader.read("band flags", as: UInt8.self)
            guard flags < 16 else { throw .outOfRange(field: "band flags", value: Int(flags), limit: 15) }
            if flags & 1 != 0 { band.centerWavelength = try reader.readPositive("band wavelength") }
            if flags & 2 != 0 { band.fullWidthHalfMax = try reader.readPositive("band width") }
            if flags & 4 != 0 { band.groundSamplingDistance = try reader.readPositive("band GSD") }
            band.isCategorical = flags & 8 != 0
            bands.append(band)
        }
        self.init(
            name: name, bands: bands, sampleType: type, scale: scale, offset: offset, nodata: nodata, peak: peak)
    }
}

extension ByteReader {
    fileprivate mutating func readPositive(_ field: String) throws(FormatError) -> Double {
        let value = Double(try readFloat(field))
        guard value.isFinite, value > 0 else {
            throw .unknown(field: field, value: "\(value)", expected: "a number above 0")
        }
        return value
    }
}
