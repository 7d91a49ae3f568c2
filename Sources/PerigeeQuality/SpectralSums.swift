import Glibc
import PerigeeCore

/// Sums over bands, per pixel, for the spectral angle and NDVI. Two passes: norms, then differences of the unit vectors,
/// which keeps small angles exact (angle = 2 atan2(|u - v|, |u + v|)).
struct SpectralSums {
    private let scale: Double
    private let offset: Double
    private let red: Int?
    private let nearInfrared: Int?
    private var isValid: [Bool]
    private var normX: [Double] = []
    private var normY: [Double] = []
    private var difference: [Double] = []
    private var sum: [Double] = []
    private var redPair: BandPair?
    private var nearInfraredPair: BandPair?
    /// Whether there are two bands or more to take an angle of.
    let hasAngle: Bool

    init(pixels: Int, conditions: Quality.Conditions) {
        scale = conditions.scale
        offset = conditions.offset
        red = BandChoice.red(in: conditions.bands)
        nearInfrared = BandChoice.nearInfrared(in: conditions.bands)
        hasAngle = conditions.bands.filter { !$0.isCategorical }.count > 1
        isValid = [Bool](repeating: true, count: pixels)
        guard hasAngle else { return }
        normX = [Double](repeating: 0, count: pixels)
        normY = normX
        difference = normX
        sum = normX
    }

    /// First pass over the bands.
    mutating func addNorms(_ pair: BandPair, band: Int) {
        if band == red { redPair = pair }
        if band == nearInfrared { nearInfraredPair = pair }
        guard hasAngle else { return }
        for index in isValid.indices {
            isValid[index] = isValid[index] && pair.isValid[index]
            let (x, y) = physical(pair, index)
            normX[index] += x * x
            normY[index] += y * y
        }
    }

    /// Second pass over the same bands.
    mutating func addDifferences(_ pair: BandPair) {
        for index in isValid.indices where isValid[index] && normX[index] > 0 && normY[index] > 0 {
            let (x, y) = physical(pair, index)
            let (u, v) = (x / normX[index].squareRoot(), y / normY[index].squareRoot())
            difference[index] += (u - v) * (u - v)
            sum[index] += (u + v) * (u + v)
        }
    }

    /// Degrees; a pixel that is 0 in the original has no angle, one that is 0 only in the other frame counts 90.
    var angle: Double? {
        guard hasAngle else { return nil }
        var (total, count) = (0.0, 0)
        for index in isValid.indices where isValid[index] && normX[index] > 0 {
            total +=
                normY[index] > 0
                ? 2 * atan2(difference[index].squareRoot(), sum[index].squareRoot()) * 180 / .pi : 90
            count += 1
        }
        return count > 0 ? total / Double(count) : nil
    }

    var ndviError: Double? {
        guard let redPair, let nearInfraredPair else { return nil }
        var (total, count) = (0.0, 0)
        for index in isValid.indices where redPair.isValid[index] && nearInfraredPair.isValid[index] {
            let (redX, redY) = physical(redPair, index)
            let (infraredX, infraredY) = physical(nearInfraredPair, index)
            total += abs(ndvi(redX, infraredX) - ndvi(redY, infraredY))
            count += 1
        }
        return count > 0 ? total / Double(count) : nil
    }

    /// Clipped to -1...1; 0 where both bands are 0 or cancel out.
    private func ndvi(_ red: Double, _ nearInfrared: Double) -> Double {
        let sum = nearInfrared + red
        return sum == 0 ? 0 : min(max((nearInfrared - red) / sum, -1), 1)
    }

    private func physical(_ pair: BandPair, _ index: Int) -> (Double, Double) {
        (pair.original[index] * scale + offset, pair.other[index] * scale + offset)
    }
}
