import PerigeeCodec
import PerigeeCore

/// Encodes one frame into `count` layers within cumulative `budgets` in octets, coarse to fine. The layers lie behind each
/// other in `payload`; `sizes` gets their octets. `choice` of `choiceSize` octets (as `perigee_transform_forward` gives it)
/// names the basis; the encoder chooses where it has none. `reference`: null, or what earlier frames say; `isPredicted` gets
/// 1 where the layers use it, else 0. Gives the octets of all.
@_cdecl("perigee_encode")
public func encode(
    _ stream: UnsafeMutableRawPointer?, _ samples: UnsafePointer<UInt8>?, _ size: Int, _ budgets: UnsafePointer<Int64>?,
    _ count: Int, _ choice: UnsafePointer<UInt8>?, _ choiceSize: Int, _ reference: UnsafeMutableRawPointer?,
    _ payload: UnsafeMutablePointer<UInt8>?, _ payloadCapacity: Int, _ sizes: UnsafeMutablePointer<Int64>?,
    _ isPredicted: UnsafeMutablePointer<Int64>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let budgets, let sizes, count > 0 else { throw CallError(description: "budgets or sizes are null") }
        let limits = (0..<count).map { Int(budgets[$0]) }
        let samples = try stream.samples(samples, size)
        let frame =
            choiceSize == 0
            ? try stream.encoder.encode(samples, budgets: limits, reference: PerigeeC.reference(reference))
            : try stream.encoder.encode(
                samples, budgets: limits,
                choice: parseChoice(octets(choice, choiceSize, "the choice"), stream))
        for index in 0..<count { sizes[index] = Int64(index < frame.layers.count ? frame.layers[index].count : 0) }
        isPredicted?.pointee = frame.isPredicted ? 1 : 0
        return try copy(Array(frame.layers.joined()), to: payload, capacity: payloadCapacity)
    }
}

/// As `perigee_encode` with one layer more, after which no sample is farther from the original than the bound of its band:
/// `bounds` has one a band in the order of the samples, 0 is lossless. `sizes` has room for `count` + 1 layers.
@_cdecl("perigee_encode_bounded")
public func encodeBounded(
    _ stream: UnsafeMutableRawPointer?, _ samples: UnsafePointer<UInt8>?, _ size: Int, _ budgets: UnsafePointer<Int64>?,
    _ count: Int, _ bounds: UnsafePointer<Double>?, _ boundCount: Int, _ reference: UnsafeMutableRawPointer?,
    _ payload: UnsafeMutablePointer<UInt8>?, _ payloadCapacity: Int, _ sizes: UnsafeMutablePointer<Int64>?,
    _ isPredicted: UnsafeMutablePointer<Int64>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let budgets, let sizes, let bounds, count > 0, boundCount >= 0 else {
            throw CallError(description: "budgets, bounds or sizes are null")
        }
        let frame = try stream.encoder.encode(
            stream.samples(samples, size), budgets: (0..<count).map { Int(budgets[$0]) },
            reference: PerigeeC.reference(reference),
            bound: .byBand(Array(UnsafeBufferPointer(start: bounds, count: boundCount))))
        for index in 0...count { sizes[index] = Int64(index < frame.layers.count ? frame.layers[index].count : 0) }
        isPredicted?.pointee = frame.isPredicted ? 1 : 0
        return try copy(Array(frame.layers.joined()), to: payload, capacity: payloadCapacity)
    }
}

/// Decodes a frame from the octets at hand: layers behind each other in `payload`, `sizes` of `count` layers, any of them
/// cut; `reference`: that of a predicted frame, null of others. Writes `size` octets of samples.
@_cdecl("perigee_decode")
public func decode(
    _ stream: UnsafeMutableRawPointer?, _ payload: UnsafePointer<UInt8>?, _ sizes: UnsafePointer<Int64>?, _ count: Int,
    _ reference: UnsafeMutableRawPointer?, _ samples: UnsafeMutablePointer<UInt8>?, _ size: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        return try copy(
            stream.decoder.decode(layers: layers(payload, sizes, count), reference: PerigeeC.reference(reference))
                .bytes, to: samples, capacity: size)
    }
}

/// As `perigee_decode` for the window of `width` columns and `height` rows from column `x`, row `y` on: the same samples
/// as there, of the tiles that it depends on alone.
@_cdecl("perigee_decode_window")
public func decodeWindow(
    _ stream: UnsafeMutableRawPointer?, _ payload: UnsafePointer<UInt8>?, _ sizes: UnsafePointer<Int64>?, _ count: Int,
    _ x: Int, _ y: Int, _ width: Int, _ height: Int, _ reference: UnsafeMutableRawPointer?,
    _ samples: UnsafeMutablePointer<UInt8>?,
    _ size: Int, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        let made = try stream.decoder.decode(
            layers: layers(payload, sizes, count), window: FrameWindow(x: x, y: y, width: width, height: height),
            reference: PerigeeC.reference(reference))
        return try copy(made.bytes, to: samples, capacity: size)
    }
}

/// Layers that lie behind each other, copied.
func layers(
    _ payload: UnsafePointer<UInt8>?, _ sizes: UnsafePointer<Int64>?, _ count: Int
) throws -> [ArraySlice<UInt8>] {
    guard let sizes, count >= 0 else { throw CallError(description: "the sizes are null") }
    var layers: [ArraySlice<UInt8>] = []
    var offset = 0
    for index in 0..<count {
        guard let octets = Int(exactly: sizes[index]), octets >= 0, octets <= 1 << 31, let payload else {
            throw CallError(description: "the size of layer \(index) is \(sizes[index])")
        }
        layers.append(Array(UnsafeBufferPointer(start: payload + offset, count: octets))[...])
        offset += octets
    }
    return layers
}
