/// Several views beside each other on one light sheet, each with lines of text above it.
public struct Sheet: Sendable {
    /// One view and its text.
    public struct Cell: Sendable {
        public let image: Image
        public let lines: [String]

        /// A view under its lines of text (drawn in capitals; what has no glyph is left blank).
        public init(image: Image, lines: [String]) {
            self.image = image
            self.lines = lines
        }
    }

    private let title: String
    private let rows: [[Cell]]
    private static let margin = 12
    private static let lineHeight = 11
    private static let paper: UInt8 = 250

    /// A sheet of rows of views.
    public init(title: String, rows: [[Cell]]) {
        self.title = title
        self.rows = rows
    }

    /// Draws the sheet. Views are enlarged by whole factors until they are about `cellSize` samples wide.
    public func image(cellSize: Int = 264) -> Image {
        let scales = rows.map { $0.map { max(1, cellSize / max($0.image.columns, 1)) } }
        var (height, width) = (Self.margin + 3 * Self.lineHeight, Self.margin + Glyphs.width(of: title, scale: 2))
        var heights: [Int] = []
        for (row, cells) in rows.enumerated() {
            var (rowHeight, rowWidth) = (0, Self.margin)
            for (column, cell) in cells.enumerated() {
                rowHeight = max(
                    rowHeight, cell.lines.count * Self.lineHeight + cell.image.rows * scales[row][column])
                rowWidth += Self.width(cell, scales[row][column]) + Self.margin
            }
            heights.append(rowHeight)
            height += rowHeight + Self.margin
            width = max(width, rowWidth)
        }
        var sheet = Image(rows: height, columns: width + Self.margin, gray: Self.paper)
        sheet.write(title, row: Self.margin, column: Self.margin, scale: 2)
        var top = Self.margin + 3 * Self.lineHeight - 6
        for (row, cells) in rows.enumerated() {
            var left = Self.margin
            for (column, cell) in cells.enumerated() {
                for (index, line) in cell.lines.enumerated() {
                    sheet.write(line, row: top + index * Self.lineHeight, column: left)
                }
                let scale = scales[row][column]
                sheet.paste(cell.image, row: top + cell.lines.count * Self.lineHeight, column: left, scale: scale)
                left += Self.width(cell, scale) + Self.margin
            }
            top += heights[row] + Self.margin
        }
        return sheet
    }

    private static func width(_ cell: Cell, _ scale: Int) -> Int {
        max(cell.image.columns * scale, cell.lines.map { Glyphs.width(of: $0, scale: 1) }.max() ?? 0)
    }
}

extension Image {
    /// Writes a line of text with its upper left corner at `row`, `column`.
    public mutating func write(_ text: String, row: Int, column: Int, scale: Int = 1) {
        var left = column
        for character in text.uppercased() {
            for (y, line) in (Glyphs.rows[character] ?? []).enumerated() {
                for x in 0..<5 where line & (16 >> UInt8(x)) != 0 {
                    for index in 0..<scale * scale {
                        set(row: row + y * scale + index / scale, column: left + x * scale + index % scale, 30, 30, 36)
                    }
                }
            }
            left += 6 * scale
        }
    }
}
