/// A rectangle of samples of a frame.
public struct FrameWindow: Equatable, Sendable {
    /// First column and row.
    public let x: Int
    public let y: Int
    /// Columns and rows.
    public let width: Int
    public let height: Int

    /// A window of any numbers; `check` says whether a frame has it.
    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Refuses a window that is empty or leaves a frame of `rows` x `columns`; names the number that is at fault.
    public func check(rows: Int, columns: Int) throws(CodecError) {
        try Self.check(start: x, count: width, fields: ("window x", "window width"), size: columns, unit: "columns")
        try Self.check(start: y, count: height, fields: ("window y", "window height"), size: rows, unit: "rows")
    }

    private static func check(
        start: Int, count: Int, fields: (start: String, count: String), size: Int, unit: String
    ) throws(CodecError) {
        guard (0..<size).contains(start) else {
            throw .unusable(
                field: fields.start, found: "\(start)",
                expected: "0 to \(size - 1), since the frame has \(size) \(unit)")
        }
        guard count >= 1, count <= size - start else {
            throw .unusable(
                field: fields.count, found: "\(count)",
                expected: "1 to \(size - start), since the window begins at \(start) of \(size) \(unit)")
        }
    }

    /// Rows of a window that was checked.
    var rowRange: Range<Int> { y..<y + height }
    /// Columns of a window that was checked.
    var columnRange: Range<Int> { x..<x + width }
}
