import Glibc
import PerigeeCore

/// A moment as seasons see it.
struct Moment: Sendable {
    let year: Int
    /// Days since the first of January, with fraction.
    let day: Float
    /// Days since 1970, with fraction.
    let daysSince1970: Double

    init(_ time: Timestamp) {
        daysSince1970 = Double(time.milliseconds) / 86_400_000
        let text = time.rfc3339.prefix { $0 != "-" }
        year = Int(text) ?? 1970
        let start = Timestamp(rfc3339: "\(text)-01-01T00:00:00Z") ?? Timestamp(milliseconds: 0)
        day = Float(Double(time.milliseconds - start.milliseconds) / 86_400_000)
    }
}

/// Where the sun stands.
struct Sun: Sendable {
    /// Radians above the horizon, at least 5 degrees: nobody takes pictures at night.
    let elevation: Float
    /// Radians, clockwise from north.
    let azimuth: Float

    /// Sun at a latitude in degrees at a local solar time in hours (Cooper's declination, 1969).
    init(moment: Moment, latitude: Float, solarHours: Float) {
        let declination = 0.409_28 * sinf(2 * .pi * (284 + moment.day + 1) / 365)
        let latitude = latitude * .pi / 180
        let hour = (solarHours - 12) * .pi / 12
        let sine = sinf(latitude) * sinf(declination) + cosf(latitude) * cosf(declination) * cosf(hour)
        elevation = max(asinf(sine), 0.087)
        azimuth = atan2f(sinf(hour), cosf(hour) * sinf(latitude) - tanf(declination) * cosf(latitude)) + .pi
    }
}
