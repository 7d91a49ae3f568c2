public import PerigeeCore

/// One whole message from a source. Source: Docs/frame-format.md.
public struct FrameMessage: Equatable, Sendable {
    public var header: FrameHeader
    /// Of a frame; nil for heartbeats and ends.
    public var samples: Samples?

    /// Reads the parts of a message: topic, header, samples. Costs one pass over the samples; plain samples are not copied.
    public init(parsing parts: [[UInt8]], limits: FrameLimits) throws(FrameFormatError) {
        let header = try Self.header(parsing: parts, limits: limits)
        self.header = header
        samples = header.kind == .frame ? try header.samples(decoding: parts[2]) : nil
    }

    /// Reads everything but the samples, and checks that they can be what the header says: cheap, for the thread that
    /// receives. `FrameHeader.samples(decoding:)` does the rest.
    public static func header(parsing parts: [[UInt8]], limits: FrameLimits) throws(FrameFormatError) -> FrameHeader {
        guard parts.count == 3 || parts.count == 2 else { throw .parts(found: parts.count) }
        guard parts[0].count <= FrameLimits.topicSize else {
            throw .topicTooLong(size: parts[0].count, limit: FrameLimits.topicSize)
        }
        let header = try FrameHeader(parsing: parts[1][...], limits: limits)
        guard let shape = header.shape else { return header }
        guard parts.count == 3 else { throw .parts(found: parts.count) }
        if header.encoding == .none, parts[2].count != shape.size {
            throw .length(found: parts[2].count, expected: shape.size)
        }
        return header
    }

    /// The frame, where this is one. `profileNodata` holds where the message names no nodata of its own.
    public func frame(profileNodata: Double?) throws(FormatError) -> Frame? {
        guard let samples else { return nil }
        return try Frame(description: header.description(profileNodata: profileNodata), samples: samples)
    }
}

extension FrameHeader {
    /// The samples of a frame out of the third part of its message: checksum, decompression, length and infinities are
    /// checked. Allocates at most the octets that `shape` names.
    public func samples(decoding part: [UInt8]) throws(FrameFormatError) -> Samples {
        guard let shape else { throw .missing(field: "shape") }
        if let checksum {
            let computed = CRC32C.checksum(part)
            guard computed == checksum else { throw .checksum(found: checksum, computed: computed) }
        }
        let octets: [UInt8]
        switch encoding {
        case .none: octets = part
        case .zstd: octets = try SampleCompression.decompress(part, size: shape.size)
        }
        let samples: Samples
        do {
            samples = try Samples(
                type: shape.type, bands: shape.bands, rows: shape.rows, columns: shape.columns, bytes: octets)
        } catch {
            throw .length(found: octets.count, expected: shape.size)
        }
        if shape.type == .float32, let index = Self.firstInfinity(octets) {
            let plane = shape.rows * shape.columns
            throw .infinite(
                band: description.bandNames[index / plane], row: index % plane / shape.columns,
                column: index % shape.columns)
        }
        return samples
    }

    /// Index of the first float32 that is infinite.
    private static func firstInfinity(_ octets: [UInt8]) -> Int? {
        octets.withUnsafeBytes { raw in
            for offset in stride(from: 0, to: raw.count - 3, by: 4) {
                let bits = UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                if bits & 0x7FFF_FFFF == 0x7F80_0000 { return offset / 4 }
            }
            return nil
        }
    }
}
