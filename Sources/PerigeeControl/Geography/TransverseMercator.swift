import Glibc

/// Universal transverse Mercator to longitude and latitude and back, by Krüger's series to the sixth order in the third
/// flattening: C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy 85 (2011), equations
/// 7 to 36. Good to a micrometre within 3,900 km of the central meridian.
package struct TransverseMercator: Sendable {
    /// Degrees.
    let centralMeridian: Double
    /// Metres at the equator.
    let falseNorthing: Double

    private static let semiMajorAxis = 6_378_137.0
    /// WGS 84; GRS 80 differs by less than a tenth of a millimetre.
    private static let flattening = 1 / 298.257_223_563
    private static let scale = 0.9996
    private static let falseEasting = 500_000.0

    private static let thirdFlattening = flattening / (2 - flattening)
    private static let eccentricity = (flattening * (2 - flattening)).squareRoot()
    /// Metres a radian of the rectifying latitude, times the scale.
    private static let radius: Double = {
        let n2 = thirdFlattening * thirdFlattening
        return scale * semiMajorAxis / (1 + thirdFlattening) * (1 + n2 / 4 + n2 * n2 / 64 + n2 * n2 * n2 / 256)
    }()
    private static let alpha = series([
        [1.0 / 2, -2.0 / 3, 5.0 / 16, 41.0 / 180, -127.0 / 288, 7_891.0 / 37_800],
        [13.0 / 48, -3.0 / 5, 557.0 / 1_440, 281.0 / 630, -1_983_433.0 / 1_935_360],
        [61.0 / 240, -103.0 / 140, 15_061.0 / 26_880, 167_603.0 / 181_440],
        [49_561.0 / 161_280, -179.0 / 168, 6_601_661.0 / 7_257_600],
        [34_729.0 / 80_640, -3_418_889.0 / 1_995_840],
        [212_378_941.0 / 319_334_400],
    ])
    private static let beta = series([
        [1.0 / 2, -2.0 / 3, 37.0 / 96, -1.0 / 360, -81.0 / 512, 96_199.0 / 604_800],
        [1.0 / 48, 1.0 / 15, -437.0 / 1_440, 46.0 / 105, -1_118_711.0 / 3_870_720],
        [17.0 / 480, -37.0 / 840, -209.0 / 4_480, 5_569.0 / 90_720],
        [4_397.0 / 161_280, -11.0 / 504, -830_251.0 / 7_257_600],
        [4_583.0 / 161_280, -108_847.0 / 3_991_680],
        [20_648_693.0 / 638_668_800],
    ])

    /// Coefficient j is a polynomial in the third flattening that begins with its power j.
    private static func series(_ rows: [[Double]]) -> [Double] {
        rows.enumerated().map { order, row in
            var power = pow(thirdFlattening, Double(order + 1))
            var sum = 0.0
            for factor in row {
                sum += factor * power
                power *= thirdFlattening
            }
            return sum
        }
    }

    /// A zone from 1 to 60.
    package init(zone: Int, isSouth: Bool) {
        centralMeridian = Double(6 * zone - 183)
        falseNorthing = isSouth ? 10_000_000 : 0
    }

    /// Degrees of a point in metres; not finite where the point lies on no map of the zone.
    package func position(easting: Double, northing: Double) -> Position {
        let xi = (northing - falseNorthing) / Self.radius
        let eta = (easting - Self.falseEasting) / Self.radius
        var (xiPrime, etaPrime) = (xi, eta)
        for (index, factor) in Self.beta.enumerated() {
            let order = 2 * Double(index + 1)
            xiPrime -= factor * sin(order * xi) * cosh(order * eta)
            etaPrime -= factor * cos(order * xi) * sinh(order * eta)
        }
        let sine = sinh(etaPrime)
        let cosine = cos(xiPrime)
        let conformal = sin(xiPrime) / (sine * sine + cosine * cosine).squareRoot()
        let longitude = centralMeridian + atan2(sine, cosine) * 180 / .pi
        return Position(longitude: longitude, latitude: atan(Self.tangent(conformal: conformal)) * 180 / .pi)
    }

    /// Metres of a point in degrees.
    package func point(_ position: Position) -> (easting: Double, northing: Double) {
        let difference = (position.longitude - centralMeridian) * .pi / 180
        let conformal = Self.conformal(tangent: tan(position.latitude * .pi / 180))
        let cosine = cos(difference)
        let xiPrime = atan2(conformal, cosine)
        let etaPrime = asinh(sin(difference) / (conformal * conformal + cosine * cosine).squareRoot())
        var (xi, eta) = (xiPrime, etaPrime)
        for (index, factor) in Self.alpha.enumerated() {
            let order = 2 * Double(index + 1)
            xi += factor * sin(order * xiPrime) * cosh(order * etaPrime)
            eta += factor * cos(order * xiPrime) * sinh(order * etaPrime)
        }
        return (Self.falseEasting + Self.radius * eta, falseNorthing + Self.radius * xi)
    }

    /// Tangent of the conformal latitude to a tangent of the latitude (Karney, equations 7 to 9).
    private static func conformal(tangent: Double) -> Double {
        let sigma = sinh(eccentricity * atanh(eccentricity * tangent / (1 + tangent * tangent).squareRoot()))
        return tangent * (1 + sigma * sigma).squareRoot() - sigma * (1 + tangent * tangent).squareRoot()
    }

    /// The inverse by Newton's method (Karney, equations 19 to 21): three steps reach the last bit.
    private static func tangent(conformal: Double) -> Double {
        let e2 = eccentricity * eccentricity
        var tangent = conformal
        for _ in 0..<5 {
            let found = Self.conformal(tangent: tangent)
            let slope = (1 + (1 - e2) * tangent * tangent) / ((1 - e2) * (1 + tangent * tangent).squareRoot())
            tangent += (conformal - found) / (1 + found * found).squareRoot() * slope
        }
        return tangent
    }
}
