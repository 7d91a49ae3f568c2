public import PerigeeCore

/// One packet as the archive keeps it. Source: Docs/archive-format.md section 2.
public struct ArchiveRecord: Equatable, Sendable {
    /// Octets behind the size field, least and most.
    static let sizeRange = 25...8_300
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

    func packed() -> [UInt8] {
        var body = ByteWriter()
        body.writeText(station)
        body.write(epoch.bytes)
        body.writeVarint(number)
        body.writeSignedVarint(received.milliseconds)
        body.write(packet)
        var writer = ByteWriter()
        writer.write(UInt32(body.bytes.count + 4))
        writer.write(body.bytes)
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// The record at the start of `bytes`, and how many octets it takes there.
    static func parse(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> (record: ArchiveRecord, size: Int) {
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
        let station = try body.readText("station", limit: stationLimit)
        let epoch = try Epoch(bytes: try body.read("epoch", count: Epoch.size))
        let number = try body.readVarint("number")
        guard number > 0, number < 1 << 62 else {
            throw .outOfRange(field: "number", value: Int(clamping: number), limit: 1 << 62 - 1)
        }
        let received = Timestamp(milliseconds: try body.readSignedVarint("received"))
        let record = ArchiveRecord(
            station: station, epoch: epoch, number: number, received: received, packet: body.readRest())
        return (record, size + 4)
    }
}
