public import PerigeeCore

/// What both ends know of the ground of a frame before it comes: earlier frames of the place as a decoder gives them,
/// put together on the frame's grid. Both ends make the same bits of it. Source: Docs/packet-format.md, section 5.12.
public struct FrameReference: Sendable {
    /// Values of section 5.1, bands in coding order, places that nothing covers filled.
    let values: Planes
    /// Earlier frames that one reference is made of, at most.
    public static let partLimit = 4
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

    /// The reference of a frame of `stream`: at each place the first of `parts` that has a valid sample there. A band is
    /// taken from the band of the same name, else from the one nearest in wavelength. Fails for verbatim streams, which
    /// have no prediction, for frames of more than `FrameDecoder.sampleLimit` octets, which a declaration can claim at will, and
    /// where a part's samples are not those of its stream.
    public init(_ parts: [Part], of stream: StreamDescription, model: CodecModel) throws(CodecError) {
        try self.init(parts, of: stream, model: model, path: .best)
    }

    /// As above on a named copy of the kernels; all give the same bits.
    package init(
        _ parts: [Part], of stream: StreamDescription, model: CodecModel, path: StrictPath
    ) throws(CodecError) {
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
        var values = [Float](repeating: 0, count: bands * rows * columns)
        var masks = [[UInt8]](repeating: [UInt8](repeating: 0, count: rows * columns), count: bands)
        for part in parts {
            let source = try FrameTransform(part.stream, model: model.spectral, path: path).values(of: part.samples)
            for (band, from) in Self.matches(stream, part.stream).enumerated() {
                guard let from else { continue }
                Self.copy(source, band: from, part, rows: rows, columns: columns, to: &values, &masks[band], band: band)
            }
        }
        let validity = Validity(bands: bands, rows: rows, columns: columns, masks: masks)
        let covered = masks.reduce(0) { $0 + $1.reduce(0) { $0 + Int($1) } }
        coverage = Double(covered) / Double(max(bands * rows * columns, 1))
        let filled = try FrameTransform(stream, model: model.spectral, path: path).filled(
            Planes(components: bands, rows: rows, columns: columns, values: values), validity)
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

    /// Copies the valid values of one band to places that have none yet.
    private static func copy(
        _ source: (values: Planes, validity: Validity), band from: Int, _ part: Part, rows: Int, columns: Int,
        to values: inout [Float], _ mask: inout [UInt8], band: Int
    ) {
        let own = (rows: source.values.rows, columns: source.values.columns)
        let (lowest, highest) = (max(0, part.row), min(rows, part.row.addingClamped(own.rows)))
        let (left, right) = (max(0, part.column), min(columns, part.column.addingClamped(own.columns)))
        guard lowest < highest, left < right else { return }
        let valid = source.validity.mask(of: from)
        for row in lowest..<highest {
            let start = (row - part.row) * own.columns - part.column
            let target = (band * rows + row) * columns
            for column in left..<right
            where mask[row * columns + column] == 0 && valid?[start + column] != 0 {
                values[target + column] = source.values.values[from * own.rows * own.columns + start + column]
                mask[row * columns + column] = 1
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
