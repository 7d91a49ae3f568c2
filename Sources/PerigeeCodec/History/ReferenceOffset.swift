public import PerigeeCore

// How far a reference lies beside the frame. Encoder only: it may be inexact.
extension FrameTransform {
    /// Bands that are looked at.
    private static let bandCount = 3
    /// Share of the squared differences that a move must leave at most.
    private static let worthwhile: Float = 0.85
    private static let rowStep = 2

    /// The move of the reference after which the fine structure of the samples, all valid, is nearest to its own; none where
    /// it makes little difference.
    func offset(of reference: FrameReference, to samples: Samples) -> TilePrediction.Offset {
        let (rows, columns) = (geometry.rows, geometry.columns)
        let limit = TilePrediction.offsetLimit
        guard rows > 4 * limit + 2, columns > 4 * limit + 2 else { return .none }
        let side = 2 * limit + 1
        var differences = [Float](repeating: 0, count: side * side)
        for place in Set((0..<Self.bandCount).map { $0 * max(bands - 1, 0) / (Self.bandCount - 1) }) {
            let own = normalisation.values(of: samples, place: place, path: path)
            own.withUnsafeBufferPointer { own in
                reference.values.values.withUnsafeBufferPointer { its in
                    guard let own = own.baseAddress, let its = its.baseAddress else { return }
                    let known = its + place * rows * columns
                    for row in stride(from: limit + 1, to: rows - limit - 1, by: Self.rowStep) {
                        for index in differences.indices {
                            let move = (index / side - limit) * columns + index % side - limit
                            differences[index] += Self.difference(
                                own + row * columns, known + row * columns + move, columns: columns, margin: limit + 1)
                        }
                    }
                }
            }
        }
        let none = limit * side + limit
        guard let best = differences.indices.min(by: { differences[$0] < differences[$1] }),
            differences[best] < Self.worthwhile * differences[none]
        else { return .none }
        return TilePrediction.Offset(row: best / side - limit, column: best % side - limit)
    }

    /// Squared differences of the steps along and across a row.
    private static func difference(
        _ own: UnsafePointer<Float>, _ its: UnsafePointer<Float>, columns: Int, margin: Int
    ) -> Float {
        var sum = SIMD8<Float>()
        var index = margin
        while index + 8 <= columns - margin {
            let load = { (base: UnsafePointer<Float>, offset: Int) in
                UnsafeRawPointer(base + offset).loadUnaligned(as: SIMD8<Float>.self)
            }
            let along = load(own, index) - load(own, index - 1) - load(its, index) + load(its, index - 1)
            let across =
                load(own, index) - load(own, index - columns) - load(its, index) + load(its, index - columns)
            sum += along * along + across * across
            index += 8
        }
        return sum.sum()
    }
}

extension FrameEncoder {
    /// How far a reference is from a frame: the share of the frame's fine structure that is left of it when the reference is
    /// taken off, above 1 where it only harms. Inexact: to choose among references.
    public func unlikeness(of reference: FrameReference, to samples: Samples) throws(CodecError) -> Double {
        guard let transform else { return .infinity }
        return try transform.unlikeness(of: reference, to: samples)
    }
}

extension FrameEncoder {
    /// How many quarters of a second reference beside a first come nearest to a frame, 0 to 4: above
    /// `FrameReference.mixLimit` the second is the better first one. What either misses counts as they fill it.
    public func quarters(
        of second: FrameReference, beside first: FrameReference, to samples: Samples
    ) throws(CodecError) -> Int {
        guard let transform else { return 0 }
        return try transform.quarters(of: second, beside: first, to: samples)
    }
}

extension FrameTransform {
    func quarters(
        of second: FrameReference, beside first: FrameReference, to samples: Samples
    ) throws(CodecError) -> Int {
        try normalisation.check(samples)
        try check(first)
        try check(second)
        let (rows, columns) = (geometry.rows, geometry.columns)
        // of the steps: |x - first|², |x - second|², |second - first|²
        var (near, far, apart): (Float, Float, Float) = (0, 0, 0)
        for place in 0..<bands {
            let own = normalisation.values(of: samples, place: place, path: path)
            own.withUnsafeBufferPointer { own in
                first.values.values.withUnsafeBufferPointer { first in
                    second.values.values.withUnsafeBufferPointer { second in
                        guard let own = own.baseAddress, let first = first.baseAddress,
                            let second = second.baseAddress
                        else { return }
                        for row in 1..<max(rows, 1) {
                            let (at, known) = (row * columns, (place * rows + row) * columns)
                            near += Self.difference(own + at, first + known, columns: columns, margin: 1)
                            far += Self.difference(own + at, second + known, columns: columns, margin: 1)
                            apart += Self.difference(first + known, second + known, columns: columns, margin: 1)
                        }
                    }
                }
            }
        }
        guard apart > 0 else { return 0 }
        // |x - first - μ (second - first)|² is least at μ = (near - far + apart) ÷ 2 apart
        return Int(min(max(2 * (near - far + apart) / apart, 0), 4).rounded())
    }

    func unlikeness(of reference: FrameReference, to samples: Samples) throws(CodecError) -> Double {
        try normalisation.check(samples)
        let (rows, columns) = (geometry.rows, geometry.columns)
        var (left, whole): (Float, Float) = (0, 0)
        let nothing = [Float](repeating: 0, count: 2 * columns)
        for place in Set((0..<Self.bandCount).map { $0 * max(bands - 1, 0) / (Self.bandCount - 1) }) {
            let own = normalisation.values(of: samples, place: place, path: path)
            let first = place * rows * columns
            own.withUnsafeBufferPointer { own in
                reference.values.values.withUnsafeBufferPointer { its in
                    nothing.withUnsafeBufferPointer { nothing in
                        guard let own = own.baseAddress, let its = its.baseAddress, let nothing = nothing.baseAddress
                        else { return }
                        for row in stride(from: 1, to: rows, by: Self.rowStep) {
                            let place = row * columns
                            left += Self.difference(own + place, its + first + place, columns: columns, margin: 1)
                            whole += Self.difference(own + place, nothing + columns, columns: columns, margin: 1)
                        }
                    }
                }
            }
        }
        return Double(left) / Double(max(whole, 1))
    }
}
