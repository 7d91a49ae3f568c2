/// What the encoder chooses for each band before it codes it; any choice decodes.
enum ResidualAnalysis {
    /// Earlier bands that are looked at.
    private static let candidateLimit = 16
    /// Share of samples that repeat a neighbour, from which on copying is asked about.
    private static let copyShare = 0.5

    /// The choice for a band whose originals, synthesis and mask lie in the workspace.
    static func choose(_ band: ResidualTile.Band, rows: Int, columns: Int, workspace: ResidualWorkspace)
        -> ResidualTile.Choice
    {
        var choice = ResidualTile.Choice()
        var differences = [Int32](repeating: 0, count: rows * columns)
        let mean = residuals(band, rows: rows, columns: columns, workspace, into: &differences)
        let size = Int.bitWidth - mean.leadingZeroBitCount
        choice.shift = Int32(min(max(size - 6, 0), 31))
        choice.isCopying = repeats(band, rows: rows, columns: columns, workspace) > copyShare
        choice.references = references(band.index, differences, rows: rows, columns: columns, workspace)
        return choice
    }

    /// Residuals, 0 where invalid; gives the mean of their magnitudes.
    private static func residuals(
        _ band: ResidualTile.Band, rows: Int, columns: Int, _ workspace: ResidualWorkspace,
        into residuals: inout [Int32]
    ) -> Int {
        let margin = ResidualWorkspace.margin
        var (sum, count) = (0, 0)
        for row in 0..<rows {
            let plane = (row + margin) * (columns + 2 * margin) + margin
            for column in 0..<columns {
                let here = row * columns + column
                guard !band.hasMask || workspace.valid[here] != 0 else { continue }
                let residual = Int(workspace.numbers[here]) - Int(workspace.synthesis[plane + column])
                sum += Int(residual.magnitude)
                count += 1
                residuals[here] = Int32(min(max(residual, -ResidualWorkspace.clip), ResidualWorkspace.clip))
            }
        }
        return count == 0 ? 0 : sum / count
    }

    /// Share of the valid samples that equal the one above or before.
    private static func repeats(
        _ band: ResidualTile.Band, rows: Int, columns: Int, _ workspace: ResidualWorkspace
    ) -> Double {
        var (repeated, count) = (0, 0)
        for row in 1..<max(rows, 1) {
            for column in 1..<max(columns, 1) {
                let here = row * columns + column
                guard !band.hasMask || workspace.valid[here] != 0 else { continue }
                count += 1
                let number = workspace.numbers[here]
                if number == workspace.numbers[here - 1] || number == workspace.numbers[here - columns] {
                    repeated += 1
                }
            }
        }
        return count == 0 ? 0 : Double(repeated) / Double(count)
    }

    /// The three earlier bands whose residuals vary most alike from column to column.
    private static func references(
        _ band: Int, _ residuals: [Int32], rows: Int, columns: Int, _ workspace: ResidualWorkspace
    ) -> [Int] {
        guard band > 1 else { return band == 1 ? [0] : [] }
        let margin = ResidualWorkspace.margin
        let stride = columns + 2 * margin
        let planeCount = stride * (rows + 2 * margin)
        let step = rows > 128 ? 2 : 1
        var scored: [(score: Double, band: Int)] = []
        for candidate in max(0, band - candidateLimit)..<band {
            var (product, own, other) = (0.0, 1.0, 1.0)
            for row in Swift.stride(from: 0, to: rows, by: step) {
                let plane = candidate * planeCount + (row + margin) * stride + margin
                for column in 1..<max(columns, 1) {
                    let here = row * columns + column
                    let mine = Double(residuals[here] &- residuals[here - 1])
                    let its = Double(
                        workspace.residuals[plane + column] &- workspace.residuals[plane + column - 1])
                    product += mine * its
                    own += mine * mine
                    other += its * its
                }
            }
            scored.append((product * product / (own * other), candidate))
        }
        // the nearest first among equals
        scored.sort { $0.score != $1.score ? $0.score > $1.score : $0.band > $1.band }
        return scored.prefix(3).map(\.band)
    }
}
