import Foundation
import PerigeeCore
import Testing

/// The worked example of Docs/packet-format.md: the lines of the file are a field each, hexadecimal, `#` starts a comment.
private func vector(_ name: String) throws -> [UInt8] {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors/packet/1/\(name)")
    let text = try String(contentsOf: url, encoding: .utf8)
    let digits = text.split(separator: "\n").map { line in
        line.prefix { $0 != "#" }.filter { $0.isHexDigit }
    }.joined()
    return try #require(Hex.bytes(digits))
}

private func example() throws -> TokenFile {
    var declaration = StreamDeclaration(
        firmware: 0x0102_0304, profile: .known(index: 1, bands: nil), rows: 264, columns: 264)
    declaration.grid = .init(epsg: 32_631, matrix: [10, 0, 0, -10])
    var metadata = FrameMetadata()
    metadata.time = .acquired(Timestamp(milliseconds: 1_533_379_589_024))
    metadata.origin = .init(x: 499_980, y: 5_600_040)
    metadata.sunElevation = 51.5
    return TokenFile(
        epoch: try Epoch(bytes: (0..<16).map { UInt8($0) }), declaration: declaration, frame: 0, metadata: metadata,
        layers: [[0xAA, 0xBB, 0xCC]])
}

@Test("the worked example of a token file is what the format says")
func tokenFileVector() throws {
    let file = try example()
    #expect(Hex.text(file.packed()) == Hex.text(try vector("file.hex")))
    #expect(try TokenFile(parsing: vector("file.hex")) == file)
}

@Test("the worked examples of packets are what the format says")
func packetVectors() throws {
    let file = try example()
    let declaration = Packet(declaration: 2, body: .declaration(file.declaration))
    #expect(Hex.text(declaration.packed()) == Hex.text(try vector("declaration.hex")))
    let parts = Packet.parts(
        of: file.layers.map { Array($0) }, metadata: file.metadata, frame: 5, declaration: 2,
        stream: file.declaration)
    #expect(parts.count == 1)
    #expect(Hex.text(parts[0].packed()) == Hex.text(try vector("part.hex")))
}
