import PerigeeCore

/// Runs the decisions of one tile through one end of the binary coder: encoder and decoder are this same code, so that
/// they cannot disagree. Source: Docs/packet-format.md section 5.8.
struct PlaneCoder<Coder: BinaryCoder> {
    var coder: Coder
    /// The plane whose passes run or where the decoder stopped.
    var plane = BitplaneCode.topPlane
    let components: Int
    let componentSize: Int
    let bandCount: Int
    let bands: UnsafeMutablePointer<Subband>
    let values: UnsafeMutablePointer<Int32>
    let magnitudes: UnsafeMutablePointer<UInt8>
    let signs: UnsafeMutablePointer<Int8>
    let status: UnsafeMutablePointer<UInt8>
    let energy: UnsafeMutablePointer<UInt16>
    let isOpen: UnsafeMutablePointer<UInt8>
    let planes: UnsafeMutablePointer<UInt8>
    let cells: UnsafeMutablePointer<UInt32>
    let rates: UnsafePointer<Int32>
    let steps: UnsafePointer<UInt8>

    /// The workspace and both tables must outlive the coder.
    init(
        coder: Coder, layout: TileLayout, workspace: borrowing TileWorkspace, rates: UnsafePointer<Int32>,
        steps: UnsafePointer<UInt8>
    ) {
        self.coder = coder
        components = layout.components
        componentSize = layout.componentSize
        bandCount = layout.subbands.count
        bands = workspace.subbands
        values = workspace.values
        magnitudes = workspace.magnitudes + 2 * layout.componentSize
        signs = workspace.signs + 2 * layout.componentSize
        status = workspace.status
        energy = workspace.energy
        isOpen = workspace.isOpen
        planes = workspace.planes
        cells = workspace.cells
        self.rates = rates
        self.steps = steps
    }

    /// All passes of all planes, until the coder stops. `ends` gets, for each sub-band of each pass that ran to its end, the
    /// octets determined by then.
    mutating func run(ends: UnsafeMutablePointer<Int>?) -> Int {
        var position = 0
        while true {
            startPlane()
            for kind in 0..<BitplaneCode.passesPerPlane {
                if kind == 1 { gatherEnergy() }
                for band in 0..<bandCount {
                    codeBand(band, kind: kind)
                    if coder.isStopped { return position }
                    if let ends { ends[position] = coder.count }
                    position += 1
                }
            }
            if plane == 0 { return position }
            plane -= 1
        }
    }

    /// One pass over all components of one sub-band.
    private mutating func codeBand(_ band: Int, kind: Int) {
        switch kind {
        case 0: codeFlags(band)
        case 1: codeSignificance(threshold: BitplaneCode.thresholds.0, band: band)
        case 2: codeSignificance(threshold: BitplaneCode.thresholds.1, band: band)
        case 3: codeSignificance(threshold: BitplaneCode.thresholds.2, band: band)
        case 4: refine(band)
        default: codeSignificance(threshold: 0, band: band)
        }
    }

    /// One decision with one adaptive cell. This is the seam where mixing several contexts will go.
    @inline(__always)
    mutating func decide(_ bit: Int, _ cell: UnsafeMutablePointer<UInt32>) -> Int {
        let value = cell.pointee
        let decided = coder.code(bit, probability: Cell.probability(value))
        if Coder.isDecoder && coder.isStopped { return 0 }
        cell.pointee = Cell.updated(value, bit: decided, rates: rates)
        return decided
    }

    /// Turns what happened in the plane before into the state that this plane starts from.
    private mutating func startPlane() {
        for band in 0..<bandCount {
            for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
                let subband = bands[band]
                for row in 0..<subband.rows {
                    let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
                    var index = start
                    while index < start &+ subband.columns {
                        if index &+ 8 <= start &+ subband.columns, areInsignificant(index) {
                            index &+= 8
                            continue
                        }
                        defer { index &+= 1 }
                        if status[index] < CoefficientStatus.significant {
                            status[index] = CoefficientStatus.pending
                        } else {
                            status[index] = CoefficientStatus.significant
                            let known = values[index].magnitude >> UInt32(plane &+ 1)
                            magnitudes[index] = UInt8(min(255, 8 &* known &+ 4))
                        }
                    }
                }
                let first = component &* componentSize &+ subband.offset
                energy.advanced(by: first).update(repeating: 0, count: subband.rows &* subband.stride)
            }
        }
    }

    /// Makes eight coefficients pending, unless one of them is significant.
    @inline(__always)
    private func areInsignificant(_ index: Int) -> Bool {
        let states = UnsafeMutableRawPointer(status + index)
        guard states.loadUnaligned(as: UInt64.self) & ~0x0101_0101_0101_0101 == 0 else { return false }
        states.storeBytes(of: 0, as: UInt64.self)
        return true
    }

    /// Says of a sub-band that is still closed, for each component, whether something in it reaches the threshold.
    private mutating func codeFlags(_ band: Int) {
        coder.enter(.flag)
        let subband = bands[band]
        if subband.rows &* subband.columns == 0 { return }
        for component in 0..<components {
            let index = component &* bandCount &+ band
            if isOpen[index] != 0 { continue }
            let context = (min(component, 11) &* 32 &+ subband.rank) &* 24 &+ min(plane, 23)
            let bit = Coder.isDecoder ? 0 : (Int(planes[index]) > plane ? 1 : 0)
            let decided = decide(bit, cells + (ContextTables.flagOffset &+ context))
            if Coder.isDecoder {
                if coder.isStopped { return }
                if decided == 0 { planes[index] = UInt8(truncatingIfNeeded: plane) }
            }
            if decided != 0 { isOpen[index] = 1 }
        }
    }

    private mutating func codeSignificance(threshold: UInt32, band: Int) {
        coder.enter(.significance)
        for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
            codeSignificance(threshold: threshold, band: band, component: component)
            if coder.isStopped { return }
        }
    }

    /// Visits the pending coefficients of one sub-band whose probability is at least the threshold.
    @inline(__always)
    private mutating func codeSignificance(threshold: UInt32, band: Int, component: Int) {
        let subband = bands[band]
        let level = min(subband.level, 9)
        let context =
            ContextTables.significanceOffset
            &+ (level &* 6 &+ ContextTables.componentClass(component)) &* 40
        let bandCells = cells + context
        // No cell below the threshold can rise before it is visited, so energies below the least of those above it can
        // be passed over eight at a time.
        var step = 0
        while step < 40, bandCells[step] >> 16 < threshold { step += 1 }
        if step == 40 { return }
        let least = UInt16(truncatingIfNeeded: EnergyScale.bounds[step] &* 8)
        for row in 0..<subband.rows {
            let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
            var column = 0
            while column < subband.columns {
                let group = start &+ column
                if column &+ 8 <= subband.columns {
                    if isIdle(group, least: least) {
                        column &+= 8
                        continue
                    }
                }
                let end = min(column &+ 8, subband.columns)
                while column < end {
                    let index = start &+ column
                    if status[index] == CoefficientStatus.pending {
                        let cell = bandCells + Int(steps[Int(energy[index] >> 3)])
                        if cell.pointee >> 16 >= threshold {
                            visit(index, cell, band: band, component: component, row: row, column: column)
                            if Coder.isDecoder && coder.isStopped { return }
                        }
                    }
                    column &+= 1
                }
            }
            if coder.isStopped { return }
        }
    }

    /// Whether none of eight coefficients is pending with an energy of at least `least`.
    @inline(__always)
    private func isIdle(_ index: Int, least: UInt16) -> Bool {
        let states = UnsafeRawPointer(status + index).loadUnaligned(as: UInt64.self)
        if (states &- 0x0101_0101_0101_0101) & ~states & 0x8080_8080_8080_8080 == 0 { return true }
        if least == 0 { return false }
        let around = UnsafeRawPointer(energy + index).loadUnaligned(as: SIMD8<UInt16>.self)
        return around.max() < least
    }

    @inline(__always)
    private mutating func visit(
        _ index: Int, _ cell: UnsafeMutablePointer<UInt32>, band: Int, component: Int, row: Int, column: Int
    ) {
        let bit = Coder.isDecoder ? 0 : (values[index].magnitude >> UInt32(plane) != 0 ? 1 : 0)
        let decided = decide(bit, cell)
        if Coder.isDecoder && coder.isStopped { return }
        if decided == 0 {
            status[index] = CoefficientStatus.insignificant
        } else {
            becomeSignificant(index, band: band, component: component, row: row, column: column)
        }
    }

    @inline(never)
    private mutating func becomeSignificant(_ index: Int, band: Int, component: Int, row: Int, column: Int) {
        coder.enter(.sign)
        let stride = bands[band].stride
        let sign = signs + index
        let horizontal = Int(sign[-1]) + Int(sign[1])
        let vertical = Int(sign[-stride]) + Int(sign[stride])
        let diagonal =
            Int(sign[-stride - 1]) + Int(sign[-stride + 1]) + Int(sign[stride - 1]) + Int(sign[stride + 1])
        let orientation = bands[band].orientation % 3
        let inside = ternary(horizontal) * 3 + ternary(vertical)
        let beside = (ternary(Int(sign[-componentSize])) * 3 + orientation) * 9
        let context = inside * 81 + beside + ternary(diagonal) * 3 + ternary(Int(sign[componentSize]))
        let bit = Coder.isDecoder ? 0 : (values[index] > 0 ? 1 : 0)
        let isPositive = decide(bit, cells + (ContextTables.signOffset + context)) != 0
        if Coder.isDecoder && coder.isStopped { return }
        if Coder.isDecoder { values[index] = 1 << Int32(plane) }
        sign.pointee = isPositive ? 1 : -1
        status[index] = CoefficientStatus.fresh
        magnitudes[index] = UInt8(BitplaneCode.newMagnitude)
        spread(BitplaneCode.newMagnitude, band: band, component: component, row: row, column: column)
        coder.enter(.significance)
    }

    @inline(__always)
    private func ternary(_ sum: Int) -> Int { sum > 0 ? 2 : (sum < 0 ? 0 : 1) }

    /// One more bit of every coefficient that is significant since an earlier plane.
    private mutating func refine(_ band: Int) {
        coder.enter(.refinement)
        let subband = bands[band]
        let level = min(subband.level, 9)
        for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
            for row in 0..<subband.rows {
                let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
                for index in start..<start &+ subband.columns where status[index] == CoefficientStatus.significant {
                    refine(index, stride: subband.stride, level: level)
                    if Coder.isDecoder && coder.isStopped { return }
                }
                if coder.isStopped { return }
            }
        }
    }

    @inline(__always)
    private mutating func refine(_ index: Int, stride: Int, level: Int) {
        let around = magnitudes + index
        let straight = Int(around[-1]) &+ Int(around[1]) &+ Int(around[-stride]) &+ Int(around[stride])
        let corners =
            Int(around[-stride &- 1]) &+ Int(around[-stride &+ 1]) &+ Int(around[stride &- 1])
            &+ Int(around[stride &+ 1])
        let known = Int(values[index].magnitude >> UInt32(plane &+ 1))
        let size = known < 4 ? known &- 1 : (known < 8 ? 3 : (known < 16 ? 4 : 5))
        let before = around[-componentSize] > 8 ? 1 : 0
        let step = min(Int(steps[2 &* straight &+ corners]) &* 2 / 3, 23)
        let context = ((size &* 2 &+ before) &* 24 &+ step) &* 10 &+ level
        let bit = Coder.isDecoder ? 0 : Int(values[index].magnitude >> UInt32(plane)) & 1
        let decided = decide(bit, cells + (ContextTables.refinementOffset &+ context))
        if Coder.isDecoder {
            if coder.isStopped { return }
            values[index] |= Int32(decided) << Int32(plane)
        }
        status[index] = CoefficientStatus.refined
    }
}
