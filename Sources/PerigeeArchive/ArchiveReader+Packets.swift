public import PerigeeCore
internal import PerigeeSQLite

/// A packet as the index knows it.
public struct ArchivedPacket: Equatable, Sendable {
    public var station: String
    public var epoch: Epoch
    public var number: UInt64
    /// The packet's own checksum.
    public var checksum: UInt32
    /// Octets.
    public var size: Int
    public var received: Timestamp
}

extension ArchiveReader {
    /// Hands over all packets, or those of one station, in the order in which they were stored; holds none of them.
    public func forEachPacket(station: String? = nil, _ body: (ArchivedPacket) -> Void) throws(ArchiveError) {
        do throws(SQLiteError) {
            var names: [Int64: (station: String, epoch: Epoch)] = [:]
            let epochs = try database.prepare("SELECT id, station, epoch FROM epochs WHERE ?1 IS NULL OR station = ?1")
            try epochs.bind([station.map(SQLiteValue.text) ?? .null])
            while try epochs.step() {
                guard let epoch = try? Epoch(bytes: epochs.blob(2)) else { continue }
                names[epochs.integer(0)] = (epochs.text(1) ?? "", epoch)
            }
            let packets = try database.prepare("SELECT epoch, number, crc, size, received FROM packets ORDER BY id")
            while try packets.step() {
                guard let name = names[packets.integer(0)] else { continue }
                body(
                    ArchivedPacket(
                        station: name.station, epoch: name.epoch, number: UInt64(packets.integer(1)),
                        checksum: UInt32(truncatingIfNeeded: packets.integer(2)), size: Int(packets.integer(3)),
                        received: Timestamp(milliseconds: packets.integer(4))))
            }
        } catch { throw .index(error) }
    }
}
