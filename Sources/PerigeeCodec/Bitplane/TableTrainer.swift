public import PerigeeCore

/// Fits the start values of the token coder: runs the encoder over frame after frame and keeps cells and weights as they
/// have become. Give it all training frames, in a shuffled order, twice; one trainer learns the tables of plain tiles, another
/// those of predicted ones. Not to be called from two threads at once.
public final class TableTrainer {
    private var tables: ContextTables
    /// What is known of prediction, its cells and tables aside, which are learned; nil learns from plain frames.
    private var history: PredictionModel?
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

    /// Starts a trainer of predicted tiles, with the weights and the tables of a model.
    public init(predictedBy model: CodecModel) {
        tables = model.history.tables
        history = model.history
        sums = [Double](repeating: 0, count: tables.centroids.count)
        counts = sums
    }

    /// Learns from one frame's coefficients, of predicted tiles what the prediction left of them, `[components][rows][columns]` in Mallat layout, coded to `budget` octets.
    /// Fails where the count of coefficients does not agree with the shape.
    package func adapt(
        coefficients: UnsafeBufferPointer<Int32>, components: Int, rows: Int, columns: Int, budget: Int,
        predictions: [TilePrediction?]? = nil
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
            let encoder = TileEncoder(
                grid: grid, levels: levels, components: components, tables: tables,
                history: history ?? .untrained(tables))
            let share = Double(layout.coefficientCount) / Double(rows * columns)
            _ = encoder.encode(
                tile: tile, .integers(base), mask: nil, history: predictions.map { .reference($0[tile]) } ?? .none,
                limit: max(1, Int(Double(budget) * share)),
                startCountLimit: Cell.countLimit, workspace: &workspace)
            if var known = history {
                known.cells = Array(UnsafeBufferPointer(start: workspace.predictionCells, count: PredictionCell.count))
                history = known
                // a tile that is not predicted used other tables
                guard predictions?[tile] != nil else { continue }
            }
            tables.cells = Array(UnsafeBufferPointer(start: workspace.cells, count: ContextOffset.end))
            tables.weights = Array(UnsafeBufferPointer(start: workspace.weights, count: WeightOffset.end))
            history?.tables = tables
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

    /// What is known of prediction so far.
    package var prediction: PredictionModel? { history }

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

    /// What was learned as tensors of a bundle: `tokens/…`, or `history/…`.
    public func tensors() -> [String: Tensor] {
        guard var history else { return learned.tensors() }
        history.tables = learned
        return history.tensors()
    }
}
