/// Buffers of one lane for the residual of one tile: made for the largest tile, then used again and again.
/// `@unchecked`: a lane runs one body at a time, and only it touches its workspace.
final class ResidualWorkspace: @unchecked Sendable {
    /// Samples beside a tile that contexts reach.
    static let margin = 2
    /// Residuals and errors are kept, and features clipped, within this.
    static let clip = 1_048_575

    let bands: Int
    /// Samples of the largest tile, and of its planes with margins.
    private let planeCount: Int
    let columnLimit: Int
    /// R and e of the bands of a tile, `[bands][rows + 4][columns + 4]`.
    let residuals: UnsafeMutableBufferPointer<Int32>
    let errors: UnsafeMutableBufferPointer<Int32>
    /// S of one band, with a margin of its nearest samples.
    let synthesis: UnsafeMutableBufferPointer<Int32>
    /// X, and behind it X̂, of one band, `[rows][columns]`.
    let numbers: UnsafeMutableBufferPointer<Int32>
    /// 1 where a sample of the band is valid.
    let valid: UnsafeMutableBufferPointer<UInt8>
    let predictor: ResidualPredictor
    let contexts: ResidualContexts

    init(bands: Int, rows: Int, columns: Int) {
        self.bands = bands
        columnLimit = columns
        planeCount = (rows + 2 * Self.margin) * (columns + 2 * Self.margin)
        residuals = .allocate(capacity: bands * planeCount)
        errors = .allocate(capacity: bands * planeCount)
        synthesis = .allocate(capacity: planeCount)
        synthesis.initialize(repeating: 0)
        numbers = .allocate(capacity: rows * columns)
        valid = .allocate(capacity: rows * columns)
        predictor = ResidualPredictor(columns: columns)
        contexts = ResidualContexts()
    }

    deinit {
        residuals.deallocate()
        errors.deallocate()
        synthesis.deallocate()
        numbers.deallocate()
        valid.deallocate()
    }

    /// Forgets the tile before.
    func start() {
        residuals.initialize(repeating: 0)
        errors.initialize(repeating: 0)
        contexts.start()
    }

    /// Fills the margin of the synthesis with its nearest samples, which stand in their places.
    func extendSynthesis(rows: Int, columns: Int) {
        guard let base = synthesis.baseAddress else { return }
        let stride = columns + 2 * Self.margin
        for row in 0..<rows {
            let start = base + (row + Self.margin) * stride + Self.margin
            start[-1] = start[0]
            start[columns] = start[columns - 1]
        }
        let top = base + Self.margin * stride
        (top - stride).update(from: top, count: stride)
        let bottom = base + (rows + Self.margin - 1) * stride
        (bottom + stride).update(from: bottom, count: stride)
    }
}
