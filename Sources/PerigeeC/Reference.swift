import PerigeeCodec
import PerigeeCore

/// What earlier frames say of the ground of a frame of one stream.
final class Reference: Sendable {
    let codec: FrameReference

    init(_ codec: FrameReference) { self.codec = codec }
}

/// The reference of frames of `stream`: of `count` earlier frames, the samples behind each other in `samples`, each as its
/// own of `streams` has them; the first sample of each lies at `places[2 i]` rows and `places[2 i + 1]` columns of the new frame.
/// At each place the first frame counts that has a valid sample there, and `mix` quarters of the way from it to the next
/// one that has.
@_cdecl("perigee_reference_open")
public func openReference(
    _ stream: UnsafeMutableRawPointer?, _ streams: UnsafePointer<UnsafeMutableRawPointer?>?,
    _ places: UnsafePointer<Int64>?, _ count: Int, _ mix: Int, _ samples: UnsafePointer<UInt8>?, _ size: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> UnsafeMutableRawPointer? {
    callForHandle(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let streams, let places, let samples, count > 0, count <= FrameReference.partLimit else {
            throw CallError(description: "a reference has 1 to \(FrameReference.partLimit) frames, not \(count)")
        }
        var parts: [FrameReference.Part] = []
        var offset = 0
        for index in 0..<count {
            let source = try object(streams[index], as: Stream.self)
            guard size - offset >= source.sampleSize else {
                throw CallError(description: "the samples of frame \(index) of the reference are cut")
            }
            parts.append(
                FrameReference.Part(
                    samples: try source.samples(samples + offset, source.sampleSize), stream: source.description,
                    row: Int(places[2 * index]), column: Int(places[2 * index + 1])))
            offset += source.sampleSize
        }
        return try Reference(FrameReference(parts, mix: mix, of: stream.description, model: stream.model))
    }
}

/// The hash by which a packet names a reference.
@_cdecl("perigee_reference_hash")
public func referenceHash(
    _ reference: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) { Int(try object(reference, as: Reference.self).codec.hash) }
}

/// How many quarters of the second reference beside the first come nearest to a frame, 0 to 4; above 2 the second is the
/// better first one.
@_cdecl("perigee_reference_quarters")
public func referenceQuarters(
    _ stream: UnsafeMutableRawPointer?, _ samples: UnsafePointer<UInt8>?, _ size: Int,
    _ first: UnsafeMutableRawPointer?, _ second: UnsafeMutableRawPointer?,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        return try stream.encoder.quarters(
            of: object(second, as: Reference.self).codec, beside: object(first, as: Reference.self).codec,
            to: stream.samples(samples, size))
    }
}

/// The reference behind a handle, nil for none.
func reference(_ handle: UnsafeMutableRawPointer?) throws -> FrameReference? {
    try handle.map { try object($0, as: Reference.self).codec }
}
