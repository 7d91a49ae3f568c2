import PerigeeCore

/// Where a frame lies, in the terms in which memory looks it up.
struct FramePosition: Equatable, Sendable {
    /// What frames must have in common to lie in one plane of pixels: the sensor with CRS and pixel size, or with the size of frames of named
    /// places.
    var plane: [UInt8]
    var box: PixelBox
    /// The place, where that alone says where the frame lies.
    var place: String?

    /// Rectangle under which the index finds it: named places lie at a hash of their name.
    var key: PixelBox {
        guard let place else { return box }
        let hash = Self.hash(place)
        return PixelBox(left: Int(hash & 0x3FFF_FFFF), top: Int(hash >> 30 & 0x3FFF_FFFF), columns: 1, rows: 1)
    }

    /// FNV-1a of 64 bits, folded to 60.
    private static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for octet in text.utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 60
    }
}

extension FramePosition {
    /// Where a frame lies: by its grid where it has an origin, else by its place, as references are put on the grid of a frame. Frames of one
    /// sensor, CRS and pixel size share a plane; their origins are rounded to whole pixels of it. A frame of a named place has the size of
    /// all others there, or is another plane's.
    init(
        sensor: String, declaration: StreamDeclaration, metadata: FrameMetadata
    ) throws(HistoryIneligibility) {
        guard declaration.coding == .tokens else { throw .verbatim }
        var key = ByteWriter()
        key.writeText(sensor)
        if let origin = metadata.origin {
            guard let grid = declaration.grid else { throw .position }
            guard grid.isNorthUp else { throw .grid }
            let size = grid.matrix[0]
            let (column, row) = ((origin.x / size).rounded(), (-origin.y / size).rounded())
            let limit = Double(MemoryLimit.pixelDistance)
            guard abs(column) <= limit, abs(row) <= limit else { throw .distance }
            key.writeVarint(grid.epsg)
            key.write(size)
            box = PixelBox(
                left: Int(column), top: Int(row), columns: declaration.columns, rows: declaration.rows)
            place = nil
        } else {
            guard let name = metadata.place else { throw .position }
            key.writeVarint(0)
            key.writeVarint(declaration.rows)
            key.writeVarint(declaration.columns)
            box = PixelBox(left: 0, top: 0, columns: declaration.columns, rows: declaration.rows)
            place = name
        }
        plane = key.bytes
    }
}
