import PerigeeCodec
import Testing

struct Shape: CustomTestStringConvertible, Sendable {
    let rows: Int
    let columns: Int
    var testDescription: String { "\(rows) x \(columns)" }
}

let shapes = [
    Shape(rows: 1, columns: 1), Shape(rows: 1, columns: 2), Shape(rows: 1, columns: 37), Shape(rows: 53, columns: 1),
    Shape(rows: 2, columns: 2), Shape(rows: 3, columns: 5), Shape(rows: 31, columns: 33),
    Shape(rows: 100, columns: 101),
    Shape(rows: 256, columns: 256), Shape(rows: 513, columns: 700),
]

@Suite("9/7 wavelet")
struct WaveletTests {
    @Test("the inverse gives the values back within the rounding of singles", arguments: shapes)
    func reconstructs(_ shape: Shape) {
        let values = noise(components: 2, rows: shape.rows, columns: shape.columns, seed: 1)
        let wavelet = Wavelet(rows: shape.rows, columns: shape.columns)
        var planes = values
        wavelet.forward(&planes)
        if shape.rows * shape.columns > 1 { #expect(planes != values) }
        wavelet.inverse(&planes)
        let error = zip(planes.values, values.values).map { ($0 - $1).magnitude }.max() ?? 0
        #expect(error < 0.02)
    }

    @Test("every compiled path gives the bits of the scalar reference", arguments: shapes)
    func agrees(_ shape: Shape) {
        let values = noise(components: 1, rows: shape.rows, columns: shape.columns, seed: 2)
        let reference = Wavelet(rows: shape.rows, columns: shape.columns, path: .scalar)
        var coefficients = values
        reference.forward(&coefficients)
        var synthesis = values
        reference.inverse(&synthesis)
        for path in StrictPath.all {
            let wavelet = Wavelet(rows: shape.rows, columns: shape.columns, path: path)
            var planes = values
            wavelet.forward(&planes)
            #expect(bits(planes) == bits(coefficients), "forward, \(path.name)")
            planes = values
            wavelet.inverse(&planes)
            #expect(bits(planes) == bits(synthesis), "inverse, \(path.name)")
        }
    }

    @Test("an impulse in any sub-band has nearly unit energy after synthesis")
    func nearlyOrthonormal() {
        let geometry = WaveletGeometry(rows: 256, columns: 256)
        for subband in geometry.subbands where subband.rows.count >= 8 {
            var planes = Planes(components: 1, rows: 256, columns: 256)
            planes[0, subband.rows.lowerBound + 4, subband.columns.lowerBound + 4] = 1
            Wavelet(rows: 256, columns: 256).inverse(&planes)
            let energy = planes.values.reduce(0) { $0 + Double($1) * Double($1) }
            #expect(energy > 0.7 && energy < 1.5, "level \(subband.level), \(subband.orientation): \(energy)")
        }
    }

    @Test("a constant lands in the low band alone")
    func constant() {
        var planes = Planes(components: 1, rows: 64, columns: 64, values: [Float](repeating: 100, count: 4_096))
        Wavelet(rows: 64, columns: 64).forward(&planes)
        #expect((planes[0, 0, 0] - 6_400).magnitude < 0.1)
        #expect(planes.values.dropFirst().allSatisfy { $0.magnitude < 0.01 })
    }

    @Test("sub-bands cover each coefficient once", arguments: shapes)
    func covers(_ shape: Shape) {
        let geometry = WaveletGeometry(rows: shape.rows, columns: shape.columns)
        var seen = [Int](repeating: 0, count: shape.rows * shape.columns)
        for subband in geometry.subbands {
            for row in subband.rows { for column in subband.columns { seen[row * shape.columns + column] += 1 } }
        }
        #expect(seen.allSatisfy { $0 == 1 })
        #expect(geometry.levels <= 9)
    }
}
