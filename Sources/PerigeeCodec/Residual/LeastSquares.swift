/// Solves symmetric systems by Cholesky's method, in doubles and in one fixed order for every element, so that all machines
/// find the same bits. Source: Docs/packet-format.md section 5.11, "Weights".
final class LeastSquares {
    private let limit: Int
    private let factor: UnsafeMutableBufferPointer<Double>
    private let solution: UnsafeMutableBufferPointer<Double>

    init(limit: Int) {
        self.limit = limit
        factor = .allocate(capacity: limit * limit)
        factor.initialize(repeating: 0)
        solution = .allocate(capacity: limit)
        solution.initialize(repeating: 0)
    }

    deinit {
        factor.deallocate()
        solution.deallocate()
    }

    /// Hands the solution to `body`; does not call it where the matrix (its lower half is read) is not positive. The
    /// diagonal is raised, so that little data gives small weights.
    func solve(
        matrix: UnsafePointer<Double>, right: UnsafePointer<Double>, count: Int,
        _ body: (UnsafePointer<Double>) -> Void
    ) {
        guard let upper = factor.baseAddress, let solution = solution.baseAddress else { return }
        // `upper` is the factor, transposed: row k holds the k-th column of L, so the inner loops run along rows.
        for row in 0..<count {
            for column in row..<count { upper[row * limit + column] = matrix[column * count + row] }
            let diagonal = matrix[row * count + row]
            upper[row * limit + row] = diagonal + (300 + diagonal * 0x1p-13)
        }
        for step in 0..<count {
            let pivot = upper + step * limit
            guard pivot[step] > 0 else { return }
            let root = pivot[step].squareRoot()
            pivot[step] = root
            for column in step + 1..<max(count, step + 1) { pivot[column] = pivot[column] / root }
            // Every element is reduced by one product a step, steps rising: the order of the document.
            for row in step + 1..<max(count, step + 1) {
                let (target, share) = (upper + row * limit, pivot[row])
                for column in row..<count { target[column] = target[column] - share * pivot[column] }
            }
        }
        for row in 0..<count { solution[row] = right[row] }
        for step in 0..<count {
            let pivot = upper + step * limit
            solution[step] = solution[step] / pivot[step]
            let value = solution[step]
            for row in step + 1..<max(count, step + 1) { solution[row] = solution[row] - pivot[row] * value }
        }
        for step in (0..<count).reversed() {
            let pivot = upper + step * limit
            var value = solution[step]
            for column in step + 1..<max(count, step + 1) { value = value - pivot[column] * solution[column] }
            solution[step] = value / pivot[step]
        }
        body(solution)
    }
}
