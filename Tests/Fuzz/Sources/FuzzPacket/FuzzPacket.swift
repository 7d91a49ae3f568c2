import PerigeeCore

/// Packets as they come off the line. The checksum is put right, so that the fields behind it are reached.
@c(LLVMFuzzerTestOneInput)
public func fuzzPacket(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var writer = ByteWriter()
    writer.write(UnsafeBufferPointer(start: data, count: size))
    writer.write(CRC32C.checksum(writer.bytes))
    guard let packet = try? Packet(parsing: writer.bytes[...]) else { return 0 }
    guard case .part(let part) = packet.body else {
        // What parses must pack to the same meaning.
        guard let again = try? Packet(parsing: packet.packed()[...]) else { fatalError("does not parse again") }
        invariant(again.declaration == packet.declaration, "another declaration number")
        return 0
    }
    var declaration = StreamDeclaration(firmware: 0, profile: .known(index: 0, bands: nil), rows: 9, columns: 9)
    declaration.grid = .init(epsg: 32_631, matrix: [10, 0, 0, -10])
    _ = try? part.split(declaration: declaration)
    return 0
}
