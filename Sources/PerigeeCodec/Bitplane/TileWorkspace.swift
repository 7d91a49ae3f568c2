import PerigeeCore

/// What one lane needs to code one tile after another: sized once for the largest tile, nothing allocated after.
/// `~Copyable`, so that two lanes cannot share one.
struct TileWorkspace: ~Copyable {
    /// Signed coefficients at an encoder; magnitudes known so far at a decoder. `[components][componentSize]`.
    let values: UnsafeMutablePointer<Int32>
    /// Magnitudes that contexts see, in quarters of the threshold; two zero components before and after.
    let magnitudes: UnsafeMutablePointer<UInt8>
    /// Known signs, -1, 0, 1; two zero components before and after.
    let signs: UnsafeMutablePointer<Int8>
    /// `CoefficientStatus` of each coefficient.
    let status: UnsafeMutablePointer<UInt8>
    /// Weighted sum of the magnitudes around each coefficient.
    let energy: UnsafeMutablePointer<UInt16>
    /// Per component and sub-band: open, and the plane that bounds a closed one (decoder) or count of planes (encoder).
    let isOpen: UnsafeMutablePointer<UInt8>
    let planes: UnsafeMutablePointer<UInt8>
    /// Per component and sub-band: one more than the plane in which it was found to hold something significant, or 0.
    let reached: UnsafeMutablePointer<UInt8>
    let cells: UnsafeMutablePointer<UInt32>
    let weights: UnsafeMutablePointer<Int32>
    /// Cells and log-odds of the inputs of one mixed decision.
    let inputs: UnsafeMutablePointer<Int>
    let logOdds: UnsafeMutablePointer<Int32>
    let maskCells: UnsafeMutablePointer<UInt32>
    let predictionCells: UnsafeMutablePointer<UInt32>
    let subbands: UnsafeMutablePointer<Subband>
    private let capacity: Int
    static let subbandLimit = 3 * TileGrid.levelLimit + 1

    /// Room for tiles of at most `componentSize` elements a component.
    init(components: Int, componentSize: Int) {
        capacity = (components + 4) * componentSize
        values = .allocate(capacity: capacity)
        magnitudes = .allocate(capacity: capacity)
        signs = .allocate(capacity: capacity)
        status = .allocate(capacity: capacity)
        energy = .allocate(capacity: capacity)
        isOpen = .allocate(capacity: components * Self.subbandLimit)
        planes = .allocate(capacity: components * Self.subbandLimit)
        reached = .allocate(capacity: components * Self.subbandLimit)
        cells = .allocate(capacity: ContextOffset.end)
        weights = .allocate(capacity: WeightOffset.end)
        inputs = .allocate(capacity: Mixing.inputLimit)
        logOdds = .allocate(capacity: Mixing.inputLimit)
        maskCells = .allocate(capacity: MaskModel.cellCount)
        predictionCells = .allocate(capacity: PredictionCell.count)
        subbands = .allocate(capacity: Self.subbandLimit)
    }

    deinit {
        values.deallocate()
        magnitudes.deallocate()
        signs.deallocate()
        status.deallocate()
        energy.deallocate()
        isOpen.deallocate()
        planes.deallocate()
        reached.deallocate()
        cells.deallocate()
        weights.deallocate()
        inputs.deallocate()
        logOdds.deallocate()
        maskCells.deallocate()
        predictionCells.deallocate()
        subbands.deallocate()
    }

    /// Empties everything for a tile of this layout and takes fresh weights and cells, whose counts are capped.
    mutating func begin(_ layout: TileLayout, tables: ContextTables, countLimit: UInt32 = Cell.startCountLimit) {
        let size = (layout.components + 4) * layout.componentSize
        invariant(size <= capacity, "a tile is larger than its workspace")
        values.initialize(repeating: 0, count: size)
        magnitudes.initialize(repeating: 0, count: size)
        signs.initialize(repeating: 0, count: size)
        status.initialize(repeating: 0, count: size)
        energy.initialize(repeating: 0, count: size)
        let bandCount = layout.subbands.count
        for index in 0..<bandCount { subbands[index] = layout.subbands[index] }
        for component in 0..<layout.components {
            for index in 0..<bandCount {
                let count = subbands[index].rows * subbands[index].columns
                // Small sub-bands are always open; they cost less than their flags would.
                isOpen[component * bandCount + index] = count <= 30 && count > 0 ? 1 : 0
                planes[component * bandCount + index] = UInt8(BitplaneCode.topPlane + 1)
            }
        }
        reached.initialize(repeating: 0, count: layout.components * bandCount)
        inputs.initialize(repeating: 0, count: Mixing.inputLimit)
        logOdds.initialize(repeating: 0, count: Mixing.inputLimit)
        take(tables, countLimit: countLimit)
        maskCells.initialize(repeating: MaskModel.startCell, count: MaskModel.cellCount)
    }

    /// Fresh weights and cells, whose counts are capped.
    mutating func take(_ tables: ContextTables, countLimit: UInt32 = Cell.startCountLimit) {
        for index in 0..<WeightOffset.end { weights[index] = tables.weights[index] }
        for index in 0..<ContextOffset.end { cells[index] = Cell.capped(tables.cells[index], countLimit) }
    }

    /// Runs the decisions of `PredictionCoder` with fresh cells.
    func codePrediction<Coder: BinaryCoder>(
        _ coder: inout Coder, _ prediction: inout TilePrediction?, grid: TileGrid, tile: Int, levels: Int,
        components: Int, model: PredictionModel, rates: UnsafePointer<Int32>,
        countLimit: UInt32 = Cell.startCountLimit
    ) {
        for index in 0..<PredictionCell.count {
            predictionCells[index] = Cell.capped(model.cells[index], countLimit)
        }
        PredictionCoder(
            model: model, levels: levels, components: components, tileRows: grid.rowRange(tile).count,
            tileColumns: grid.columnRange(tile).count, cells: predictionCells, rates: rates
        ).code(&coder, &prediction)
    }
}

/// Constants of the bit-plane code. Source: Docs/packet-format.md section 5.8.
enum BitplaneCode {
    /// The first threshold is 2 to this power; magnitudes are below twice that.
    static let topPlane = 24
    static let magnitudeLimit: Int32 = (1 << 25) - 1
    /// Flags, three classes of significance, refinement, the other significances.
    static let passesPerPlane = 6
    /// Least probability, in 1/65,536, of a coefficient that is visited in each of the passes of significance.
    static let thresholds: (UInt32, UInt32, UInt32) = (14_417, 4_587, 1_310)
    /// Magnitude that a coefficient shows in the plane in which it became significant, in quarters of the threshold.
    static let newMagnitude: UInt16 = 6
}

/// Where a coefficient stands in the current plane.
enum CoefficientStatus {
    /// Not significant, not yet visited in this plane.
    static let pending: UInt8 = 0
    /// Visited in this plane and still not significant.
    static let insignificant: UInt8 = 1
    /// Significant since an earlier plane, not yet refined in this one.
    static let significant: UInt8 = 2
    /// Became significant in this plane.
    static let fresh: UInt8 = 3
    /// Refined in this plane.
    static let refined: UInt8 = 4
}
