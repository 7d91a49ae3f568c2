import PerigeeCommandLine
import PerigeeService

/// Lines of at most so many columns: labelled values that wrap, and tables that leave out columns where there is no room.
struct ScreenText {
    /// Columns that labels take.
    private static let labelWidth = 10

    let columns: Int
    let isStyled: Bool
    private(set) var lines: [String] = []

    init(columns: Int, isStyled: Bool) {
        self.columns = max(columns, 20)
        self.isStyled = isStyled
    }

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// Text from one margin to the other: `left` in bold, `right` in a style of its own, on a line below where both do not fit.
    mutating func title(_ left: String, _ right: String, _ style: Style) {
        let left = cut(LogText.escaped(left), columns), right = cut(LogText.escaped(right), columns)
        let bold = Style.bold.apply(left, isOn: isStyled), styled = style.apply(right, isOn: isStyled)
        let pad = columns - left.count - right.count
        if pad > 1 {
            lines.append(bold + String(repeating: " ", count: pad) + styled)
        } else {
            lines += [bold, styled]
        }
    }

    /// A line of text, wrapped.
    mutating func line(_ text: String, _ style: Style? = nil) {
        append(wrap(LogText.escaped(text), columns), indent: 0, style)
    }

    /// A label and its value, which wraps behind it; an empty label goes on with the one above.
    mutating func field(_ label: String, _ value: String, _ style: Style? = nil) {
        let pieces = wrap(LogText.escaped(value), columns - Self.labelWidth)
        for (index, piece) in pieces.enumerated() {
            let shown = index == 0 ? cut(label, Self.labelWidth - 1) : ""
            let pad = String(repeating: " ", count: Self.labelWidth - shown.count)
            let name = shown.isEmpty ? "" : Style.dim.apply(shown, isOn: isStyled)
            lines.append(name + pad + (style.map { $0.apply(piece, isOn: isStyled) } ?? piece))
        }
    }

    /// An empty line.
    mutating func gap() { lines.append("") }

    /// A table, its most telling columns first: what does not fit is left out from the right. `styles`: of whole rows.
    mutating func table(_ headers: [String], _ rows: [[String]], styles: [Style?] = []) {
        let rows = rows.map { $0.map(LogText.escaped) }
        var widths = headers.indices.map { column in
            ([headers] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        // the first column gives way before another is left out, down to half of the line
        func total() -> Int { widths.reduce(0, +) + 2 * (widths.count - 1) }
        while widths.count > 2, total() - max(0, (widths.first ?? 0) - columns / 2) > columns { widths.removeLast() }
        if total() > columns { widths[0] = max(4, widths[0] - (total() - columns)) }
        func line(_ cells: [String]) -> String {
            var line = ""
            for (column, width) in widths.enumerated() {
                let cell = cut(column < cells.count ? cells[column] : "", width)
                let pad = String(repeating: " ", count: width - cell.count)
                line += (column == 0 ? cell + pad : pad + cell) + "  "
            }
            while line.last == " " { line.removeLast() }
            return cut(line, columns)
        }
        lines.append(Style.dim.apply(line(headers), isOn: isStyled))
        for (index, row) in rows.enumerated() {
            let style = index < styles.count ? styles[index] : nil
            lines.append(style.map { $0.apply(line(row), isOn: isStyled) } ?? line(row))
        }
    }

    private mutating func append(_ pieces: [String], indent: Int, _ style: Style?) {
        for piece in pieces { lines.append(style.map { $0.apply(piece, isOn: isStyled) } ?? piece) }
    }

    /// At most `width` letters, with a mark where something is missing.
    private func cut(_ text: String, _ width: Int) -> String {
        text.count <= width ? text : String(text.prefix(max(width - 1, 0))) + "…"
    }

    /// Words in lines of at most `width` columns; a longer word is broken.
    private func wrap(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: true) {
            var word = word
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            while line.isEmpty, word.count > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            if !word.isEmpty { line += (line.isEmpty ? "" : " ") + word }
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }
}
