/// Eigenvectors of small symmetric matrices, bit for bit alike on every IEEE 754 machine.
/// Source: Docs/packet-format.md, section 5.3.
package enum Jacobi {
    static let sweepLimit = 16

    /// Rows are the eigenvectors of `matrix` (`[count][count]`, symmetric) by falling eigenvalue, each with a sum that is
    /// not negative. Doubles, + - * / and square root only, in a fixed order; about 6 count^3 operations a sweep.
    package static func basis(of matrix: [Double], count: Int) -> [Float] {
        var a = matrix
        var v = [Double](repeating: 0, count: count * count)
        for i in 0..<count { v[i * count + i] = 1 }
        a.withUnsafeMutableBufferPointer { a in
            v.withUnsafeMutableBufferPointer { v in diagonalise(a, v, count) }
        }
        let order = (0..<count).sorted { left, right in
            let (x, y) = (a[left * count + left], a[right * count + right])
            return x > y || (x == y && left < right)
        }
        var rows = [Float](repeating: 0, count: count * count)
        for (row, column) in order.enumerated() {
            var sum = v[column]
            for i in 1..<max(count, 1) { sum += v[i * count + column] }
            for i in 0..<count {
                let entry = v[i * count + column]
                rows[row * count + i] = Float(sum < 0 ? -entry : entry)
            }
        }
        return rows
    }

    private static func diagonalise(
        _ a: UnsafeMutableBufferPointer<Double>, _ v: UnsafeMutableBufferPointer<Double>, _ count: Int
    ) {
        var greatest = 0.0
        for i in 0..<count { greatest = max(greatest, a[i * count + i].magnitude) }
        let threshold = 0x1p-52 * greatest
        for _ in 0..<sweepLimit {
            var rotations = 0
            for p in 0..<count {
                for q in (p + 1)..<max(count, p + 1) where a[p * count + q].magnitude > threshold {
                    rotate(a, v, count, p, q)
                    rotations += 1
                }
            }
            if rotations == 0 { return }
        }
    }

    /// Makes the entry (p, q) zero.
    private static func rotate(
        _ a: UnsafeMutableBufferPointer<Double>, _ v: UnsafeMutableBufferPointer<Double>, _ count: Int, _ p: Int,
        _ q: Int
    ) {
        let entry = a[p * count + q]
        let theta = (a[q * count + q] - a[p * count + p]) / (2 * entry)
        let root = (theta * theta + 1).squareRoot()
        let size = 1 / (theta.magnitude + root)
        let t = theta < 0 ? -size : size
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        let step = t * entry
        a[p * count + p] = a[p * count + p] - step
        a[q * count + q] = a[q * count + q] + step
        a[p * count + q] = 0
        a[q * count + p] = 0
        for k in 0..<count where k != p && k != q {
            let (x, y) = (a[k * count + p], a[k * count + q])
            let (first, second) = (c * x - s * y, s * x + c * y)
            a[k * count + p] = first
            a[p * count + k] = first
            a[k * count + q] = second
            a[q * count + k] = second
        }
        for k in 0..<count {
            let (x, y) = (v[k * count + p], v[k * count + q])
            v[k * count + p] = c * x - s * y
            v[k * count + q] = s * x + c * y
        }
    }
}
