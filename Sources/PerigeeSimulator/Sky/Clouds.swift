import Glibc

/// Clouds of one date and their shadows, over one footprint.
struct Clouds: Sendable {
    private let noise: GradientNoise
    private let scale: Float
    private let stretch: Float
    private let softness: Float
    private let threshold: Float
    private let shadow: (x: Float, y: Float)
    /// Share of the footprint asked for.
    let cover: Float

    /// `cover` nil draws one: nearly half of all dates are clear.
    init(seed: UInt64, date: UInt64, cover: Double?, sun: Sun, width: Float, height: Float) {
        let draws = Draws(seed: seed, 61, date)
        noise = GradientNoise(seed: draws.bits(0), stream: 62)
        scale = draws.value(1, in: 700...2_600)
        stretch = draws.value(2, in: 1...1.8)
        softness = draws.value(3, in: 0.10...0.30)
        let altitude = draws.value(4, in: 700...2_600)
        let reach = altitude / tanf(sun.elevation)
        shadow = (sinf(sun.azimuth) * reach, -cosf(sun.azimuth) * reach)
        let share = Float(cover ?? Double(Self.drawnCover(draws)))
        self.cover = share
        guard share > 0, share < 1 else {
            threshold = share > 0 ? -.infinity : .infinity
            return
        }
        // The threshold that this share of a grid of points lies above.
        var values: [Float] = []
        for row in 0..<72 {
            for column in 0..<72 {
                values.append(
                    Self.density(
                        noise, (Float(column) + 0.5) / 72 * width, (Float(row) + 0.5) / 72 * height, scale, stretch))
            }
        }
        values.sort(by: >)
        threshold = values[min(values.count - 1, Int(share * Float(values.count)))]
    }

    private static func drawnCover(_ draws: Draws) -> Float {
        let amount = draws.unit(6)
        switch draws.unit(5) {
        case ..<0.45: return 0
        case ..<0.62: return 0.12 * amount
        case ..<0.86: return 0.12 + 0.58 * amount
        default: return 0.7 + 0.3 * amount
        }
    }

    private static func density(_ noise: GradientNoise, _ x: Float, _ y: Float, _ scale: Float, _ stretch: Float)
        -> Float
    {
        noise.fractal(x / (scale * stretch), y / scale, octaves: 6, gain: 0.52)
    }

    var isClear: Bool { threshold == .infinity }

    /// How much of the light a point's cloud turns back, 0 to 0.97; 0.5 at the border of the share asked for.
    func opacity(_ x: Float, _ y: Float) -> Float {
        guard threshold.isFinite else { return isClear ? 0 : 0.97 }
        let density = Self.density(noise, x, y, scale, stretch)
        return min(0.97, smoothStep(threshold - softness, threshold + softness, density))
    }

    /// How much of the direct light a point lacks, 0 to 0.97.
    func shade(_ x: Float, _ y: Float) -> Float { isClear ? 0 : opacity(x + shadow.x, y + shadow.y) }

    /// Brightness of the cloud's top, 0.7 to 1.05.
    func top(_ x: Float, _ y: Float) -> Float {
        0.92 + 0.10 * noise.fractal(x / 320 + 9, y / 320, octaves: 4, gain: 0.55)
    }
}
