import Glibc
public import PerigeeCore

/// Where the cells of a frame lie: on the grid of its projection, 2,560 m a side for samples of 10 m, or the frame itself where
/// the sender names the place.
public struct PlaceGrid: Equatable, Sendable {
    /// One cell; the text is the same for every frame that shows it.
    public struct Cell: Hashable, Sendable {
        var column: Int
        var row: Int
    }

    /// Metres a block of the finest samples that have 24 of them in it.
    private static let blockSide = 320.0
    private static let degreesPerMeter = 1 / 111_320.0
    /// Samples of a block that are looked at along either axis, about.
    private static let samplesPerBlock = 16.0

    package let name: String
    let rows: Int
    let columns: Int
    /// Frame to blocks: block column = a * column + b * row + c, block row = d * column + e * row + f.
    package let matrix: [Double]

    /// nil where nobody says what place it is, or the transform is none.
    public init?(place: String?, georeference: GeoReference?, rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        let side = Double(CellView.side)
        if let place {
            name = "place|\(place)"
            matrix = [side / Double(columns), 0, 0, 0, side / Double(rows), 0]
            return
        }
        guard let georeference else { return nil }
        let affine = georeference.transform
        let pixel = max(
            (affine[0] * affine[0] + affine[3] * affine[3]).squareRoot(),
            (affine[1] * affine[1] + affine[4] * affine[4]).squareRoot())
        guard pixel.isFinite, pixel > 0, affine.allSatisfy(\.isFinite) else { return nil }
        let isGeographic = [4_326, 4_258, 4_269].contains(georeference.epsg)
        let unit = isGeographic ? Self.blockSide * Self.degreesPerMeter : Self.blockSide
        let level = log2(24 * pixel / unit).rounded(.up)
        guard abs(level) <= 40 else { return nil }
        let block = unit * exp2(level)
        name = "\(georeference.epsg)|\(Int(level))"
        // rows of blocks count to the south
        matrix =
            affine[0..<3].map { $0 / block } + affine[3..<6].map { -$0 / block }
        guard matrix.allSatisfy({ abs($0) < 1e9 }) else { return nil }
    }

    /// Stable over runs and machines: FNV-1a of 64 bits.
    package func key(_ cell: Cell, sensor: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for octet in "\(sensor)|\(name)|\(cell.column)|\(cell.row)".utf8 {
            hash = (hash ^ UInt64(octet)) &* 0x100_0000_01b3
        }
        return hash
    }

    /// Samples between those that are looked at.
    var step: Int {
        let perColumn = (matrix[0] * matrix[0] + matrix[3] * matrix[3]).squareRoot()
        let perRow = (matrix[1] * matrix[1] + matrix[4] * matrix[4]).squareRoot()
        return max(1, Int((1 / max(perColumn, perRow) / Self.samplesPerBlock).rounded(.down)))
    }

    /// Samples that would be looked at in a block that the frame shows whole.
    var samplesInBlock: Double {
        1 / max(abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]), 1e-12) / Double(step * step)
    }
}
