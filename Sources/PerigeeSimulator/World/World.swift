import Glibc

/// The lasting shape of one place: a pure function of metres east and south of its north-west corner, without borders.
struct World: Sendable {
    /// What is found at a point.
    struct Ground: Sendable {
        var cover: LandCover
        /// Tells neighbouring parcels apart; 0 where there is none.
        var parcel: UInt64
        /// Share of asphalt in a road's pixel, of hedge at a field's edge.
        var edge: Float = 0
        /// Direction of the rows of a field, radians.
        var angle: Float = 0
        /// About -1 (valley) to 1.
        var lowland: Float = 0
    }

    let seed: UInt64
    /// Degrees north.
    let latitude: Float
    private let forest: GradientNoise
    private let stand: GradientNoise
    private let river: GradientNoise
    private let lake: GradientNoise
    private let road: GradientNoise
    private let warpX: GradientNoise
    private let warpY: GradientNoise
    private let relief: GradientNoise
    private let forestLimit: Float
    private let lakeLimit: Float
    private let ruggedness: Float
    private let town: (x: Float, y: Float, radius: Float, angle: Float)

    init(seed: UInt64, latitude: Float) {
        self.seed = seed
        self.latitude = latitude
        forest = GradientNoise(seed: seed, stream: 1)
        stand = GradientNoise(seed: seed, stream: 2)
        river = GradientNoise(seed: seed, stream: 3)
        lake = GradientNoise(seed: seed, stream: 4)
        road = GradientNoise(seed: seed, stream: 5)
        warpX = GradientNoise(seed: seed, stream: 6)
        warpY = GradientNoise(seed: seed, stream: 7)
        relief = GradientNoise(seed: seed, stream: 8)
        let draws = Draws(seed: seed, 9)
        forestLimit = draws.value(0, in: 0.05...0.55)
        lakeLimit = draws.value(1, in: 0.75...1.15)
        ruggedness = draws.value(2, in: 12...110)
        town = (
            draws.value(3, in: 400...2_200), draws.value(4, in: 400...2_200), draws.value(5, in: 260...560),
            draws.value(6, in: 0...1.57)
        )
    }

    /// Metres above the mean.
    func elevation(_ x: Float, _ y: Float) -> Float {
        ruggedness * relief.fractal(x / 1_900, y / 1_900, octaves: 5, gain: 0.42)
    }

    /// What lies at a point; `pixel` is the side of a sample in metres.
    func ground(_ x: Float, _ y: Float, pixel: Float) -> Ground {
        let wx = x + 7 * warpX(x / 70, y / 70) + 60 * warpX(x / 900 + 50, y / 900)
        let wy = y + 7 * warpY(x / 70, y / 70) + 60 * warpY(x / 900 + 50, y / 900)
        let lowland = relief(x / 1_900, y / 1_900)
        if let water = water(wx, wy) {
            return Ground(cover: .water, parcel: water, lowland: lowland)
        }
        let roadDistance = levelDistance(road, wx, wy, scale: 1_700)
        let asphalt = min(max((6 + pixel / 2 - roadDistance) / pixel, 0), 1) * min(1, 12 / pixel)
        if asphalt > 0.15 { return Ground(cover: .road, parcel: 0, edge: asphalt, lowland: lowland) }
        if let town = townGround(wx, wy, lowland: lowland) { return town }
        if forest.fractal(wx / 1_400, wy / 1_400, octaves: 3, gain: 0.5) > forestLimit {
            let isConifer = stand(wx / 600, wy / 600) > 0.05
            let parcel = cell(wx, wy, side: 210, salt: 11).id
            return Ground(cover: isConifer ? .coniferForest : .broadleafForest, parcel: parcel, lowland: lowland)
        }
        return farmland(wx, wy, pixel: pixel, lowland: lowland)
    }

    /// A parcel's number where a river or lake is.
    private func water(_ x: Float, _ y: Float) -> UInt64? {
        let width = 14 + 16 * (1 + lake(x / 2_500, y / 2_500))
        if levelDistance(river, x, y, scale: 2_600) < width { return 1 }
        return lake.fractal(x / 800, y / 800, octaves: 3, gain: 0.45) > lakeLimit ? 2 : nil
    }

    /// Metres to the line where a field of noise is 0, nearly.
    private func levelDistance(_ noise: GradientNoise, _ x: Float, _ y: Float, scale: Float) -> Float {
        let value = noise(x / scale, y / scale)
        guard abs(value) < 0.12 else { return 1e6 }
        let step = 20 / scale
        let dx = noise(x / scale + step, y / scale) - value
        let dy = noise(x / scale, y / scale + step) - value
        return abs(value) / max((dx * dx + dy * dy).squareRoot() / 20, 1e-5)
    }

    private func townGround(_ x: Float, _ y: Float, lowland: Float) -> Ground? {
        let dx = x - town.x
        let dy = y - town.y
        let reach = town.radius * (1 + 0.35 * forest(x / 260, y / 260))
        guard dx * dx + dy * dy < reach * reach else { return nil }
        let u = dx * cosf(town.angle) + dy * sinf(town.angle)
        let v = dy * cosf(town.angle) - dx * sinf(town.angle)
        let block = Draws(
            seed: seed, 21, UInt64(bitPattern: Int64((u / 48).rounded(.down))),
            UInt64(bitPattern: Int64((v / 36).rounded(.down))))
        let street = u / 48 - (u / 48).rounded(.down) < 0.2 || v / 36 - (v / 36).rounded(.down) < 0.22
        return Ground(
            cover: .town, parcel: block.bits(0) | 1, edge: street ? 1 : 0, angle: town.angle, lowland: lowland)
    }

    /// Fields as bricks: rows of jittered height in the direction of the district, cut at jittered places.
    private func farmland(_ x: Float, _ y: Float, pixel: Float, lowland: Float) -> Ground {
        let district = cell(x, y, side: 1_500, salt: 31)
        let draws = Draws(seed: seed, 32, district.id)
        let angle = draws.value(0, in: 0...3.14)
        let height = draws.value(1, in: 90...220)
        let width = height * draws.value(2, in: 1.2...2.6)
        let u = (x * cosf(angle) + y * sinf(angle)) / width
        let v = (y * cosf(angle) - x * sinf(angle)) / height
        let row = brick(v, draws, salt: 0)
        let rowKey = UInt64(bitPattern: Int64(row.index)) &* 977
        let column = brick(u + 0.5 * draws.unit(rowKey &+ 7), draws, salt: rowKey &+ 3)
        let key = Draws(seed: seed, 33, district.id, rowKey, UInt64(bitPattern: Int64(column.index)))
        let distance = min(row.distance * height, column.distance * width)
        let isGrass = key.unit(1) < 0.22
        let hedge = key.unit(2) < 0.3 ? min(max((7 + pixel / 2 - distance) / pixel, 0), 1) * min(1, 10 / pixel) : 0
        return Ground(
            cover: isGrass ? .grassland : .field, parcel: key.bits(0) | 1, edge: hedge, angle: angle, lowland: lowland)
    }

    /// Which of a line of jittered intervals a coordinate is in, and how far its nearer end is.
    private func brick(_ value: Float, _ draws: Draws, salt: UInt64) -> (index: Int, distance: Float) {
        func border(_ index: Int) -> Float {
            Float(index) + 0.45 * draws.unit(salt &+ UInt64(bitPattern: Int64(index)) &* 131 &+ 17)
        }
        var index = Int(value.rounded(.down))
        if value < border(index) { index -= 1 }
        return (index, min(value - border(index), border(index + 1) - value))
    }

    /// The nearest point of a jittered lattice (a Voronoi cell).
    private func cell(_ x: Float, _ y: Float, side: Float, salt: UInt64) -> (id: UInt64, distance: Float) {
        let column = Int((x / side).rounded(.down))
        let row = Int((y / side).rounded(.down))
        var best = (id: UInt64(0), distance: Float.infinity)
        for j in row - 1...row + 1 {
            for i in column - 1...column + 1 {
                let draws = Draws(seed: seed, salt, UInt64(bitPattern: Int64(i)), UInt64(bitPattern: Int64(j)))
                let dx = (Float(i) + 0.1 + 0.8 * draws.unit(1)) * side - x
                let dy = (Float(j) + 0.1 + 0.8 * draws.unit(2)) * side - y
                let distance = dx * dx + dy * dy
                if distance < best.distance { best = (draws.bits(0) | 1, distance) }
            }
        }
        return best
    }
}
