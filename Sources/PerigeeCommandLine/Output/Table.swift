/// A table for people: columns as wide as their longest cell.
public struct Table: Sendable {
    /// Where the cells of a column stand.
    public enum Alignment: Sendable {
        case left
        case right
    }

    private let headers: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A table with a header line.
    public init(_ columns: [(header: String, alignment: Alignment)]) {
        headers = columns.map(\.header)
        alignments = columns.map(\.alignment)
    }

    /// Adds a row; cells that are missing are empty.
    public mutating func append(_ cells: [String]) { rows.append(cells) }

    /// The lines, header first, two spaces between columns, without spaces at the end of a line.
    public func text(isStyled: Bool = false) -> String {
        let widths = headers.indices.map { column in
            ([headers] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            var line = ""
            for column in headers.indices {
                let cell = column < cells.count ? cells[column] : ""
                let pad = String(repeating: " ", count: widths[column] - cell.count)
                line += alignments[column] == .left ? cell + pad + "  " : pad + cell + "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        return ([Style.bold.apply(line(headers), isOn: isStyled)] + rows.map(line)).joined(separator: "\n") + "\n"
    }

    /// A number with `digits` digits after the point, a dash where it is not finite.
    public static func number(_ value: Double?, digits: Int) -> String {
        guard let value else { return "-" }
        guard value.isFinite else { return value.isNaN ? "-" : (value < 0 ? "-inf" : "inf") }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard abs(scaled) < 9e15 else { return "\(value)" }
        let magnitude = Int(abs(scaled))
        let sign = scaled < 0 ? "-" : ""
        let whole = magnitude / Int(scale)
        guard digits > 0 else { return sign + group(whole) }
        let fraction = String(magnitude % Int(scale))
        return sign + group(whole) + "." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// A whole number with commas between thousands.
    public static func group(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }
}
