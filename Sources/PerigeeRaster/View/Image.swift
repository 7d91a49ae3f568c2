/// An 8-bit colour image, `[3][rows][columns]`, row-major.
public struct Image: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    /// Red, green and blue planes behind each other.
    public var planes: [UInt8]

    /// An image of one colour.
    public init(rows: Int, columns: Int, gray: UInt8) {
        self.rows = max(rows, 1)
        self.columns = max(columns, 1)
        planes = [UInt8](repeating: gray, count: 3 * self.rows * self.columns)
    }

    /// Sets one sample of all three planes; outside of the image nothing happens.
    public mutating func set(row: Int, column: Int, _ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        guard (0..<rows).contains(row), (0..<columns).contains(column) else { return }
        let index = row * columns + column
        planes[index] = red
        planes[rows * columns + index] = green
        planes[2 * rows * columns + index] = blue
    }

    /// Copies `other` with its first sample at `row`, `column`, each sample `scale` times in both directions.
    public mutating func paste(_ other: Image, row: Int, column: Int, scale: Int = 1) {
        let plane = other.rows * other.columns
        for y in 0..<other.rows * scale {
            for x in 0..<other.columns * scale {
                let index = y / scale * other.columns + x / scale
                set(
                    row: row + y, column: column + x, other.planes[index], other.planes[plane + index],
                    other.planes[2 * plane + index])
            }
        }
    }
}
