import Glibc

/// Shares of materials in one sample, and how bright it lies in the light.
struct Mixture: Sendable {
    private var shares = InlineArray<13, Float>(repeating: 0)
    /// Factor on the reflectance: canopy shadows, roughness.
    var brightness: Float = 1

    subscript(material: Material) -> Float {
        get { shares[material.rawValue] }
        set { shares[material.rawValue] = newValue }
    }

    /// Takes `share` of the sample for another material.
    mutating func cover(_ share: Float, with material: Material) {
        for index in 0..<13 { shares[index] *= 1 - share }
        self[material] += share
    }

    func share(_ index: Int) -> Float { shares[index] }
}

/// What the ground is made of on one day.
struct Surface: Sendable {
    private let world: World
    private let moment: Moment
    private let events: [SceneEvent]
    private let pixel: Float
    private let texture: GradientNoise
    private let fine: GradientNoise
    private let soil: GradientNoise
    /// 0 dry to 1 after rain.
    private let wetness: Float
    /// Share of open ground under snow.
    let snow: Float

    init(world: World, moment: Moment, events: [SceneEvent], pixel: Float) {
        self.world = world
        self.moment = moment
        self.events = events
        self.pixel = pixel
        texture = GradientNoise(seed: world.seed, stream: 41)
        fine = GradientNoise(seed: world.seed, stream: 42)
        soil = GradientNoise(seed: world.seed, stream: 43)
        wetness = Self.varying(world.seed, salt: 44, moment, days: 6) * (0.6 + 0.4 * cosf(2 * .pi * moment.day / 365))
        let cold = cosf(2 * .pi * (moment.day - 20) / 365) + (world.latitude - 50) / 12
        let weather = Self.varying(world.seed, salt: 45, moment, days: 10)
        snow = cold > 0.75 ? smoothStep(0.72, 0.9, weather) : 0
    }

    /// A number in 0..<1 that moves from one draw to the next over so many days.
    private static func varying(_ seed: UInt64, salt: UInt64, _ moment: Moment, days: Double) -> Float {
        let position = moment.daysSince1970 / days
        let index = position.rounded(.down)
        let draws = Draws(seed: seed, salt)
        let first = draws.unit(UInt64(bitPattern: Int64(index)))
        let second = draws.unit(UInt64(bitPattern: Int64(index) + 1))
        return first + (second - first) * Float(position - index)
    }

    /// The mixture at a point that lies on `ground`.
    func mixture(_ x: Float, _ y: Float, on ground: World.Ground) -> Mixture {
        let draws = Draws(seed: world.seed, 46, ground.parcel)
        // Texture differs from parcel to parcel, and is the same on every date.
        let shift = Float(ground.parcel & 0xFFF) * 0.37
        let rough = texture.fractal(x / 140 + shift, y / 140, octaves: 4, gain: 0.55)
        let grain = fine.fractal(x / 26, y / 26, octaves: 2, gain: 0.8)
        var mixture = Mixture()
        switch ground.cover {
        case .field: field(&mixture, draws, ground, at: (x, y), rough: rough, grain: grain)
        case .grassland:
            let green = Phenology.grass(draws, moment: moment) * (1 + 0.08 * rough + 0.04 * grain)
            mixture[.grass] = min(max(green, 0), 1)
            mixture[.straw] = (1 - mixture[.grass]) * 0.55
            mixture[.darkSoil] = (1 - mixture[.grass]) * 0.45
        case .broadleafForest, .coniferForest: forest(&mixture, draws, ground, rough: rough, grain: grain)
        case .water:
            let turbid = min(max(0.15 + 0.5 * wetness + 0.08 * rough, 0), 1)
            mixture[.turbidWater] = turbid
            mixture[.clearWater] = 1 - turbid
        case .town: town(&mixture, draws, ground, grain: grain)
        case .road:
            mixture[.grass] = (1 - ground.edge) * 0.7
            mixture[.darkSoil] = (1 - ground.edge) * 0.3
            mixture[.asphalt] = ground.edge
        }
        if ground.edge > 0, ground.cover == .field || ground.cover == .grassland {
            mixture.cover(ground.edge * 0.8, with: .broadleaf)
        }
        happen(&mixture, ground, at: (x, y), rough: rough)
        fallSnow(&mixture, ground, rough: rough)
        return mixture
    }

    private func field(
        _ mixture: inout Mixture, _ draws: Draws, _ ground: World.Ground, at point: (x: Float, y: Float), rough: Float,
        grain: Float
    ) {
        let vigour = draws.value(3, in: 0.82...1.02) * (1 + 0.07 * rough + 0.03 * grain)
        let cover = Phenology.field(draws, moment: moment, shift: draws.normal(4) * 6 + 3 * rough, vigour: vigour)
        var rows: Float = 0
        if pixel < 15 {
            let across = point.y * cosf(ground.angle) - point.x * sinf(ground.angle)
            rows = 0.025 * sinf(across * 2 * .pi / 27)
        }
        mixture[.crop] = min(max(cover.green * (1 + rows), 0), 1)
        mixture[.straw] = min(max(cover.dry, 0), 1 - mixture[.crop])
        bare(&mixture, share: 1 - mixture[.crop] - mixture[.straw], draws, at: point, rough: rough)
        mixture.brightness = 1 + 0.025 * grain + rows * 0.5
    }

    private func bare(
        _ mixture: inout Mixture, share: Float, _ draws: Draws, at point: (x: Float, y: Float), rough: Float
    ) {
        let base = 0.45 + 0.35 * soil(point.x / 1_100, point.y / 1_100) + 0.12 * draws.normal(7) + 0.10 * rough
        let bright = min(max(base * (1 - 0.6 * wetness), 0.02), 0.98)
        mixture[.brightSoil] += share * bright
        mixture[.darkSoil] += share * (1 - bright)
    }

    private func forest(
        _ mixture: inout Mixture, _ draws: Draws, _ ground: World.Ground, rough: Float, grain: Float
    ) {
        let canopy = min(max(draws.value(3, in: 0.78...0.97) + 0.05 * rough, 0), 1)
        if ground.cover == .coniferForest {
            mixture[.conifer] = canopy
            mixture[.grass] = (1 - canopy) * 0.5
            mixture[.darkSoil] = (1 - canopy) * 0.5
        } else {
            let leaves = Phenology.leaves(moment: moment, latitude: world.latitude, shift: draws.normal(4) * 5)
            mixture[.broadleaf] = canopy * leaves
            let rest = 1 - canopy * leaves
            mixture[.straw] = rest * 0.3
            mixture[.darkSoil] = rest * 0.55
            mixture[.grass] = rest * 0.15
        }
        // Crowns and the shadows between them.
        mixture.brightness = draws.value(8, in: 0.88...1.1) * (1 + 0.10 * grain + 0.05 * rough)
    }

    private func town(_ mixture: inout Mixture, _ draws: Draws, _ ground: World.Ground, grain: Float) {
        if ground.edge > 0 {
            mixture[.asphalt] = 0.78
            mixture[.grass] = 0.12
            mixture[.broadleaf] = 0.10
            return
        }
        let roof = draws.value(1, in: 0.25...0.75)
        let bright = draws.unit(2) < 0.35
        mixture[bright ? .roof : .asphalt] = roof
        mixture[.grass] =
            (1 - roof) * draws.value(3, in: 0.2...0.6) * (0.6 + 0.4 * Phenology.grass(draws, moment: moment))
        let leaves = 0.3 + 0.7 * Phenology.leaves(moment: moment, latitude: world.latitude, shift: 0)
        mixture[.broadleaf] = (1 - roof) * 0.3 * leaves
        mixture[.asphalt] += max(0, 1 - roof - mixture[.grass] - mixture[.broadleaf])
        mixture.brightness = draws.value(4, in: 0.75...1.35) * (1 + 0.10 * grain)
    }

    private func happen(_ mixture: inout Mixture, _ ground: World.Ground, at point: (x: Float, y: Float), rough: Float)
    {
        for event in events {
            let days = Float(moment.daysSince1970 - Double(event.start) / 86_400_000)
            guard days >= 0 else { continue }
            let dx = point.x - Float(event.x)
            let dy = point.y - Float(event.y)
            let distance = (dx * dx + dy * dy).squareRoot() / Float(event.radius)
            switch event.kind {
            case .fire:
                guard ground.cover != .water, ground.cover != .town, ground.cover != .road else { continue }
                let reach = min(1, 0.6 + days / 7)
                let burned = 1 - smoothStep(0.86, 1, distance / reach * (1 + 0.28 * patch(point) + 0.10 * rough))
                let severity = burned * min(max(0.86 + 0.08 * rough, 0), 0.97) * expf(-days / 320)
                mixture.cover(severity, with: .char)
            case .flood:
                guard ground.cover != .water else { continue }
                let level = expf(-max(0, days - 2) / 8)
                let depth = level * (1.25 - distance) - 0.3 * (ground.lowland + 0.35) - 0.03 * rough
                let isWooded = ground.cover == .broadleafForest || ground.cover == .coniferForest
                let share = smoothStep(0, 0.07, depth) * (isWooded ? 0.4 : ground.cover == .town ? 0.55 : 0.96)
                mixture.cover(share, with: .turbidWater)
            }
        }
    }

    /// Wind and fuel: a fire's edge is no circle.
    private func patch(_ point: (x: Float, y: Float)) -> Float {
        soil.fractal(point.x / 420 + 31, point.y / 420, octaves: 3, gain: 0.6)
    }

    private func fallSnow(_ mixture: inout Mixture, _ ground: World.Ground, rough: Float) {
        guard snow > 0, ground.cover != .water else { return }
        let hold: Float =
            switch ground.cover {
            case .field, .grassland: 0.97
            case .broadleafForest: 0.55
            case .coniferForest: 0.30
            case .town: 0.5
            case .road, .water: 0.15
            }
        let share = hold * smoothStep(-0.25, 0.25, 2 * snow - 1 + 0.35 * rough)
        mixture.cover(share, with: .snow)
    }
}
