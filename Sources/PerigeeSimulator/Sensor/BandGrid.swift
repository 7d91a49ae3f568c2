/// One band's own grid: a sample of it covers `factor` by `factor` samples of the frame.
struct BandGrid {
    let factor: Int
    let rows: Int
    let columns: Int
    let frameRows: Int
    let frameColumns: Int

    init(factor: Int, frameRows: Int, frameColumns: Int) {
        self.factor = factor
        self.frameRows = frameRows
        self.frameColumns = frameColumns
        rows = (frameRows + factor - 1) / factor
        columns = (frameColumns + factor - 1) / factor
    }

    /// Means of the frame's samples.
    func down(_ plane: [Float]) -> [Float] {
        guard factor > 1 else { return plane }
        var out = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            let height = min(factor, frameRows - row * factor)
            for column in 0..<columns {
                let width = min(factor, frameColumns - column * factor)
                var sum: Float = 0
                for y in row * factor..<row * factor + height {
                    let start = y * frameColumns + column * factor
                    for index in start..<start + width { sum += plane[index] }
                }
                out[row * columns + column] = sum / Float(height * width)
            }
        }
        return out
    }

    /// The optics' blur: 1, 6, 1 eighths each way, borders repeated.
    func blur(_ plane: [Float]) -> [Float] {
        var middle = plane
        for row in 0..<rows {
            let start = row * columns
            for column in 0..<columns {
                let left = plane[start + max(0, column - 1)]
                let right = plane[start + min(columns - 1, column + 1)]
                middle[start + column] = plane[start + column] * 0.75 + (left + right) * 0.125
            }
        }
        var out = middle
        for row in 0..<rows {
            let above = max(0, row - 1) * columns
            let below = min(rows - 1, row + 1) * columns
            for column in 0..<columns {
                out[row * columns + column] =
                    middle[row * columns + column] * 0.75 + (middle[above + column] + middle[below + column]) * 0.125
            }
        }
        return out
    }

    /// Back on the frame's grid by bilinear interpolation between the centres.
    func up(_ plane: [Float]) -> [Float] {
        guard factor > 1 else { return plane }
        var out = [Float](repeating: 0, count: frameRows * frameColumns)
        let step = 1 / Float(factor)
        for row in 0..<frameRows {
            let y = min(max((Float(row) + 0.5) * step - 0.5, 0), Float(rows - 1))
            let top = min(Int(y), max(0, rows - 2))
            let bottom = min(top + 1, rows - 1)
            let v = y - Float(top)
            for column in 0..<frameColumns {
                let x = min(max((Float(column) + 0.5) * step - 0.5, 0), Float(columns - 1))
                let left = min(Int(x), max(0, columns - 2))
                let right = min(left + 1, columns - 1)
                let u = x - Float(left)
                let a = plane[top * columns + left] * (1 - u) + plane[top * columns + right] * u
                let b = plane[bottom * columns + left] * (1 - u) + plane[bottom * columns + right] * u
                out[row * frameColumns + column] = a * (1 - v) + b * v
            }
        }
        return out
    }
}
