internal import PerigeeCore

/// What a walk through the octets of a segment finds: whole records, and damage between or behind them.
struct SegmentScan {
    /// A whole record and its place in the segment.
    struct Found {
        let record: SegmentRecord
        let offset: Int
        let size: Int
    }

    private let bytes: [UInt8]
    /// Offset in the segment of the first octet given.
    private let base: Int
    private var position = 0
    /// End in the segment of the last whole record, or the start.
    private(set) var end: Int
    /// Octets that were passed over between whole records.
    private(set) var damagedSize = 0

    /// Walks `bytes`, which stand at `base` in the segment.
    init(_ bytes: [UInt8], base: Int) {
        self.bytes = bytes
        self.base = base
        end = base
    }

    /// Octets behind the last whole record.
    var tailSize: Int { base + bytes.count - end }

    /// The next whole record; after damage the search goes on octet by octet. nil where there are no more.
    mutating func next() -> Found? {
        while position < bytes.count {
            if let (record, size) = try? SegmentRecord.parse(bytes[position...]) {
                let offset = base + position
                damagedSize += offset - end
                position += size
                end = base + position
                return Found(record: record, offset: offset, size: size)
            }
            position += 1
        }
        return nil
    }
}
