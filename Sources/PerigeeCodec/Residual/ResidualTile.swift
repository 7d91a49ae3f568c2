import PerigeeCore

/// The residual of one tile: both ends run the same decisions through it. Source: Docs/packet-format.md section 5.11.
struct ResidualTile {
    /// What both ends know of a band before its first decision.
    struct Band {
        /// Place in coding order.
        var index: Int
        var numbers: ResidualNumbers
        /// No valid sample has this integer; nil where the type's nodata is none or every bound keeps away from it.
        var forbidden: Int32?
        var hasMask: Bool
    }

    /// What the encoder chooses for a band.
    struct Choice: Equatable {
        var shift: Int32 = 0
        var isCopying = false
        /// Bands in coding order.
        var references: [Int] = []
    }

    let rows: Int
    let columns: Int
    let workspace: ResidualWorkspace
    private let stride: Int
    private let planeCount: Int

    init(rows: Int, columns: Int, workspace: ResidualWorkspace) {
        self.rows = rows
        self.columns = columns
        self.workspace = workspace
        stride = columns + 2 * ResidualWorkspace.margin
        planeCount = stride * (rows + 2 * ResidualWorkspace.margin)
    }

    /// First sample of a plane with margins.
    private var origin: Int { ResidualWorkspace.margin * (stride + 1) }

    /// Codes a band whose synthesis and mask lie in the workspace, after those before it. An encoder's numbers are the
    /// originals and become what the decoder has; a decoder's are written. Gives the count of samples that are decided.
    func code<Coder: BinaryCoder>(_ band: Band, _ choice: Choice, with coder: inout Coder) -> Int {
        let choice = codeHead(choice, band: band.index, with: &coder)
        guard !coder.isStopped || !Coder.isDecoder,
            let row = RowCoder(self, band, choice), let numbers = workspace.numbers.baseAddress
        else { return 0 }
        let predictor = workspace.predictor
        predictor.start(count: Self.featureCount(band.index))
        let isWide = band.numbers.type.size == 4
        for y in 0..<rows {
            predictor.predict(
                features(band.index, choice, row: y), synthesis: row.synthesis + y * stride, columns: columns,
                shift: choice.shift, isWide: isWide)
            let decided = row.code(y, numbers: numbers, with: &coder)
            guard decided == columns else { return y * columns + decided }
            predictor.learn(
                residuals: row.residuals + y * stride, valid: row.valid.map { $0 + y * columns }, columns: columns,
                shift: choice.shift)
        }
        return rows * columns
    }

    private func codeHead<Coder: BinaryCoder>(_ choice: Choice, band: Int, with coder: inout Coder) -> Choice {
        let contexts = workspace.contexts
        func code(_ value: Int, bits: Int) -> Int {
            var result = 0
            for bit in (0..<bits).reversed() {
                result = result << 1 | contexts.codeEven(value >> bit & 1, with: &coder)
            }
            return result
        }
        var coded = Choice()
        coded.shift = Int32(code(Int(choice.shift), bits: 5))
        coded.isCopying = code(choice.isCopying ? 1 : 0, bits: 1) == 1
        let bits = Int.bitWidth - max(band - 1, 0).leadingZeroBitCount
        for place in 0..<min(band, 3) {
            let distance = place < choice.references.count ? band - 1 - choice.references[place] : 0
            coded.references.append(max(0, band - 1 - code(distance, bits: bits)))
        }
        return coded
    }

    static func featureCount(_ band: Int) -> Int { [20, 33, 42, 43][min(band, 3)] }

    private static let around = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]
    private static let wide = [
        (-2, 0), (-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1), (0, 0), (0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0),
    ]
    private static let own = [
        (-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2),
    ]

    private func features(_ band: Int, _ choice: Choice, row: Int) -> [ResidualPredictor.Feature] {
        guard let synthesis = workspace.synthesis.baseAddress, let residuals = workspace.residuals.baseAddress
        else { return [] }
        let start = origin + row * stride
        var features: [ResidualPredictor.Feature] = []
        features.reserveCapacity(ResidualPredictor.featureLimit)
        func add(_ plane: UnsafePointer<Int32>, _ places: [(Int, Int)], isSlope: Bool = false) {
            for (y, x) in places where !isSlope || y != 0 || x != 0 {
                features.append(
                    ResidualPredictor.Feature(base: plane + start + y * stride + x, isSlope: isSlope))
            }
        }
        add(synthesis, Self.around, isSlope: true)
        let places = [Self.wide, Self.around, [(0, 0)]]
        for (reference, places) in zip(choice.references, places) {
            add(residuals + reference * planeCount, places)
        }
        add(residuals + band * planeCount, Self.own)
        return features
    }

    /// The samples of one row of a band.
    struct RowCoder {
        let synthesis: UnsafePointer<Int32>
        let residuals: UnsafeMutablePointer<Int32>
        private let errors: UnsafeMutablePointer<Int32>
        private let firstErrors: UnsafePointer<Int32>?
        private let secondErrors: UnsafePointer<Int32>?
        let valid: UnsafePointer<UInt8>?
        private let contexts: ResidualContexts
        private let predictor: ResidualPredictor
        private let band: Band
        private let isCopying: Bool
        private let columns: Int
        private let stride: Int

        init?(_ tile: ResidualTile, _ band: Band, _ choice: Choice) {
            let workspace = tile.workspace
            guard let synthesis = workspace.synthesis.baseAddress, let residuals = workspace.residuals.baseAddress,
                let errors = workspace.errors.baseAddress
            else { return nil }
            let plane = { (index: Int) in index * tile.planeCount + tile.origin }
            self.synthesis = UnsafePointer(synthesis + tile.origin)
            self.residuals = residuals + plane(band.index)
            self.errors = errors + plane(band.index)
            firstErrors = choice.references.first.map { UnsafePointer(errors + plane($0)) }
            secondErrors = choice.references.dropFirst().first.map { UnsafePointer(errors + plane($0)) }
            valid = band.hasMask ? workspace.valid.baseAddress.map { UnsafePointer($0) } : nil
            contexts = workspace.contexts
            predictor = workspace.predictor
            self.band = band
            isCopying = choice.isCopying
            columns = tile.columns
            stride = tile.stride
        }

        /// Codes a row; gives how many of its samples are decided.
        func code<Coder: BinaryCoder>(
            _ y: Int, numbers: UnsafeMutablePointer<Int32>, with coder: inout Coder
        ) -> Int {
            guard let predictions = predictor.predictions.baseAddress else { return 0 }
            let count = ResidualTile.featureCount(band.index)
            let (before, last) = (predictor.weights[count - 2], predictor.weights[count - 1])
            let row = residuals + y * stride
            let (least, greatest, spacing) = (band.numbers.least, band.numbers.greatest, band.numbers.spacing)
            for x in 0..<columns {
                let place = y * stride + x
                let here = y * columns + x
                let base = Int(synthesis[place])
                guard valid?[here] != 0 else {
                    numbers[here] = Int32(base)
                    continue
                }
                if isCopying, let copied = copy(x, y, numbers: numbers, with: &coder) {
                    if Coder.isDecoder && coder.isStopped { return x }
                    numbers[here] = numbers[here - copied.samples]
                    errors[place] = errors[place - copied.places]
                    row[x] = Self.clip(Int(numbers[here]) &- base)
                    continue
                }
                if Coder.isDecoder && coder.isStopped { return x }
                let sum = predictions[x] + before * Float(row[x - 2]) + last * Float(row[x - 1])
                let prediction = min(max(base &+ Int(sum.rounded(.toNearestOrEven)), least), greatest)
                var level = 0
                if !Coder.isDecoder {
                    let distance = Int(numbers[here]) &- prediction
                    level = spacing == 1 ? distance : Self.quantise(distance, spacing)
                }
                let original = numbers[here]
                level = contexts.codeLevel(level, band: band.index, around: surroundings(place), with: &coder)
                if Coder.isDecoder && coder.isStopped { return x }
                var number = min(max(prediction &+ level &* spacing, least), greatest)
                if let forbidden = band.forbidden, number == Int(forbidden) {
                    let isAbove = contexts.codeSide(original > forbidden ? 1 : 0, with: &coder)
                    if Coder.isDecoder && coder.isStopped { return x }
                    number += isAbove != 0 ? (number == greatest ? -1 : 1) : (number == least ? 1 : -1)
                }
                numbers[here] = Int32(truncatingIfNeeded: number)
                errors[place] = Self.clip(level)
                row[x] = Self.clip(number &- base)
            }
            return columns
        }

        private static func quantise(_ distance: Int, _ spacing: Int) -> Int {
            let half = spacing / 2
            return distance >= 0 ? (distance + half) / spacing : -((half - distance) / spacing)
        }

        @inline(__always)
        private static func clip(_ value: Int) -> Int32 {
            Int32(truncatingIfNeeded: min(max(value, -ResidualWorkspace.clip), ResidualWorkspace.clip))
        }

        @inline(__always)
        private static func magnitude(_ errors: UnsafePointer<Int32>, _ place: Int) -> Int {
            Int(errors[place].magnitude)
        }

        @inline(__always)
        private func surroundings(_ place: Int) -> ResidualContexts.Surroundings {
            var around = ResidualContexts.Surroundings()
            let errors = UnsafePointer(errors)
            let left = Self.magnitude(errors, place - 1)
            let top = place - stride
            let above = Self.magnitude(errors, top)
            let corners = Self.magnitude(errors, top - 1) &+ Self.magnitude(errors, top + 1)
            let beforeLeft = Self.magnitude(errors, place - 2)
            around.near = 2 &* (left &+ above) &+ corners &+ beforeLeft &+ Self.magnitude(errors, top - stride)
            around.above = above &+ corners
            around.left = left &+ beforeLeft
            around.leftSign = Int(errors[place - 1].signum()) + 1
            let slopes =
                slope(place, -1) &+ slope(place, 1) &+ slope(place, -stride) &+ slope(place, stride)
            around.slope = band.numbers.spacing == 1 ? slopes : slopes / band.numbers.spacing
            if let first = firstErrors {
                around.first = Self.magnitude(first, place)
                around.cross =
                    2 &* around.first &+ Self.magnitude(first, place - 1) &+ Self.magnitude(first, place + 1)
                    &+ Self.magnitude(first, top) &+ Self.magnitude(first, place + stride)
                around.firstSign = Int(first[place].signum()) + 1
            }
            if let second = secondErrors { around.second = Self.magnitude(second, place) }
            return around
        }

        @inline(__always)
        private func slope(_ place: Int, _ offset: Int) -> Int {
            let difference = Int(synthesis[place + offset]) &- Int(synthesis[place])
            return min(Int(difference.magnitude), ResidualWorkspace.clip)
        }

        /// Where a copied sample comes from, in the numbers and in the planes with margins; nil where it is none.
        private func copy<Coder: BinaryCoder>(
            _ x: Int, _ y: Int, numbers: UnsafeMutablePointer<Int32>, with coder: inout Coder
        ) -> (samples: Int, places: Int)? {
            let here = y * columns + x
            let context = copyContext(x, y, numbers: numbers)
            let bound = band.numbers.spacing / 2
            let hasAbove = y > 0 && valid?[here - columns] != 0
            let isNear = { (other: Int32) in (Int(numbers[here]) &- Int(other)).magnitude <= UInt(bound) }
            if hasAbove {
                let bit = isNear(numbers[here - columns]) ? 1 : 0
                if contexts.codeCopy(bit, kind: 0, context: context, with: &coder) == 1 {
                    return (columns, stride)
                }
                if Coder.isDecoder && coder.isStopped { return nil }
            }
            guard x > 0, valid?[here - 1] != 0, !hasAbove || numbers[here - 1] != numbers[here - columns] else {
                return nil
            }
            let bit = isNear(numbers[here - 1]) ? 1 : 0
            return contexts.codeCopy(bit, kind: 1, context: context, with: &coder) == 1 ? (1, 1) : nil
        }

        private static let pairs: [((Int, Int), (Int, Int))] = [
            ((0, -1), (-1, -1)), ((-1, 0), (-1, -1)), ((-1, 0), (-1, 1)), ((0, -1), (0, -2)), ((-2, 0), (-1, 0)),
            ((-1, -1), (-1, -2)), ((0, -2), (-1, -2)), ((-3, 0), (-2, 0)), ((0, -2), (0, -3)),
        ]

        private func copyContext(_ x: Int, _ y: Int, numbers: UnsafePointer<Int32>) -> Int {
            var context = 0
            for (index, pair) in Self.pairs.enumerated() {
                let (first, second) = pair
                guard isInside(x + first.1, y + first.0), isInside(x + second.1, y + second.0) else { continue }
                let here = y * columns + x
                if numbers[here + first.0 * columns + first.1] == numbers[here + second.0 * columns + second.1] {
                    context |= 1 << index
                }
            }
            return context
        }

        private func isInside(_ x: Int, _ y: Int) -> Bool { x >= 0 && y >= 0 && x < columns }
    }
}
