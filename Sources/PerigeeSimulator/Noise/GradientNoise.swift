/// Gradient noise on a square lattice (Perlin 2002): smooth, unbounded in extent, mean 0, about -1 to 1.
struct GradientNoise: Sendable {
    private let seed: UInt32

    init(seed: UInt64, stream: UInt64) {
        self.seed = UInt32(truncatingIfNeeded: Draws(seed: seed, stream).bits(0) >> 16)
    }

    /// One octave at a lattice of side 1.
    func callAsFunction(_ x: Float, _ y: Float) -> Float { octave(x, y, seed) }

    /// Sum of octaves, each of half the size and `gain` times the amplitude of the one before: a spectrum that falls as a
    /// power of frequency. Scaled so that the deviation does not depend on the count.
    func fractal(_ x: Float, _ y: Float, octaves: Int, gain: Float) -> Float {
        var sum: Float = 0
        var power: Float = 0
        var amplitude: Float = 1
        var frequency: Float = 1
        for index in 0..<octaves {
            sum += amplitude * octave(x * frequency, y * frequency, seed &+ UInt32(index) &* 0x9E37_79B9)
            power += amplitude * amplitude
            amplitude *= gain
            frequency *= 2
        }
        return sum / power.squareRoot()
    }

    private func octave(_ x: Float, _ y: Float, _ seed: UInt32) -> Float {
        let column = x.rounded(.down)
        let row = y.rounded(.down)
        let fx = x - column
        let fy = y - row
        let i = Int32(column)
        let j = Int32(row)
        let a = corner(i, j, fx, fy, seed)
        let b = corner(i &+ 1, j, fx - 1, fy, seed)
        let c = corner(i, j &+ 1, fx, fy - 1, seed)
        let d = corner(i &+ 1, j &+ 1, fx - 1, fy - 1, seed)
        let u = fx * fx * fx * (fx * (fx * 6 - 15) + 10)
        let v = fy * fy * fy * (fy * (fy * 6 - 15) + 10)
        let top = a + (b - a) * u
        return 1.6 * (top + (c + (d - c) * u - top) * v)
    }

    @inline(__always)
    private func corner(_ i: Int32, _ j: Int32, _ x: Float, _ y: Float, _ seed: UInt32) -> Float {
        var hash = UInt32(bitPattern: i) &* 0x85EB_CA77 ^ UInt32(bitPattern: j) &* 0xC2B2_AE3D ^ seed
        hash = (hash ^ (hash >> 15)) &* 0x2C1B_3C6D
        hash = (hash ^ (hash >> 12)) &* 0x297A_2D39
        hash ^= hash >> 15
        let gx = Float(hash & 0xFFFF) * 0x1p-15 - 1
        let gy = Float(hash >> 16) * 0x1p-15 - 1
        return gx * x + gy * y
    }
}

/// 0 below the first bound, 1 above the second, smooth between.
func smoothStep(_ low: Float, _ high: Float, _ value: Float) -> Float {
    let t = min(max((value - low) / (high - low), 0), 1)
    return t * t * (3 - 2 * t)
}
