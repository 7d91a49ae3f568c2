import CBLAS

/// Finds the rotations that bring trained bases nearer to a frame's own, as far as these pay for their bits. Encoder only:
/// nothing here changes what tokens mean. Every rotation takes away the correlation of one pair of components; it goes to the
/// first layer in whose budget it pays, so that a short prefix does not carry what only fine layers need.
struct RotationSearch {
    /// Cumulative budgets that rotations can go to, by layer; nil where the next one is hardly larger.
    private let layers: [Layer]
    private let count: Int
    private let found: [[[Rotation]]]

    private struct Layer {
        let index: Int
        /// Squared threshold at which the layer ends, times `Setting.knee`.
        let distortion: Double
        /// Bits that all rotations of the layer may take.
        let room: Double
    }

    /// Chosen by coding left-out training places and the validation place (Docs/experiments.md).
    private enum Setting {
        /// Octets that one significant coefficient takes, all decisions counted.
        static let octetsPerCoefficient = 0.6
        /// Variance from which on a component takes bits, in squared thresholds.
        static let knee = 0.1
        /// Squared thresholds below which a position counts by its energy; above, all count alike, so that a few bright
        /// edges do not decide for all.
        static let evenness: Float = 100
        static let shareOfBudget = 0.25
        static let rotationLimit = 96
    }

    /// `samples`: those of each tile, in bands; `bases`: the basis that each tile starts from; `efficiency`: bits that are
    /// saved for each nat of the Gaussian estimate.
    init(
        _ samples: consuming [SpectralSamples], _ bases: [SpectralBasis], transform: SpectralTransform, budgets: [Int],
        efficiency: Double
    ) {
        count = bases.first?.count ?? 0
        for tile in samples.indices { samples[tile].transform(bases[tile], transform) }
        let budgets = budgets.map { Double($0) }
        var eligible: [Int] = []
        for index in budgets.indices.reversed()
        where budgets[index] >= 16 && budgets[index] * 1.5 <= (eligible.last.map { budgets[$0] } ?? .infinity) {
            eligible.append(index)
        }
        eligible.reverse()
        let squares = Self.squaredThresholds(samples, budgets: eligible.map { budgets[$0] })
        layers = zip(eligible, squares).enumerated().map { place, layer in
            let before = place == 0 ? 0 : budgets[eligible[place - 1]]
            return Layer(
                index: layer.0, distortion: Setting.knee * layer.1,
                room: 8 * Setting.shareOfBudget * (budgets[layer.0] - before))
        }
        guard let last = squares.last, count > 1 else {
            found = samples.map { _ in [] }
            return
        }
        let area = samples.map { $0.levels.reduce(0) { $0 + Double($1.coefficients) } }
        let whole = max(area.reduce(0, +), 1)
        let (layers, count, layerCount) = (layers, count, budgets.count)
        found = samples.enumerated().map { tile, samples in
            var rooms = layers.map { $0.room * area[tile] / whole }
            var result = [[Rotation]](repeating: [], count: layerCount)
            for level in samples.levels.reversed() {
                let moments = Self.evenMoments(level, bands: count, floor: Setting.evenness * Float(last))
                var search = PairSearch(
                    moments: moments, count: count, weight: Double(level.coefficients) * efficiency,
                    distortions: layers.map(\.distortion))
                search.run(level: level.level, rooms: &rooms, limit: Setting.rotationLimit) { place, rotation in
                    result[layers[place].index].append(rotation)
                }
            }
            return result
        }
    }

    /// Rotations of a tile by layer.
    func layers(ofTile tile: Int) -> [[Rotation]] { found[tile] }

    /// The squares of the magnitudes that as many coefficients exceed as each budget pays for.
    private static func squaredThresholds(_ samples: [SpectralSamples], budgets: [Double]) -> [Double] {
        // eight bins an octave: exponent and three bits of the significand
        var bins = [Double](repeating: 0, count: 1 << 11)
        for tile in samples {
            for level in tile.levels {
                let weight = Double(level.coefficients) / Double(max(level.count, 1))
                for value in level.values { bins[Int(value.magnitude.bitPattern >> 20)] += weight }
            }
        }
        var sum = 0.0
        var squares = [Double](repeating: 1, count: budgets.count)
        var next = 0
        for bin in bins.indices.reversed() {
            sum += bins[bin]
            while next < budgets.count, sum >= budgets[next] / Setting.octetsPerCoefficient {
                let edge = Double(Float(bitPattern: UInt32(bin) << 20))
                squares[next] = edge.isFinite ? max(edge * edge, 1) : 1
                next += 1
            }
        }
        return squares
    }

    /// Mean products of components, each position divided by its own energy and `floor`.
    private static func evenMoments(_ level: SpectralSamples.Level, bands: Int, floor: Float) -> [Double] {
        let count = level.count
        var energy = [Float](repeating: floor, count: count)
        for band in 0..<bands {
            for index in 0..<count {
                let value = level.values[band * count + index]
                energy[index] += value * value
            }
        }
        var weights = 0.0
        for index in 0..<count {
            weights += 1 / Double(energy[index])
            energy[index] = 1 / energy[index].squareRoot()
        }
        var values = level.values
        for band in 0..<bands {
            for index in 0..<count { values[band * count + index] *= energy[index] }
        }
        return SpectralSamples.moments(values, bands: bands, count: count).map { $0 / max(weights, 1e-300) }
    }
}

/// Pair after pair of one level, the one that saves most first.
private struct PairSearch {
    private let count: Int
    private let weight: Double
    private let distortions: [Double]
    private var moments: [Double]
    /// Cost of each component by layer.
    private var costs: [[Double]]
    /// What each pair's best rotation saves, by layer.
    private var savings: [[Double]]
    private var tangents: [Int]

    init(moments: [Double], count: Int, weight: Double, distortions: [Double]) {
        self.moments = moments
        self.count = count
        self.weight = weight
        self.distortions = distortions
        costs = distortions.map { distortion in (0..<count).map { Self.cost(moments[$0 * (count + 1)] / distortion) } }
        savings = distortions.map { _ in [Double](repeating: 0, count: Rotation.pairCount(count)) }
        tangents = [Int](repeating: 0, count: Rotation.pairCount(count))
        for pair in tangents.indices { measure(pair) }
    }

    private static func cost(_ ratio: Double) -> Double {
        ratio > 1 ? 1 + log2Encoder(ratio) * 0.6931471805599453 : max(ratio, 0)
    }

    /// Gives each rotation with the place of its layer among the distortions; takes its bits from `rooms`.
    mutating func run(level: Int, rooms: inout [Double], limit: Int, _ give: (Int, Rotation) -> Void) {
        let bits = Double(1 + Rotation.pairBits(count) + Rotation.tangentBits)
        var given = 0
        for place in distortions.indices {
            while given < limit, rooms[place] >= bits {
                guard let pair = savings[place].indices.max(by: { savings[place][$0] < savings[place][$1] }),
                    savings[place][pair] > bits
                else { break }
                let (first, second) = Rotation.components(ofPair: pair)
                let rotation = Rotation(level: level, first: first, second: second, tangent: tangents[pair])
                turn(rotation)
                give(place, rotation)
                rooms[place] -= bits
                given += 1
            }
        }
    }

    /// Finds the best rotation of a pair and what it saves.
    private mutating func measure(_ pair: Int) {
        let (p, q) = Rotation.components(ofPair: pair)
        let (a, b, c) = (moments[p * (count + 1)], moments[q * (count + 1)], moments[p * count + q])
        guard c != 0 else {
            for place in distortions.indices { savings[place][pair] = 0 }
            return
        }
        // the smaller of the two angles that take the product away: the stronger component stays the stronger
        let theta = (a - b) / (2 * c)
        let t = (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
        let limit = Rotation.tangentLimit
        let tangent = max(-limit, min(limit - 1, Int((t * Double(limit)).rounded())))
        tangents[pair] = tangent
        let (cosine, sine) = Rotation(level: 1, first: p, second: q, tangent: tangent).factors
        let one = cosine * cosine * a + 2 * cosine * sine * c + sine * sine * b
        let other = a + b - one
        for place in distortions.indices {
            let after = Self.cost(one / distortions[place]) + Self.cost(other / distortions[place])
            savings[place][pair] = weight * (costs[place][p] + costs[place][q] - after)
        }
    }

    private mutating func turn(_ rotation: Rotation) {
        let (p, q) = (rotation.first, rotation.second)
        rotation.turn(&moments, count: count)
        let (cosine, sine) = rotation.factors
        for row in 0..<count {
            let (x, y) = (moments[row * count + p], moments[row * count + q])
            moments[row * count + p] = cosine * x + sine * y
            moments[row * count + q] = cosine * y - sine * x
        }
        for place in distortions.indices {
            for k in [p, q] { costs[place][k] = Self.cost(moments[k * (count + 1)] / distortions[place]) }
        }
        for k in 0..<count where k != p && k != q {
            measure(Self.pair(k, p))
            measure(Self.pair(k, q))
        }
        measure(rotation.pair)
    }

    private static func pair(_ one: Int, _ other: Int) -> Int {
        let (first, second) = (min(one, other), max(one, other))
        return second * (second - 1) / 2 + first
    }
}
