import PerigeeCore
import PerigeeTestSupport
import Testing

/// A random declaration, every optional part of it present or not.
private func randomDeclaration(_ generator: inout SeededGenerator) -> StreamDeclaration {
    func coin() -> Bool { Bool.random(using: &generator) }
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    var profile = StreamDeclaration.Profile.known(index: number(0...255), bands: coin() ? [3, 0, 7] : nil)
    if coin() {
        var bands: [Band] = []
        for index in 0..<number(1...20) {
            bands.append(
                Band(
                    name: "B\(index)", centerWavelength: coin() ? 0.5 : nil, fullWidthHalfMax: coin() ? 0.25 : nil,
                    groundSamplingDistance: coin() ? 30 : nil, isCategorical: coin()))
        }
        profile = .inline(
            SensorProfile(
                name: "kamera-ä", bands: bands, sampleType: .int32, scale: 0.5, offset: -3,
                nodata: coin() ? -9_999 : nil, peak: 1_000))
    }
    var declaration = StreamDeclaration(
        firmware: UInt32.random(in: 0...UInt32.max, using: &generator), profile: profile, rows: number(1...1 << 20),
        columns: number(1...1 << 20))
    if coin() { declaration.coding = .verbatim }
    if coin() { declaration.sampleType = SampleType.allCases.randomElement(using: &generator) }
    if coin() { declaration.nodata = coin() ? .none : .value(-32_768) }
    if coin() { declaration.scaling = StreamDeclaration.Scaling(scale: 1e-4, offset: -0.1) }
    if coin() {
        declaration.grid = StreamDeclaration.Grid(
            epsg: [32_631, 32_733, 4_326, 3_857][number(0...3)],
            matrix: coin() ? [10, 0, 0, -10] : [9e-5, 0.1, 0, -1.1e-4])
    }
    if coin() {
        declaration.baseFrame = UInt64(number(0...1 << 40))
        declaration.baseTime = Timestamp(milliseconds: Int64(number(-1 << 40...1 << 41)))
    }
    if coin() { declaration.platform = "sentinel-2b" }
    if coin() { declaration.instruments = ["msi", "x"] }
    return declaration
}

private func randomMetadata(_ generator: inout SeededGenerator, _ declaration: StreamDeclaration) -> FrameMetadata {
    func coin() -> Bool { Bool.random(using: &generator) }
    var metadata = FrameMetadata()
    let stamp = Timestamp(milliseconds: Int64.random(in: -1 << 40...1 << 41, using: &generator))
    switch Int.random(in: 0...2, using: &generator) {
    case 0: break
    case 1: metadata.time = .acquired(stamp)
    default: metadata.time = .received(stamp)
    }
    if coin() {
        metadata.origin = coin() ? .init(x: 499_980, y: 5_600_040) : .init(x: 3.0244, y: -50.8161)
    }
    if coin() { metadata.sunElevation = Double(Int.random(in: -74...181, using: &generator)) / 2 }
    if coin() { metadata.place = "wc-be1" }
    if coin() { metadata.group = "granule 7" }
    if coin() { metadata.references = .init(frames: [.init(back: 12, layers: 3)], hash: 0xDEAD_BEEF) }
    return metadata
}

@Test("a packed declaration parses to itself, and every byte prefix of it gives a typed error")
func declarationRoundTrip() throws {
    for seed in 0..<300 {
        var generator = SeededGenerator(seed: UInt64(seed))
        let declaration = randomDeclaration(&generator)
        let packet = Packet(declaration: seed, body: .declaration(declaration))
        let octets = packet.packed()
        guard octets.count <= Packet.sizeLimit else { continue }
        #expect(try Packet(parsing: octets[...]) == packet, "seed \(seed)")
        var writer = ByteWriter()
        declaration.pack(into: &writer)
        for count in 0..<writer.bytes.count {
            var reader = ByteReader(Array(writer.bytes[..<count]))
            #expect(throws: FormatError.self, "seed \(seed), \(count) octets") {
                _ = try StreamDeclaration(parsing: &reader)
            }
        }
    }
}

@Test("metadata parses to itself")
func metadataRoundTrip() throws {
    for seed in 0..<500 {
        var generator = SeededGenerator(seed: UInt64(seed))
        let declaration = randomDeclaration(&generator)
        let metadata = randomMetadata(&generator, declaration)
        var writer = ByteWriter()
        metadata.pack(into: &writer, declaration: declaration)
        var reader = ByteReader(writer.bytes)
        let parsed = try FrameMetadata(parsing: &reader, declaration: declaration)
        #expect(parsed == metadata, "seed \(seed)")
        #expect(reader.remaining == 0)
    }
}

@Test("parts of a frame put together are its layers")
func partsRoundTrip() throws {
    var generator = SeededGenerator(seed: 7)
    let stream = randomDeclaration(&generator)
    let metadata = randomMetadata(&generator, stream)
    let layers = [0, 5, 0, 30_000, 8_192, 1].map { count in
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
    let packets = Packet.parts(
        of: layers, metadata: metadata, frame: stream.baseFrame + 9, declaration: 3, stream: stream)
    var rebuilt = [[UInt8]](repeating: [], count: layers.count)
    for (index, packet) in packets.enumerated() {
        let octets = packet.packed()
        #expect(octets.count <= Packet.sizeLimit)
        let parsed = try Packet(parsing: octets[...])
        #expect(parsed.declaration == 3)
        guard case .part(let part) = parsed.body else {
            Issue.record("part \(index) is no part")
            continue
        }
        #expect(part.part == index)
        #expect(part.frameDelta == 9)
        let (head, payload) = try part.split(declaration: stream)
        #expect(head == (index == 0 ? metadata : nil))
        rebuilt[part.layer] += payload
        #expect(part.isLastOfLayer == (rebuilt[part.layer].count == layers[part.layer].count))
    }
    #expect(rebuilt == layers)
}

@Test("a flipped bit anywhere in a packet is found")
func damagedPacket() {
    var generator = SeededGenerator(seed: 11)
    let stream = randomDeclaration(&generator)
    let octets = Packet.parts(
        of: [[1, 2, 3, 4, 5]], metadata: FrameMetadata(), frame: stream.baseFrame, declaration: 0, stream: stream)[0]
        .packed()
    for bit in 0..<octets.count * 8 {
        var damaged = octets
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(throws: FormatError.self, "bit \(bit)") { _ = try Packet(parsing: damaged[...]) }
    }
}

@Test("octets that pass the checksum but mean nothing give typed errors, never a trap")
func hostilePackets() {
    for seed in 0..<20_000 {
        var generator = SeededGenerator(seed: UInt64(seed))
        let count = Int.random(in: 1...80, using: &generator)
        var octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        if Bool.random(using: &generator) { octets[0] = UInt8.random(in: 0...7, using: &generator) }
        var writer = ByteWriter()
        writer.write(octets)
        writer.write(CRC32C.checksum(octets))
        guard let packet = try? Packet(parsing: writer.bytes[...]) else { continue }
        if case .part(let part) = packet.body {
            var declaration = StreamDeclaration(firmware: 0, profile: .known(index: 0, bands: nil), rows: 1, columns: 1)
            declaration.grid = .init(epsg: 32_631, matrix: [10, 0, 0, -10])
            _ = try? part.split(declaration: declaration)
        }
    }
}

private func budgetStream() -> (StreamDeclaration, FrameMetadata) {
    var declaration = StreamDeclaration(
        firmware: 0x0102_0304, profile: .known(index: 1, bands: nil), rows: 264, columns: 264)
    declaration.grid = .init(epsg: 32_631, matrix: [10, 0, 0, -10])
    var metadata = FrameMetadata()
    metadata.origin = .init(x: 499_980, y: 5_600_040)
    metadata.sunElevation = 51.5
    metadata.time = .acquired(Timestamp(milliseconds: 1_533_379_589_024))
    return (declaration, metadata)
}

@Test("metadata keeps the byte budgets of design.md 3.7")
func byteBudgets() {
    var (declaration, metadata) = budgetStream()
    func file(_ sizes: [Int]) -> TokenFile {
        TokenFile(
            epoch: Epoch.random(), declaration: declaration, frame: 0, metadata: metadata,
            layers: sizes.map { [UInt8](repeating: 0, count: $0)[...] })
    }
    #expect(file([5_575]).overhead <= 56)
    #expect(file([167, 390, 1_115, 3_903, 11_152]).overhead <= 64)

    // On an open stream: numbers and times count from the bases of the declaration, here 16,000 frames and three days back.
    declaration.baseFrame = 1 << 40
    declaration.baseTime = Timestamp(milliseconds: 1_533_379_589_024 - 3 * 86_400_000)
    func overhead() -> Int {
        Packet.parts(
            of: [[9]], metadata: metadata, frame: declaration.baseFrame + 16_000, declaration: 100,
            stream: declaration)[0].packed().count - 1
    }
    #expect(overhead() <= 24)
    metadata.references = .init(frames: [.init(back: 127, layers: 4)], hash: 0xFFFF_FFFF)
    #expect(overhead() <= 29)
}

@Test("a token file parses to itself, and truncated anywhere it gives a typed error")
func tokenFileRoundTrip() throws {
    let (declaration, metadata) = budgetStream()
    let file = TokenFile(
        epoch: try Epoch(bytes: (0..<16).map { UInt8($0) }), declaration: declaration, frame: 3, metadata: metadata,
        layers: [[1, 2, 3], [], [4, 5]])
    let octets = file.packed()
    #expect(try TokenFile(parsing: octets) == file)
    for count in 0..<octets.count {
        #expect(throws: FormatError.self, "\(count) octets") { _ = try TokenFile(parsing: Array(octets[..<count])) }
    }
    let headerSize = octets.count - 5 - 4
    for count in headerSize..<octets.count {
        let prefix = try TokenFile(parsing: Array(octets[..<count]), allowsPrefix: true)
        #expect(prefix.layers.reduce(0) { $0 + $1.count } == min(count - headerSize, 5))
    }
    for bit in 0..<octets.count * 8 {
        var damaged = octets
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(throws: FormatError.self, "bit \(bit)") { _ = try TokenFile(parsing: damaged) }
    }
    #expect(throws: FormatError.self) { _ = try TokenFile(parsing: octets + [0]) }
}
