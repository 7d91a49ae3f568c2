/// Adaptive cells and mixing weights of the residual of one tile, and the coding of one number with them.
/// Source: Docs/packet-format.md section 5.11, "Levels".
final class ResidualContexts {
    private static let digits = 24, steps = 24, energies = 40, bandClasses = 16
    private static let pairOffset = steps * steps * digits
    private static let energyOffset = pairOffset
    private static let crossOffset = energyOffset + bandClasses * energies * digits
    private static let sidesOffset = crossOffset + steps * steps * digits
    private static let signOffset = sidesOffset + steps * steps * digits
    private static let digitOffset = signOffset + 10 * 27
    private static let copyOffset = digitOffset + 24 * 8 * 8
    private static let nodataOffset = copyOffset + 2 * 512
    private static let cellCount = nodataOffset + 1
    private static let weightCount = (energies / 2) * digits * 4
    private static let even: UInt32 = 32_768
    private static let startCells: [UInt32] = {
        var cells = [UInt32](repeating: 2_306_867 << 10, count: signOffset)
        cells += [UInt32](repeating: 2_097_152 << 10 | 6, count: digitOffset - signOffset)
        cells += [UInt32](repeating: 2_097_152 << 10 | 4, count: copyOffset - digitOffset)
        cells += [UInt32](repeating: 2_097_152 << 10 | 2, count: nodataOffset - copyOffset)
        cells.append(2_097_152 << 10)
        return cells
    }()

    private let cells: UnsafeMutablePointer<UInt32>
    private let weights: UnsafeMutablePointer<Int32>
    private let tables: UnsafeMutablePointer<Int16>
    private let squash: UnsafeMutablePointer<UInt16>
    private let rates: UnsafeMutablePointer<Int32>
    private let mixer: ResidualMixer

    init() {
        cells = .allocate(capacity: Self.cellCount)
        weights = .allocate(capacity: Self.weightCount)
        tables = Self.copy(Logistic.stretch)
        squash = Self.copy(Logistic.squash)
        rates = Self.copy(Cell.rates)
        mixer = ResidualMixer(stretch: tables, squash: squash, rates: rates)
        start()
    }

    deinit {
        cells.deallocate()
        weights.deallocate()
        tables.deallocate()
        squash.deallocate()
        rates.deallocate()
    }

    private static func copy<Element>(_ values: [Element]) -> UnsafeMutablePointer<Element> {
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: values.count)
        _ = UnsafeMutableBufferPointer(start: pointer, count: values.count).initialize(from: values)
        return pointer
    }

    /// Start values.
    func start() {
        Self.startCells.withUnsafeBufferPointer { start in
            if let base = start.baseAddress { cells.update(from: base, count: Self.cellCount) }
        }
        weights.update(repeating: ResidualMixer.startWeight, count: Self.weightCount)
    }

    /// What is known around a sample: absolute errors, and how the synthesis slopes there.
    struct Surroundings {
        var near = 0, cross = 0, slope = 0
        /// Of the first and the second reference, here.
        var first = 0, second = 0
        var above = 0, left = 0
        /// 0, 1, 2: below, at, above zero; of the first reference here, and of the sample before.
        var firstSign = 1, leftSign = 1
    }

    /// Logarithmic step, four an octave.
    @inline(__always)
    private static func step(_ value: Int) -> Int {
        guard value >= 4 else { return value }
        let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
        return 4 &* (exponent &- 1) &+ (value >> (exponent &- 2)) & 3
    }

    @inline(__always)
    private static func halfStep(_ value: Int) -> Int { min(step(value) >> 1, steps - 1) }

    /// Codes one bit that nothing is known of.
    @inline(__always)
    func codeEven<Coder: BinaryCoder>(_ bit: Int, with coder: inout Coder) -> Int {
        coder.code(bit, probability: Self.even)
    }

    @inline(__always)
    private func code<Coder: BinaryCoder>(_ bit: Int, cell: Int, with coder: inout Coder) -> Int {
        let value = cells[cell]
        let bit = coder.code(bit, probability: Cell.probability(value))
        if !Coder.isDecoder || !coder.isStopped { cells[cell] = Cell.updated(value, bit: bit, rates: rates) }
        return bit
    }

    /// Codes whether a sample is a copy; `kind` 0 of the one above, 1 of the one before.
    @inline(__always)
    func codeCopy<Coder: BinaryCoder>(_ bit: Int, kind: Int, context: Int, with coder: inout Coder) -> Int {
        code(bit, cell: Self.copyOffset + 512 * kind + context, with: &coder)
    }

    /// Codes to which side of the nodata value a sample moves.
    @inline(__always)
    func codeSide<Coder: BinaryCoder>(_ bit: Int, with coder: inout Coder) -> Int {
        code(bit, cell: Self.nodataOffset, with: &coder)
    }

    /// Codes one number. What a stopped decoder returns means nothing.
    @inline(__always)
    func codeLevel<Coder: BinaryCoder>(
        _ level: Int, band: Int, around: Surroundings, with coder: inout Coder
    ) -> Int {
        let sum = 8 &* around.near &+ 4 &* around.cross &+ 8 &* around.first &+ 4 &* around.second
        let energy = min(Self.step(sum >> 3), Self.energies - 1)
        let magnitude = level.magnitude
        let size = codeSize(
            Int.bitWidth - magnitude.leadingZeroBitCount, energy: energy, band: band, around: around, with: &coder)
        guard size > 0 else { return 0 }
        let signs = around.firstSign &* 3 &+ around.leftSign
        let signCell = Self.signOffset &+ min(energy >> 2, 9) &* 27 &+ signs &* 3 &+ min(size &- 1, 2)
        let isAbove = code(level > 0 ? 1 : 0, cell: signCell, with: &coder)
        let fineness = min(max(energy >> 1 &- 2 &* size &+ 4, 0), 7)
        let digitCells = Self.digitOffset &+ (min(size, 23) &* 8) &* 8 &+ fineness
        var value = 1
        for place in 0..<size - 1 {
            let bit = Int(truncatingIfNeeded: magnitude >> UInt(size &- 2 &- place)) & 1
            let digit =
                place < 3
                ? code(bit, cell: digitCells &+ 8 &* value, with: &coder)
                : coder.code(bit, probability: Self.even)
            value = value << 1 | digit
        }
        return isAbove != 0 ? value : -value
    }

    /// Codes the count of binary digits of a magnitude, 0 to 32.
    @inline(__always)
    private func codeSize<Coder: BinaryCoder>(
        _ size: Int, energy: Int, band: Int, around: Surroundings, with coder: inout Coder
    ) -> Int {
        let digits = Self.digits
        var index = SIMD4<Int>(
            (Self.halfStep(around.near) &* Self.steps &+ Self.halfStep(around.slope)) &* digits,
            Self.energyOffset &+ (min(band, Self.bandClasses - 1) &* Self.energies &+ energy) &* digits,
            Self.crossOffset &+ (Self.halfStep(around.first) &* Self.steps &+ Self.halfStep(around.second)) &* digits,
            Self.sidesOffset &+ (Self.halfStep(around.above) &* Self.steps &+ Self.halfStep(around.left)) &* digits)
        let set = weights + (energy >> 1) &* digits &* 4
        for digit in 0..<32 {
            let place = min(digit, digits - 1)
            let bit = mixer.code(size > digit ? 1 : 0, cells, index, weights: set + 4 &* place, with: &coder)
            if bit == 0 { return digit }
            if digit < digits - 1 { index = index &+ 1 }
        }
        return 32
    }
}
