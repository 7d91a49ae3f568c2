import Glibc
import PerigeeCore

/// All that does not depend on wavelength, `[rows][columns]`.
struct Footprint {
    private(set) var landCover: [LandCover]
    private(set) var parcels: [UInt64]
    /// Opacity of clouds, lack of direct light by their shadows, brightness of their tops.
    private(set) var clouds: [Float]
    private(set) var shades: [Float]
    private(set) var tops: [Float]
    /// Direct light on the slope over that on level ground.
    private(set) var slopes: [Float]
    /// Haze over its mean.
    private(set) var hazes: [Float]
    private(set) var isCovered: [Bool]
    /// Shares of materials, one plane each, brightness multiplied in; empty where a material is absent.
    private var shares: [[Float]]

    init(request: SceneRequest, site: PlaceSite, moment: Moment, light: Light, pixel: Float) {
        let count = request.rows * request.columns
        landCover = Array(repeating: .field, count: count)
        parcels = Array(repeating: 0, count: count)
        clouds = Array(repeating: 0, count: count)
        shades = clouds
        tops = clouds
        slopes = Array(repeating: 1, count: count)
        hazes = slopes
        isCovered = Array(repeating: true, count: count)
        shares = Array(repeating: [], count: Material.allCases.count)
        let world = World(seed: site.worldSeed, latitude: Float(site.latitude))
        let surface = Surface(world: world, moment: moment, events: request.events, pixel: pixel)
        let haze = GradientNoise(seed: site.worldSeed, stream: UInt64(bitPattern: Int64(moment.daysSince1970)) &+ 91)
        // Two acquisitions never lie on each other to better than a fraction of a pixel.
        let draws = Draws(seed: site.worldSeed, 92, UInt64(bitPattern: request.datetime.milliseconds))
        let shift = (x: draws.normal(0) * 0.12 * pixel, y: draws.normal(1) * 0.12 * pixel)
        let edge = Self.swathEdge(request)
        for row in 0..<request.rows {
            for column in 0..<request.columns {
                let index = row * request.columns + column
                let x = (Float(column) + 0.5) * pixel + shift.x
                let y = (Float(row) + 0.5) * pixel + shift.y
                let ground = world.ground(x, y, pixel: pixel)
                landCover[index] = ground.cover
                parcels[index] = ground.parcel
                record(surface.mixture(x, y, on: ground), at: index, count: count)
                slopes[index] = Self.slope(world, x, y, step: max(pixel, 15), sun: light.sun)
                hazes[index] = 1 + 0.4 * haze(x / 2_700, y / 2_700)
                isCovered[index] = Float(column) * 0.97 + Float(row) * 0.23 < edge
            }
        }
        guard !light.clouds.isClear else { return }
        for row in 0..<request.rows {
            for column in 0..<request.columns {
                let index = row * request.columns + column
                let x = (Float(column) + 0.5) * pixel
                let y = (Float(row) + 0.5) * pixel
                clouds[index] = light.clouds.opacity(x, y)
                shades[index] = light.clouds.shade(x, y)
                if clouds[index] > 0 { tops[index] = light.clouds.top(x, y) }
            }
        }
    }

    private mutating func record(_ mixture: Mixture, at index: Int, count: Int) {
        for material in shares.indices {
            let share = mixture.share(material)
            guard share > 0 else { continue }
            if shares[material].isEmpty { shares[material] = Array(repeating: 0, count: count) }
            shares[material][index] = share * mixture.brightness
        }
    }

    /// Reflectance of the ground on level land in full light.
    func surface(at wavelength: Float) -> [Float] {
        var plane = [Float](repeating: 0, count: landCover.count)
        for material in Material.allCases where !shares[material.rawValue].isEmpty {
            let reflectance = material.reflectance(at: wavelength)
            let share = shares[material.rawValue]
            for index in plane.indices { plane[index] += share[index] * reflectance }
        }
        return plane
    }

    private static func slope(_ world: World, _ x: Float, _ y: Float, step: Float, sun: Sun) -> Float {
        let here = world.elevation(x, y)
        let east = (world.elevation(x + step, y) - here) / step
        let south = (world.elevation(x, y + step) - here) / step
        let length = (east * east + south * south + 1).squareRoot()
        let horizontal = cosf(sun.elevation)
        // The normal of the slope is (-east, south, 1) in east, north, up.
        let cosine =
            (-east * horizontal * sinf(sun.azimuth) + south * horizontal * cosf(sun.azimuth) + sinf(sun.elevation))
            / length
        return min(max(cosine / sinf(sun.elevation), 0), 2)
    }

    /// The line that the coverage asked for lies before, by the same formula as each sample's place.
    private static func swathEdge(_ request: SceneRequest) -> Float {
        guard request.coverage < 1 else { return .infinity }
        var values: [Float] = []
        for row in stride(from: 0, to: request.rows, by: max(1, request.rows / 64)) {
            for column in stride(from: 0, to: request.columns, by: max(1, request.columns / 64)) {
                values.append(Float(column) * 0.97 + Float(row) * 0.23)
            }
        }
        values.sort()
        let index = Int(request.coverage * Double(values.count))
        return index == 0 ? -.infinity : values[min(index, values.count - 1)]
    }
}
