public import PerigeeCore

/// What both ends know of the ground of a frame before it comes: earlier frames of the place as a decoder gives them,
/// put together on the frame's grid. Both ends make the same bits of it. Source: Docs/packet-format.md, section 5.12.
public struct FrameReference: Sendable {
    /// Values of section 5.1, bands in coding order, places that nothing covers filled.
    let values: Planes
    /// Earlier frames that one reference is made of, at most.
    public static let partLimit = 4
    /// Quarters that the second frame which shows a place has in it, at most.
    public static let mixLimit = 2
    /// What the reference is named by beside its frames: the CRC-32C of the values, as little-endian singles.
    public let hash: UInt32
    /// Share of the samples that an earlier frame covers, 0 to 1.
    public let coverage: Double

    /// One earlier frame, decoded from the layers that both ends have.
    public struct Part: Sendable {
        public let samples: Samples
        public let stream: StreamDescription
        /// Where its first sample lies in the new frame, in rows and columns; any number, also below 0.
        public let row: Int
        public let column: Int

        public init(samples: Samples, stream: StreamDescription, row: Int, column: Int) {
            (self.samples, self.stream, self.row, self.column) = (samples, stream, row, column)
        }
    }

    /// The reference of a frame of `stream`: at each place the first of `parts` that has a valid sample there, and `mix`
    /// quarters of the way from it to the next one that has. A band is taken from the band of the same name, else from the
    /// one nearest in wavelength. Fails for verbatim streams, which
    /// have no prediction, for frames of more than `FrameDecoder.sampleLimit` octets, which a declaration can claim at will, and
    /// where a part's samples are not those of its stream.
    public init(
        _ parts: [Part], mix: Int = 0, of stream: StreamDescription, model: CodecModel
    ) throws(CodecError) {
        try self.init(parts, mix: mix, of: stream, model: model, path: .best)
    }

    /// As above on a named copy of the kernels; all give the same bits.
    package init(
        _ parts: [Part], mix: Int = 0, of stream: StreamDescription, model: CodecModel, path: StrictPath
    ) throws(CodecError) {
        guard (0...Self.mixLimit).contains(mix) else {
            throw .outOfRange(field: "quarters of a second reference", value: mix, limit: Self.mixLimit)
        }
        guard parts.count <= Self.partLimit else {
            throw .outOfRange(field: "frames of a reference", value: parts.count, limit: Self.partLimit)
        }
        guard stream.declaration.coding == .tokens else {
            throw .unusable(field: "stream", found: "verbatim", expected: "a stream of tokens: it alone is predicted")
        }
        let (rows, columns, bands) = (stream.rows, stream.columns, stream.bands.count)
        do throws(FormatError) {
            _ = try Samples.size(
                type: stream.sampleType, bands: bands, rows: rows, columns: columns, limit: FrameDecoder.sampleLimit)
        } catch { throw .format(error) }
        var ground = Ground(bands: bands, rows: rows, columns: columns, share: Float(mix) * 0.25)
        for part in parts {
            let source = try FrameTransform(part.stream, model: model.spectral, path: path).values(of: part.samples)
            for (band, from) in Self.matches(stream, part.stream).enumerated() {
                if let from { ground.add(source, band: from, part, to: band) }
            }
        }
        let validity = Validity(bands: bands, rows: rows, columns: columns, masks: ground.masks)
        let covered = ground.masks.reduce(0) { $0 + $1.reduce(0) { $0 + Int($1) } }
        coverage = Double(covered) / Double(max(bands * rows * columns, 1))
        let filled = try FrameTransform(stream, model: model.spectral, path: path).filled(
            Planes(components: bands, rows: rows, columns: columns, values: ground.values), validity)
        self.values = filled
        hash = filled.values.withUnsafeBytes { CRC32C.checksum($0) }
    }

    /// For each band in coding order the place in the other stream's coding order of the band that stands for it.
    static func matches(_ stream: StreamDescription, _ other: StreamDescription) -> [Int?] {
        let candidates = other.codingOrder.map { other.bands[$0] }
        return stream.codingOrder.map { index in
            let band = stream.bands[index]
            if let same = candidates.firstIndex(where: { $0.name == band.name }) { return same }
            guard let wavelength = band.centerWavelength else { return nil }
            var best: (place: Int, distance: Double)?
            for (place, candidate) in candidates.enumerated() {
                guard let its = candidate.centerWavelength else { continue }
                let distance = (its - wavelength).magnitude
                if distance < best?.distance ?? .infinity { best = (place, distance) }
            }
            return best?.place
        }
    }
}

/// What parts put together so far.
private struct Ground {
    let rows: Int
    let columns: Int
    /// What the second valid value at a place has in the result.
    let share: Float
    var values: [Float]
    /// By band, 1 where a part has a valid value.
    var masks: [[UInt8]]
    /// By band, 1 where two parts have one; empty where a second one counts for nothing.
    private var mixed: [[UInt8]]

    init(bands: Int, rows: Int, columns: Int, share: Float) {
        (self.rows, self.columns, self.share) = (rows, columns, share)
        values = [Float](repeating: 0, count: bands * rows * columns)
        masks = [[UInt8]](repeating: [UInt8](repeating: 0, count: rows * columns), count: bands)
        mixed = share == 0 ? [] : masks
    }

    /// Adds one band of a part.
    mutating func add(
        _ source: (values: Planes, validity: Validity), band from: Int, _ part: FrameReference.Part, to band: Int
    ) {
        let own = (rows: source.values.rows, columns: source.values.columns)
        let (lowest, highest) = (max(0, part.row), min(rows, part.row.addingClamped(own.rows)))
        let (left, right) = (max(0, part.column), min(columns, part.column.addingClamped(own.columns)))
        guard lowest < highest, left < right else { return }
        let valid = source.validity.mask(of: from)
        for row in lowest..<highest {
            let start = (row - part.row) * own.columns - part.column
            let target = (band * rows + row) * columns
            for column in left..<right where valid?[start + column] != 0 {
                let place = row * columns + column
                let value = source.values.values[from * own.rows * own.columns + start + column]
                if masks[band][place] == 0 {
                    values[target + column] = value
                    masks[band][place] = 1
                } else if share > 0, mixed[band][place] == 0 {
                    values[target + column] += (value - values[target + column]) * share
                    mixed[band][place] = 1
                }
            }
        }
    }
}

extension Int {
    /// The sum, or the greatest number where it has none.
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
