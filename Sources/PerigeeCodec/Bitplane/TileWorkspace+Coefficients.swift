import CPerigeeKernels

/// Coefficients of a frame, `[components][rows][columns]` in Mallat layout.
enum FrameCoefficients {
    /// Integers as they are coded.
    case integers(UnsafePointer<Int32>)
    /// Real ones, cut towards zero after multiplication with the frame's scale.
    case reals(UnsafePointer<Float>, scale: Float)

    /// What of one coefficient is coded.
    @inline(__always)
    func magnitude(_ index: Int) -> UInt32 {
        switch self {
        case .integers(let integers): integers[index].magnitude
        case .reals(let reals, let scale): TileWorkspace.cut(reals[index] * scale).magnitude
        }
    }
}

// Between the frame and the workspace.
extension TileWorkspace {
    /// Takes a tile's coefficients, cut to integers and clipped to the greatest magnitude; call after `begin`.
    mutating func load(_ coefficients: FrameCoefficients, _ layout: TileLayout, rows: Int, columns: Int) {
        let path = StrictPath.best.code
        for component in 0..<layout.components {
            for (index, band) in layout.subbands.enumerated() {
                var greatest: UInt32 = 0
                for row in 0..<band.rows {
                    let target = values + (component * layout.componentSize + band.offset + row * band.stride)
                    let source = (component * rows + band.frameRow + row) * columns + band.frameColumn
                    switch coefficients {
                    case .integers(let integers):
                        for column in 0..<band.columns {
                            target[column] = Self.clip(integers[source + column])
                            greatest |= target[column].magnitude
                        }
                    case .reals(let reals, let scale):
                        greatest |= perigee_cut(path, reals + source, band.columns, scale, target)
                    }
                }
                planes[component * layout.subbands.count + index] = UInt8(32 - greatest.leadingZeroBitCount)
            }
        }
    }

    @inline(__always)
    private static func clip(_ value: Int32) -> Int32 {
        min(max(value, -BitplaneCode.magnitudeLimit), BitplaneCode.magnitudeLimit)
    }

    /// Not a number becomes 0.
    @inline(__always)
    static func cut(_ value: Float) -> Int32 {
        let limit: Float = 33_554_430  // the greatest single that is below 2^25
        let clipped = max(-limit, min(limit, value))
        return clipped == clipped ? Int32(clipped) : 0
    }

    /// Writes the middle of every interval, as the centroids say, into the frame's coefficients.
    func reconstruct(
        into frame: UnsafeMutablePointer<Float>, _ layout: TileLayout, rows: Int, columns: Int, plane: Int,
        centroids: UnsafePointer<UInt16>, scale: Float
    ) {
        for component in 0..<layout.components {
            for band in layout.subbands {
                for row in 0..<band.rows {
                    let target = frame + ((component * rows + band.frameRow + row) * columns + band.frameColumn)
                    reconstruct(
                        into: target, layout, band, component: component, row: row, columns: 0..<band.columns,
                        plane: plane, centroids: centroids, scale: scale)
                }
            }
        }
    }

    /// As above for some columns of one row of a sub-band, written behind each other.
    func reconstruct(
        into target: UnsafeMutablePointer<Float>, _ layout: TileLayout, _ band: Subband, component: Int, row: Int,
        columns: Range<Int>, plane: Int, centroids: UnsafePointer<UInt16>, scale: Float
    ) {
        let signs = signs + 2 * layout.componentSize
        let bandCentroids = (min(band.level, 9) * 6 + ContextTables.componentClass(component)) * 3
        let start = component * layout.componentSize + band.offset + row * band.stride + columns.lowerBound
        for column in 0..<columns.count {
            let index = start + column
            guard signs[index] != 0 else {
                target[column] = 0
                continue
            }
            let known = status[index] >= CoefficientStatus.fresh ? plane : plane + 1
            let steps = values[index] >> Int32(known)
            let interval = steps == 1 ? 0 : (steps < 4 ? 1 : 2)
            let centroid = centroids[known * 180 + bandCentroids + interval]
            let width = Float(sign: .plus, exponent: known - 16, significand: 1)
            let magnitude = Float(values[index]) + Float(centroid) * width
            target[column] = (signs[index] < 0 ? -magnitude : magnitude) * scale
        }
    }

    /// Writes the interval of every coefficient: it lies in `lower ..< lower + width` (both ends excluded where the
    /// interval holds 0, and the lower instead of the upper one where it is negative).
    func intervals(
        lower: UnsafeMutablePointer<Int32>, width: UnsafeMutablePointer<Int32>, _ layout: TileLayout, rows: Int,
        columns: Int, plane: Int
    ) {
        let signs = signs + 2 * layout.componentSize
        for component in 0..<layout.components {
            for (bandIndex, band) in layout.subbands.enumerated() {
                let flag = component * layout.subbands.count + bandIndex
                for row in 0..<band.rows {
                    let start = component * layout.componentSize + band.offset + row * band.stride
                    let first = (component * rows + band.frameRow + row) * columns + band.frameColumn
                    for column in 0..<band.columns {
                        let index = start + column
                        let isKnown =
                            status[index] == CoefficientStatus.insignificant
                            || status[index] >= CoefficientStatus.fresh
                        let known = isOpen[flag] == 0 ? Int(planes[flag]) : (isKnown ? plane : plane + 1)
                        let size = Int32(1) << Int32(known)
                        switch signs[index] {
                        case 0: (lower[first + column], width[first + column]) = (-size, 2 * size)
                        case 1: (lower[first + column], width[first + column]) = (values[index], size)
                        default: (lower[first + column], width[first + column]) = (-values[index] - size, size)
                        }
                    }
                }
            }
        }
    }
}
