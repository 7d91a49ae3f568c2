internal import PerigeeCore

/// Which packet numbers need no more sending: all up to `cumulative`, and those in `ranges` above it.
public struct Acknowledgement: Equatable, Sendable {
    /// Everything up to here; 0 is nothing.
    public var cumulative: UInt64
    /// Ascending, apart from each other and from `cumulative`, at most `LinkLimit.ranges`.
    public var ranges: [Range<UInt64>]

    /// See the properties.
    public init(cumulative: UInt64 = 0, ranges: [Range<UInt64>] = []) {
        self.cumulative = cumulative
        self.ranges = ranges
    }

    /// Whether it covers `number`.
    public func contains(_ number: UInt64) -> Bool {
        number <= cumulative || ranges.contains { $0.contains(number) }
    }

    /// The greatest number it covers.
    public var highest: UInt64 { ranges.last.map { $0.upperBound - 1 } ?? cumulative }

    func pack(into writer: inout ByteWriter) {
        writer.writeVarint(ranges.count)
        var end = cumulative + 1
        for range in ranges {
            writer.writeVarint(range.lowerBound - end)
            writer.writeVarint(range.upperBound - range.lowerBound)
            end = range.upperBound
        }
    }

    /// Reads the ranges behind a cumulative number that was read before.
    init(cumulative: UInt64, parsing reader: inout ByteReader) throws(FormatError) {
        let count = try reader.readVarint("range count", limit: LinkLimit.ranges)
        self.init(cumulative: cumulative)
        var end = cumulative + 1
        for _ in 0..<count {
            let start = try reader.readStep("range skip", from: end)
            let next = try reader.readStep("range length", from: start)
            ranges.append(start..<next)
            end = next
        }
    }
}

extension ByteReader {
    /// A packet number below the limit.
    mutating func readNumber(_ field: String) throws(FormatError) -> UInt64 {
        let number = try readVarint(field)
        guard number < LinkLimit.number else {
            throw .outOfRange(field: field, value: Int(clamping: number), limit: Int(LinkLimit.number) - 1)
        }
        return number
    }

    /// `base` plus a step of at least 1.
    mutating func readStep(_ field: String, from base: UInt64) throws(FormatError) -> UInt64 {
        let step = try readNumber(field)
        guard step > 0 else { throw .unknown(field: field, value: "0", expected: "1 or more") }
        guard base + step < LinkLimit.number else {
            throw .outOfRange(field: field, value: Int(clamping: step), limit: Int(LinkLimit.number - base) - 1)
        }
        return base + step
    }
}
