import PerigeeCodec

/// Intervals that the strict coefficients of the filled original lie in, of the octets at hand and the reference (as `perigee_decode`):
/// `lower`, `upper` and `measurement` are `[components][rows][columns]` in Mallat layout, in the units of
/// `perigee_transform_forward` under the choice that goes to `choice` (an octet of mode, the octets of a fitted basis, the records of
/// all tiles).
/// `lower <= coefficient <= upper`, infinite where nothing bounds it. `measurement` is 0 where a coefficient's support
/// touches a missing sample, else 1. Gives the octets of the choice.
@_cdecl("perigee_intervals")
public func intervals(
    _ stream: UnsafeMutableRawPointer?, _ payload: UnsafePointer<UInt8>?, _ sizes: UnsafePointer<Int64>?, _ count: Int,
    _ reference: UnsafeMutableRawPointer?, _ lower: UnsafeMutablePointer<Float>?, _ upper: UnsafeMutablePointer<Float>?,
    _ measurement: UnsafeMutablePointer<UInt8>?, _ choice: UnsafeMutablePointer<UInt8>?, _ choiceCapacity: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let lower, let upper, let measurement else { throw CallError(description: "a result is null") }
        let known = try stream.decoder.intervals(
            layers: layers(payload, sizes, count), reference: PerigeeC.reference(reference))
        let size = try copy(choiceOctets(known.choice, stream), to: choice, capacity: choiceCapacity)
        // one number for each sample: the transform has as many components as bands
        write(known.lower, to: lower)
        write(known.upper, to: upper)
        write(known.isMeasurement, to: measurement)
        return size
    }
}

private func write<Element>(_ numbers: [Element], to target: UnsafeMutablePointer<Element>) {
    numbers.withUnsafeBufferPointer { numbers in
        guard let base = numbers.baseAddress else { return }
        target.update(from: base, count: numbers.count)
    }
}
