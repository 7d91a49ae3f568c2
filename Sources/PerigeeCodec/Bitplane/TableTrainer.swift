public import PerigeeCore

/// Fits the start values of the token coder: runs the encoder over frame after frame and keeps cells and weights as they
/// have become. Give it all training frames, in a shuffled order, twice. Not to be called from two threads at once.
public final class TableTrainer {
    private var tables: ContextTables
    /// Sum and count of where coefficients lie in their intervals, `[26][10][6][3]`.
    private var sums: [Double]
    private var counts: [Double]

    /// Starts from tables that know nothing.
    public convenience init() { self.init(from: .untrained) }

    /// Starts from the cells of other tables; centroids start anew.
    public init(from tables: ContextTables) {
        self.tables = tables
        sums = [Double](repeating: 0, count: tables.centroids.count)
        counts = sums
    }

    /// Learns from one frame's coefficients, `[components][rows][columns]` in Mallat layout, coded to `budget` octets.
    /// Fails where the count of coefficients does not agree with the shape.
    public func adapt(
        coefficients: UnsafeBufferPointer<Int32>, components: Int, rows: Int, columns: Int, budget: Int
    ) throws(CodecError) {
        guard components > 0, rows > 0, columns > 0, coefficients.count / components / rows == columns,
            coefficients.count == components * rows * columns, let base = coefficients.baseAddress
        else {
            throw .mismatch(
                field: "coefficients", found: "\(coefficients.count) numbers",
                expected: "[\(components), \(rows), \(columns)]")
        }
        let grid = TileGrid(rows: rows, columns: columns)
        let levels = WaveletGeometry(rows: rows, columns: columns).levels
        for tile in 0..<grid.count {
            let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: components)
            var workspace = TileWorkspace(components: components, componentSize: layout.componentSize)
            let encoder = TileEncoder(grid: grid, levels: levels, components: components, tables: tables)
            let share = Double(layout.coefficientCount) / Double(rows * columns)
            _ = encoder.encode(
                tile: tile, .integers(base), mask: nil, limit: max(1, Int(Double(budget) * share)),
                startCountLimit: Cell.countLimit, workspace: &workspace)
            tables.cells = Array(UnsafeBufferPointer(start: workspace.cells, count: ContextOffset.end))
            tables.weights = Array(UnsafeBufferPointer(start: workspace.weights, count: WeightOffset.end))
            measure(layout, base, rows: rows, columns: columns)
        }
    }

    private func measure(_ layout: TileLayout, _ coefficients: UnsafePointer<Int32>, rows: Int, columns: Int) {
        for component in 0..<layout.components {
            for band in layout.subbands {
                let place = (min(band.level, 9) * 6 + ContextTables.componentClass(component)) * 3
                for row in 0..<band.rows {
                    let start = (component * rows + band.frameRow + row) * columns + band.frameColumn
                    for column in 0..<band.columns {
                        let magnitude = Int(coefficients[start + column].magnitude)
                        var plane = 0
                        while plane < 26, magnitude >> plane > 0 {
                            let steps = magnitude >> plane
                            let index = plane * 180 + place + (steps == 1 ? 0 : (steps < 4 ? 1 : 2))
                            // A coefficient was cut to an integer: it lies half a unit further on average.
                            sums[index] += (Double(magnitude - steps << plane) + 0.5) / Double(1 << plane)
                            counts[index] += 1
                            plane += 1
                        }
                    }
                }
            }
        }
    }

    /// The tables learned so far.
    public var learned: ContextTables {
        var centroids = tables.centroids
        for plane in 0..<26 {
            for interval in 0..<3 {
                let places = (0..<60).map { (plane * 60 + $0) * 3 + interval }
                let count = places.reduce(0) { $0 + counts[$1] }
                // Few examples lean on what all levels and components of the plane have in common.
                let common =
                    count > 50 ? places.reduce(0) { $0 + sums[$1] } / count : [0.42, 0.47, 0.49][interval]
                for place in places {
                    let mean = (sums[place] + 30 * common) / (counts[place] + 30)
                    centroids[place] = UInt16(min(65_535, max(0, mean * 65_536)))
                }
            }
        }
        return ContextTables(cells: tables.cells, weights: tables.weights, centroids: centroids)
    }

    /// `learned` as tensors of a bundle, `tokens/…`.
    public func tensors() -> [String: Tensor] { learned.tensors() }
}
