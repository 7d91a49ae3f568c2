import PerigeeCore

/// The table at the start of each layer of a frame of several tiles: one bit a tile, least significant first, that says
/// whether the tile has octets in this layer; then a varint for each that has. Source: Docs/packet-format.md section 5.9.
enum LayerTable {
    static func bitmapSize(_ tiles: Int) -> Int { (tiles + 7) / 8 }

    static func varintSize(_ value: Int) -> Int { max(1, (Int.bitWidth - value.leadingZeroBitCount + 6) / 7) }

    /// Appends the table of these lengths.
    static func pack(_ lengths: [Int], into writer: inout ByteWriter) {
        var bitmap = [UInt8](repeating: 0, count: bitmapSize(lengths.count))
        for (tile, length) in lengths.enumerated() where length > 0 { bitmap[tile / 8] |= 1 << UInt8(tile % 8) }
        writer.write(bitmap)
        for length in lengths where length > 0 { writer.writeVarint(length) }
    }

    /// Lengths by tile and where the segments begin; nil where the layer ends inside of the table.
    static func parse(_ layer: ArraySlice<UInt8>, tiles: Int) throws(FormatError) -> (lengths: [Int], size: Int)? {
        var reader = ByteReader(layer)
        do throws(FormatError) {
            let bitmap = Array(try reader.read("tile bitmap", count: bitmapSize(tiles)))
            if tiles % 8 != 0, let last = bitmap.last, last >> UInt8(tiles % 8) != 0 {
                throw FormatError.unknown(
                    field: "tile bitmap", value: "a bit beyond the last tile", expected: "zero bits there")
            }
            var lengths = [Int](repeating: 0, count: tiles)
            for tile in 0..<tiles where bitmap[tile / 8] >> UInt8(tile % 8) & 1 == 1 {
                lengths[tile] = try reader.readVarint("tile length", limit: Int(Int32.max))
                guard lengths[tile] > 0 else {
                    throw FormatError.unknown(
                        field: "tile length", value: "0", expected: "1 or more for a tile whose bit is set")
                }
            }
            return (lengths, layer.count - reader.remaining)
        } catch {
            if case .truncated = error { return nil }
            throw error
        }
    }
}
