/// Where an earlier frame lies on the grid of another, in whole pixels: the nearest where grids are shifted by parts of one.
/// Source: Docs/packet-format.md, section 5.12.
public struct GridOffset: Equatable, Sendable {
    /// Row and column of the earlier frame's first sample; below 0 where it begins above or left of the other.
    public let row: Int
    public let column: Int

    /// The offset of `other` in `frame`: by their origins, if both have north-up grids of the same CRS and pixels, else (0, 0)
    /// where both have no origin, the same place and the same size. nil for all others: they say nothing of each other.
    public init?(
        of other: (declaration: StreamDeclaration, metadata: FrameMetadata),
        in frame: (declaration: StreamDeclaration, metadata: FrameMetadata)
    ) {
        if let origin = frame.metadata.origin, let itsOrigin = other.metadata.origin,
            let grid = frame.declaration.grid, let itsGrid = other.declaration.grid
        {
            guard grid == itsGrid, grid.isNorthUp else { return nil }
            let column = ((itsOrigin.x - origin.x) / grid.matrix[0]).rounded(.toNearestOrEven)
            let row = ((itsOrigin.y - origin.y) / grid.matrix[3]).rounded(.toNearestOrEven)
            guard row.magnitude < 0x1p31, column.magnitude < 0x1p31 else { return nil }
            (self.row, self.column) = (Int(row), Int(column))
            return
        }
        guard frame.metadata.origin == nil, other.metadata.origin == nil, let place = frame.metadata.place,
            place == other.metadata.place, frame.declaration.rows == other.declaration.rows,
            frame.declaration.columns == other.declaration.columns
        else { return nil }
        (row, column) = (0, 0)
    }
}
