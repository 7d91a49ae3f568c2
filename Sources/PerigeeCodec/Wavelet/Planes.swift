/// Coefficients or values of a frame: `[components][rows][columns]`, row-major singles. Coefficients lie in Mallat layout
/// (Docs/packet-format.md, section 5.2).
package struct Planes: Equatable, Sendable {
    package let components: Int
    package let rows: Int
    package let columns: Int
    /// `components * rows * columns` numbers.
    package var values: [Float]

    /// Samples of one plane.
    package var planeCount: Int { rows * columns }

    /// Planes of zeros.
    package init(components: Int, rows: Int, columns: Int) {
        self.init(
            components: components, rows: rows, columns: columns,
            values: [Float](repeating: 0, count: components * rows * columns))
    }

    /// Planes of known numbers; their count must agree with the shape.
    package init(components: Int, rows: Int, columns: Int, values: [Float]) {
        assert(values.count == components * rows * columns)
        self.components = components
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// The number of `component` at a row and a column.
    package subscript(component: Int, row: Int, column: Int) -> Float {
        get { values[(component * rows + row) * columns + column] }
        set { values[(component * rows + row) * columns + column] = newValue }
    }
}
