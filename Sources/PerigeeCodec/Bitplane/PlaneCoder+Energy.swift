/// Keeps, for each coefficient of an open sub-band, the weighted sum of the magnitudes around it. Adding to the few
/// neighbours of a significant coefficient is far less work than gathering around every insignificant one.
/// Source: Docs/packet-format.md section 5.7. The sum stays below 65,536: the weights add up to 188, magnitudes end at 255.
extension PlaneCoder {
    /// Builds all sums from the magnitudes at the start of a plane.
    mutating func gatherEnergy() {
        for band in 0..<bandCount {
            let subband = bands[band]
            for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
                for row in 0..<subband.rows {
                    let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
                    for column in 0..<subband.columns where status[start &+ column] == CoefficientStatus.significant {
                        spread(
                            UInt16(magnitudes[start &+ column]), band: band, component: component, row: row,
                            column: column)
                    }
                }
            }
        }
    }

    /// Adds the magnitude of one coefficient to all that have it in their neighbourhood.
    @inline(__always)
    func spread(_ magnitude: UInt16, band: Int, component: Int, row: Int, column: Int) {
        let subband = bands[band]
        let stride = subband.stride
        let index = component &* componentSize &+ subband.offset &+ row &* stride &+ column
        let here = energy + index
        add(here - (2 &* stride &+ 2), SIMD8(0, 1, 3, 1, 0, 0, 0, 0), magnitude)
        add(here - (stride &+ 2), SIMD8(1, 6, 16, 6, 1, 0, 0, 0), magnitude)
        add(here - 2, SIMD8(3, 16, 0, 16, 3, 0, 0, 0), magnitude)
        add(here + (stride &- 2), SIMD8(1, 6, 16, 6, 1, 0, 0, 0), magnitude)
        add(here + (2 &* stride &- 2), SIMD8(0, 1, 3, 1, 0, 0, 0, 0), magnitude)
        spreadAcross(magnitude, at: here, stride: stride, flags: isOpen + (component &* bandCount &+ band), component)
        let flags = isOpen + component &* bandCount
        let plane = energy + component &* componentSize
        spreadToSibling(magnitude, plane, flags, subband.firstSibling, row: row, column: column)
        spreadToSibling(magnitude, plane, flags, subband.secondSibling, row: row, column: column)
        if subband.child >= 0 {
            if subband.orientation == Orientation.low.rawValue {
                for child in subband.child..<subband.child &+ 3 where flags[child] != 0 {
                    spreadBeside(magnitude, plane, bands[child], row: row, column: column)
                }
            } else if flags[subband.child] != 0 {
                spreadBelow(magnitude, plane, bands[subband.child], row: row, column: column)
            }
        }
    }

    /// To the same place of another orientation of the same level.
    @inline(__always)
    private func spreadToSibling(
        _ magnitude: UInt16, _ plane: UnsafeMutablePointer<UInt16>, _ flags: UnsafeMutablePointer<UInt8>, _ band: Int,
        row: Int, column: Int
    ) {
        guard band >= 0, flags[band] != 0 else { return }
        let sibling = bands[band]
        if row < sibling.rows, column < sibling.columns {
            plane[sibling.offset &+ row &* sibling.stride &+ column] &+= 5 &* magnitude
        }
    }

    /// To the same place of the two components before and the two after.
    @inline(__always)
    private func spreadAcross(
        _ magnitude: UInt16, at here: UnsafeMutablePointer<UInt16>, stride: Int, flags: UnsafeMutablePointer<UInt8>,
        _ component: Int
    ) {
        if component > 0, flags[-bandCount] != 0 { here[-componentSize] &+= 8 &* magnitude }
        if component > 1, flags[-2 &* bandCount] != 0 { here[-2 &* componentSize] &+= 6 &* magnitude }
        if component &+ 1 < components, flags[bandCount] != 0 {
            let next = here + componentSize
            next[0] &+= 16 &* magnitude
            next[-1] &+= 4 &* magnitude
            next[1] &+= 4 &* magnitude
            next[-stride] &+= 4 &* magnitude
            next[stride] &+= 4 &* magnitude
        }
        if component &+ 2 < components, flags[2 &* bandCount] != 0 {
            here[2 &* componentSize] &+= 6 &* magnitude
        }
    }

    /// From the low band to a detail sub-band of the same level: the same place and the eight around it.
    @inline(__always)
    private func spreadBeside(
        _ magnitude: UInt16, _ plane: UnsafeMutablePointer<UInt16>, _ child: Subband, row: Int, column: Int
    ) {
        // Low bands may have a row or column more than the details beside them: what falls outside is dropped.
        for rowOffset in -1...1 {
            let y = row &+ rowOffset
            if y < 0 || y >= child.rows { continue }
            for columnOffset in -1...1 {
                let x = column &+ columnOffset
                if x < 0 || x >= child.columns { continue }
                let weight: UInt16 =
                    rowOffset == 0 && columnOffset == 0 ? 6 : (rowOffset == 0 || columnOffset == 0 ? 2 : 1)
                plane[child.offset &+ y &* child.stride &+ x] &+= weight &* magnitude
            }
        }
    }

    /// To the next finer level: the four coefficients below this one and those below the eight around it.
    @inline(__always)
    private func spreadBelow(
        _ magnitude: UInt16, _ plane: UnsafeMutablePointer<UInt16>, _ child: Subband, row: Int, column: Int
    ) {
        let outer = SIMD8<UInt16>(1, 1, 2, 2, 1, 1, 0, 0)
        let inner = SIMD8<UInt16>(2, 2, 6, 6, 2, 2, 0, 0)
        let top = 2 &* row &- 2
        // Rows beyond the sub-band are dropped; columns beyond it fall on padding.
        for offset in 0..<6 where top &+ offset < child.rows && top &+ offset >= 0 {
            let target = plane + (child.offset &+ (top &+ offset) &* child.stride &+ 2 &* column &- 2)
            add(target, offset == 2 || offset == 3 ? inner : outer, magnitude)
        }
    }

    @inline(__always)
    private func add(_ target: UnsafeMutablePointer<UInt16>, _ weights: SIMD8<UInt16>, _ magnitude: UInt16) {
        let memory = UnsafeMutableRawPointer(target)
        let sum = memory.loadUnaligned(as: SIMD8<UInt16>.self) &+ weights &* magnitude
        memory.storeBytes(of: sum, as: SIMD8<UInt16>.self)
    }
}
