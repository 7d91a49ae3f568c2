import PerigeeCodec
import PerigeeCore

/// Strict forward transform of one frame: `coefficients` `[components][rows][columns]` in Mallat layout, and the spectral
/// choice: an octet of mode, the octets of a fitted basis, the records of all tiles. `choiceSize` octets of `choice` are used where above 0;
/// else the encoder chooses for `budget` octets and writes its choice to `choice` (room for `choiceCapacity`). Gives the
/// octets of the choice.
@_cdecl("perigee_transform_forward")
public func forward(
    _ stream: UnsafeMutableRawPointer?, _ samples: UnsafePointer<UInt8>?, _ size: Int, _ budget: Int,
    _ choice: UnsafeMutablePointer<UInt8>?, _ choiceSize: Int, _ choiceCapacity: Int,
    _ coefficients: UnsafeMutablePointer<Float>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let coefficients, let choice else { throw CallError(description: "a result is null") }
        let samples = try stream.samples(samples, size)
        let validity = try stream.transform.validity(of: samples)
        let planes: Planes
        var octets: [UInt8]
        if choiceSize > 0 {
            octets = Array(UnsafeBufferPointer(start: choice, count: choiceSize))
            planes = try stream.transform.forward(
                samples, validity: validity, choice: parseChoice(octets, stream))
        } else {
            let made = try stream.transform.forward(samples, validity: validity, budget: budget)
            planes = made.coefficients
            octets = choiceOctets(made.choice, stream)
            guard octets.count <= choiceCapacity else {
                throw CallError(
                    description: "the choice takes \(octets.count) octets, there is room for \(choiceCapacity)")
            }
            for (index, octet) in octets.enumerated() { choice[index] = octet }
        }
        planes.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            coefficients.update(from: base, count: values.count)
        }
        return octets.count
    }
}

/// Strict inverse transform. `masks`: null where all samples are valid, else `[bands][rows][columns]` octets in coding
/// order, 0 where invalid. Writes `size` octets of samples.
@_cdecl("perigee_transform_inverse")
public func inverse(
    _ stream: UnsafeMutableRawPointer?, _ coefficients: UnsafePointer<Float>?, _ choice: UnsafePointer<UInt8>?,
    _ choiceSize: Int, _ masks: UnsafePointer<UInt8>?, _ samples: UnsafeMutablePointer<UInt8>?, _ size: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        let (bands, rows, columns) = (
            stream.description.bands.count, stream.description.rows, stream.description.columns
        )
        guard let coefficients else { throw CallError(description: "the coefficients are null") }
        let planes = Planes(
            components: bands, rows: rows, columns: columns,
            values: Array(UnsafeBufferPointer(start: coefficients, count: stream.sampleCount)))
        var validity = Validity(allValid: bands, rows: rows, columns: columns)
        if let masks {
            let count = rows * columns
            validity = Validity(
                bands: bands, rows: rows, columns: columns,
                masks: (0..<bands).map { Array(UnsafeBufferPointer(start: masks + $0 * count, count: count)) })
        }
        let made = try stream.transform.inverse(
            planes, choice: parseChoice(octets(choice, choiceSize, "the choice"), stream), validity: validity)
        return try copy(made.bytes, to: samples, capacity: size)
    }
}

/// The octets that `parseChoice` reads.
func choiceOctets(_ choice: SpectralChoice, _ stream: Stream) -> [UInt8] {
    [UInt8(choice.mode)] + choice.parameters
        + choice.packTiles(bands: stream.description.bands.count, levels: stream.transform.levels)
}

/// A choice as its octets say: the mode, the octets of a fitted basis, the records of all tiles.
func parseChoice(_ octets: [UInt8], _ stream: Stream) throws -> SpectralChoice {
    guard let mode = octets.first else { throw CallError(description: "the choice has no octets") }
    let bands = stream.description.bands.count
    var reader = ByteReader(octets.dropFirst())
    var choice = try SpectralChoice(mode: Int(mode), parsing: &reader, bands: bands)
    if reader.remaining > 0 {
        try choice.parseTiles(
            octets.suffix(reader.remaining), bands: bands, levels: stream.transform.levels, tiles: stream.tileCount)
    }
    return choice
}

/// Copies a result; gives its size.
func copy(_ bytes: [UInt8], to target: UnsafeMutablePointer<UInt8>?, capacity: Int) throws -> Int {
    guard bytes.count <= capacity, let target else {
        throw CallError(description: "the result takes \(bytes.count) octets, there is room for \(capacity)")
    }
    bytes.withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        target.update(from: base, count: bytes.count)
    }
    return bytes.count
}
