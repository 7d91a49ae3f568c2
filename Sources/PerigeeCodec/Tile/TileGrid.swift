/// How a frame is cut into tiles: 512 x 512 samples counted from the frame's origin; a last row or column of tiles that
/// would be under 256 joins its neighbour. Tiles are numbered row by row. Source: Docs/packet-format.md section 5.4.
public struct TileGrid: Equatable, Sendable {
    /// Samples of a tile along either axis; a last tile has 256 to 767 where the frame has several.
    public static let tileSize = 512
    /// Wavelet levels at which one low-band coefficient belongs to one tile.
    public static let levelLimit = 9

    public let rows: Int
    public let columns: Int
    public let tileRows: Int
    public let tileColumns: Int

    /// The tiles of a frame of `rows` x `columns` samples.
    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        tileRows = Self.count(rows)
        tileColumns = Self.count(columns)
    }

    public var count: Int { tileRows * tileColumns }

    /// Sample rows of a tile.
    public func rowRange(_ tile: Int) -> Range<Int> {
        let row = tile / tileColumns
        return row * Self.tileSize..<(row + 1 == tileRows ? rows : (row + 1) * Self.tileSize)
    }

    /// Sample columns of a tile.
    public func columnRange(_ tile: Int) -> Range<Int> {
        let column = tile % tileColumns
        return column * Self.tileSize..<(column + 1 == tileColumns ? columns : (column + 1) * Self.tileSize)
    }

    /// Sides that no tile exceeds.
    var largestTile: (rows: Int, columns: Int) {
        let last = count - 1
        return (
            max(rowRange(0).count, rowRange(last).count), max(columnRange(0).count, columnRange(last).count)
        )
    }

    /// Coefficients of a sub-band of `level` that belong to tile `index` of `count` along one axis, where the sub-band has
    /// `size` of them.
    static func span(index: Int, count: Int, level: Int, size: Int) -> Range<Int> {
        let start = min((index * tileSize) >> level, size)
        let end = index + 1 == count ? size : min(((index + 1) * tileSize) >> level, size)
        return start..<max(start, end)
    }

    private static func count(_ size: Int) -> Int {
        let whole = size / tileSize
        return max(1, size % tileSize >= tileSize / 2 ? whole + 1 : whole)
    }
}
