public import PerigeeCore

/// One packet as the archive keeps it. Source: Docs/archive-format.md section 2.
public struct ArchiveRecord: Equatable, Sendable {
    public static let stationLimit = 32

    /// Who sent it; at most 32 octets.
    public var station: String
    public var epoch: Epoch
    /// Its number in the epoch, from 1.
    public var number: UInt64
    /// When the gateway got it.
    public var received: Timestamp
    public var packet: ArraySlice<UInt8>

    /// See the properties.
    public init(station: String, epoch: Epoch, number: UInt64, received: Timestamp, packet: ArraySlice<UInt8>) {
        self.station = station
        self.epoch = epoch
        self.number = number
        self.received = received
        self.packet = packet
    }

    /// The packet's own checksum: its last four octets.
    var checksum: UInt32 { packet.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) } }
}

/// One tombstone as the archive keeps it: why numbers of an epoch will never come.
public struct TombstoneRecord: Equatable, Sendable {
    /// Who sent it; at most 32 octets.
    public var station: String
    public var epoch: Epoch
    /// When the gateway got it.
    public var received: Timestamp
    public var tombstone: Tombstone

    /// See the properties.
    public init(station: String, epoch: Epoch, received: Timestamp, tombstone: Tombstone) {
        self.station = station
        self.epoch = epoch
        self.received = received
        self.tombstone = tombstone
    }
}

/// What stands in a segment: its octets. Source: Docs/archive-format.md section 2.
enum SegmentRecord: Equatable {
    case packet(ArchiveRecord)
    case tombstone(TombstoneRecord)

    /// Octets behind the size field, least and most.
    static let sizeRange = 26...8_300
    private static let packetKind: UInt8 = 1
    private static let tombstoneKind: UInt8 = 2

    func packed() -> [UInt8] {
        var body = ByteWriter()
        switch self {
        case .packet(let record):
            body.write(Self.packetKind)
            Self.begin(record.station, record.epoch, record.number, record.received, &body)
            body.write(record.packet)
        case .tombstone(let record):
            let tombstone = record.tombstone
            body.write(Self.tombstoneKind)
            Self.begin(record.station, record.epoch, tombstone.numbers.lowerBound, record.received, &body)
            body.writeVarint(tombstone.numbers.upperBound - tombstone.numbers.lowerBound)
            body.write(tombstone.reason.rawValue)
            body.writeVarint(tombstone.frames)
            body.writeVarint(tombstone.size)
            body.writeSignedVarint(tombstone.first.milliseconds)
            body.writeSignedVarint(tombstone.last.milliseconds)
        }
        var writer = ByteWriter()
        writer.write(UInt32(body.bytes.count + 4))
        writer.write(body.bytes)
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    private static func begin(
        _ station: String, _ epoch: Epoch, _ number: UInt64, _ received: Timestamp, _ body: inout ByteWriter
    ) {
        body.writeText(station)
        body.write(epoch.bytes)
        body.writeVarint(number)
        body.writeSignedVarint(received.milliseconds)
    }

    /// The record at the start of `bytes`, and how many octets it takes there.
    static func parse(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> (record: SegmentRecord, size: Int) {
        var reader = ByteReader(bytes)
        let size = Int(try reader.read("record size", as: UInt32.self))
        guard sizeRange.contains(size) else {
            throw .outOfRange(field: "record size", value: size, limit: sizeRange.upperBound)
        }
        let rest = try reader.read("record", count: size)
        let covered = bytes.prefix(size)  // 4 octets of size, less the 4 of the checksum
        var tail = ByteReader(rest.suffix(4))
        let found = try tail.read("record checksum", as: UInt32.self)
        let computed = CRC32C.checksum(covered)
        guard found == computed else { throw .checksum(field: "record checksum", found: found, computed: computed) }
        var body = ByteReader(rest.dropLast(4))
        let kind = try body.read("record kind", as: UInt8.self)
        let station = try body.readText("station", limit: ArchiveRecord.stationLimit)
        let epoch = try Epoch(bytes: try body.read("epoch", count: Epoch.size))
        let number = try body.readVarint("number")
        guard number > 0, number < numberLimit else {
            throw .outOfRange(field: "number", value: Int(clamping: number), limit: Int(numberLimit) - 1)
        }
        let received = Timestamp(milliseconds: try body.readSignedVarint("received"))
        switch kind {
        case packetKind:
            let record = ArchiveRecord(
                station: station, epoch: epoch, number: number, received: received, packet: body.readRest())
            return (.packet(record), size + 4)
        case tombstoneKind:
            let tombstone = try Tombstone(parsing: &body, first: number)
            let record = TombstoneRecord(station: station, epoch: epoch, received: received, tombstone: tombstone)
            return (.tombstone(record), size + 4)
        default: throw .unknown(field: "record kind", value: "\(kind)", expected: "1 packet or 2 tombstone")
        }
    }

    private static let numberLimit: UInt64 = 1 << 62
}

extension Tombstone {
    /// Reads what stands behind the first number.
    fileprivate init(parsing body: inout ByteReader, first: UInt64) throws(FormatError) {
        let count = try body.readVarint("count")
        guard count > 0, count < 1 << 62, first + count <= 1 << 62 else {
            throw .outOfRange(field: "count", value: Int(clamping: count), limit: Int((1 << 62) - first))
        }
        let code = try body.read("reason", as: UInt8.self)
        guard let reason = TombstoneReason(rawValue: code) else {
            throw .unknown(field: "reason", value: "\(code)", expected: "1 to 6")
        }
        let frames = try body.readVarint("frames", limit: Int.max)
        let size = try body.readVarint("octets", limit: Int.max)
        let begin = Timestamp(milliseconds: try body.readSignedVarint("first stored"))
        let end = Timestamp(milliseconds: try body.readSignedVarint("last stored"))
        try body.finish("tombstone")
        self.init(
            numbers: first..<first + count, reason: reason, frames: frames, size: size, first: begin, last: end)
    }
}
