// Passes of significance. Source: Docs/packet-format.md sections 5.7 and 5.8.
extension PlaneCoder {
    /// Coefficients that one group of idle ones holds.
    private static var groupSize: Int { 8 }

    mutating func codeSignificance(pass: Int, threshold: UInt32, band: Int) {
        coder.enter(.significance)
        for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
            codeSignificance(pass: pass, threshold: threshold, band: band, component: component)
            if coder.isStopped { return }
        }
    }

    /// Visits the pending coefficients of one sub-band whose probability is at least the threshold.
    private mutating func codeSignificance(pass: Int, threshold: UInt32, band: Int, component: Int) {
        let subband = bands[band]
        let place = SignificancePlace(subband, band: band, component: component, plane: plane, pass: pass)
        let bandCells = cells + place.cells
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
                let end = min(column &+ Self.groupSize, subband.columns)
                if end &- column == Self.groupSize {
                    if isPassedOver(start &+ column, least: least) {
                        column = end
                        continue
                    }
                    if pass == 3, isIdle(start &+ column) {
                        column &+= codeGroup(start &+ column, place, row: row, column: column)
                        if Coder.isDecoder && coder.isStopped { return }
                    }
                }
                while column < end {
                    let index = start &+ column
                    if status[index] == CoefficientStatus.pending {
                        let step = Int(constants.steps[Int(energy[index] >> 3)])
                        if bandCells[step] >> 16 >= threshold {
                            visit(index, place, step: step, row: row, column: column)
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
    private func isPassedOver(_ index: Int, least: UInt16) -> Bool {
        let states = UnsafeRawPointer(status + index).loadUnaligned(as: UInt64.self)
        if (states &- 0x0101_0101_0101_0101) & ~states & 0x8080_8080_8080_8080 == 0 { return true }
        if least == 0 { return false }
        let around = UnsafeRawPointer(energy + index).loadUnaligned(as: SIMD8<UInt16>.self)
        return around.max() < least
    }

    /// Whether eight coefficients are all pending and have next to nothing around them.
    @inline(__always)
    private func isIdle(_ index: Int) -> Bool {
        guard UnsafeRawPointer(status + index).loadUnaligned(as: UInt64.self) == 0 else { return false }
        return UnsafeRawPointer(energy + index).loadUnaligned(as: SIMD8<UInt16>.self).max() < 8
    }

    /// Codes eight idle coefficients up to the first significant one; how many of them are done with.
    private mutating func codeGroup(_ index: Int, _ place: SignificancePlace, row: Int, column: Int) -> Int {
        var first = 0
        if !Coder.isDecoder {
            while first < Self.groupSize, values[index &+ first].magnitude >> UInt32(plane) == 0 { first &+= 1 }
        }
        let bit = first < Self.groupSize ? 1 : 0
        let isAny = decide(bit, cells + place.groupCell) != 0
        if Coder.isDecoder && coder.isStopped { return 0 }
        guard isAny else {
            markInsignificant(index, count: Self.groupSize)
            return Self.groupSize
        }
        var node = 1
        for shift in stride(from: 2, through: 0, by: -1) {
            let decided = decide(first >> shift & 1, cells + (ContextOffset.idlePlace &+ node))
            if Coder.isDecoder && coder.isStopped { return 0 }
            node = 2 &* node &+ decided
        }
        first = node & 7
        markInsignificant(index, count: first)
        becomeSignificant(
            index &+ first, band: place.band, component: place.component, row: row, column: column &+ first)
        return first &+ 1
    }

    @inline(__always)
    private func markInsignificant(_ index: Int, count: Int) {
        for offset in 0..<count { status[index &+ offset] = CoefficientStatus.insignificant }
    }

    @inline(__always)
    private mutating func visit(_ index: Int, _ place: SignificancePlace, step: Int, row: Int, column: Int) {
        let bit = Coder.isDecoder ? 0 : (values[index].magnitude >> UInt32(plane) != 0 ? 1 : 0)
        let decided: Int
        if step == 0, place.pass == 3 {
            decided = decide(bit, cells + place.idleCell)
        } else {
            setInputs(index, place, step: step, row: row, column: column)
            decided = mix(
                bit, count: 6, weights: place.weights &+ 7 &* min(step >> 3, 3), and: place.planeWeights)
        }
        if Coder.isDecoder && coder.isStopped { return }
        if decided == 0 {
            status[index] = CoefficientStatus.insignificant
        } else {
            becomeSignificant(index, band: place.band, component: place.component, row: row, column: column)
        }
    }

    @inline(__always)
    private func setInputs(_ index: Int, _ place: SignificancePlace, step energyStep: Int, row: Int, column: Int) {
        let subband = bands[place.band]
        let stride = subband.stride
        let here = magnitudes + index
        let around = step(neighbours(here, stride: stride)) / 3
        let before = here - componentSize
        let beside = Int(before[-1]) &+ Int(before[1]) &+ Int(before[-stride]) &+ Int(before[stride])
        let after = 2 &* Int(here[componentSize]) &+ Int(here[2 &* componentSize])
        let siblings =
            sibling(subband.firstSibling, place.component, row, column)
            &+ sibling(subband.secondSibling, place.component, row, column)
        let earlier = min(step(4 &* Int(before[0]) &+ beside) / 3, 13)
        let later = min(step(after &+ Int(before[-componentSize])) / 3, 7)
        inputs[0] = place.cells &+ energyStep
        inputs[1] = place.positionCell
        inputs[2] =
            ContextOffset.components &+ ((earlier &* 8 &+ later) &* 8 &+ min(around, 7)) &* 6
            &+ place.componentClass
        inputs[3] =
            ContextOffset.siblings &+ (min(step(siblings) / 2, 11) &* 12 &+ min(around, 11)) &* 10 &+ place.level
        inputs[4] = place.placeCell &+ energyStep &* (12 * 32)
        inputs[5] = place.planeCell &+ energyStep / 3 &* (24 * 10)
    }

    /// Magnitude at the same place of another orientation.
    @inline(__always)
    private func sibling(_ band: Int, _ component: Int, _ row: Int, _ column: Int) -> Int {
        guard band >= 0 else { return 0 }
        let other = bands[band]
        guard row < other.rows, column < other.columns else { return 0 }
        return Int(magnitudes[component &* componentSize &+ other.offset &+ row &* other.stride &+ column])
    }

    /// Twice the magnitudes beside a coefficient and those at its corners.
    @inline(__always)
    func neighbours(_ here: UnsafeMutablePointer<UInt8>, stride: Int) -> Int {
        let straight = Int(here[-1]) &+ Int(here[1]) &+ Int(here[-stride]) &+ Int(here[stride])
        let corners =
            Int(here[-stride &- 1]) &+ Int(here[-stride &+ 1]) &+ Int(here[stride &- 1]) &+ Int(here[stride &+ 1])
        return 2 &* straight &+ corners
    }

    /// Step of a sum of magnitudes below 8,192.
    @inline(__always)
    func step(_ sum: Int) -> Int { Int(constants.steps[sum]) }
}

/// What all coefficients of one sub-band have in common in one pass: parts of their contexts.
struct SignificancePlace {
    let band: Int
    let component: Int
    let componentClass: Int
    let level: Int
    let pass: Int
    /// Cells of the steps of energy.
    let cells: Int
    let positionCell: Int
    /// Cells of the place and of the plane for energy step 0.
    let placeCell: Int
    let planeCell: Int
    let idleCell: Int
    let groupCell: Int
    /// Weights for the least energies, and those of plane and pass.
    let weights: Int
    let planeWeights: Int

    init(_ subband: Subband, band: Int, component: Int, plane: Int, pass: Int) {
        self.band = band
        self.component = component
        self.pass = pass
        level = min(subband.level, 9)
        componentClass = ContextTables.componentClass(component)
        let kind = level &* 6 &+ componentClass
        let position = min(component, 11) &* 32 &+ subband.rank
        let height = min(plane, 23)
        cells = ContextOffset.significance &+ 40 &* kind
        positionCell = ContextOffset.position &+ position &* 24 &+ height
        placeCell = ContextOffset.place &+ position
        planeCell = ContextOffset.plane &+ height &* 10 &+ level
        idleCell = ContextOffset.idle &+ kind &* 24 &+ height
        groupCell = ContextOffset.idleGroup &+ (kind &* 4 &+ subband.orientation) &* 24 &+ height
        weights = WeightOffset.significance &+ 4 * 7 &* kind
        planeWeights =
            WeightOffset.significancePlane &+ ((height &* 4 &+ pass) &* 4 &+ subband.orientation) &* 7
    }
}
