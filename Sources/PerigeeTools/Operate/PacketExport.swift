import Glibc
import PerigeeCommandLine
import PerigeeCore

/// A file of packets that were taken out of a spool: records with a checksum each, an end that counts them. Docs/spool.md, "Exported
/// packets".
enum PacketExport {
    static let magic: [UInt8] = Array("PGEX".utf8) + [1]
    /// Octets of a record's body, at most.
    static let recordLimit = 1 << 20
    static let headSize = 5

    /// One epoch, said before its packets.
    struct EpochHead: Equatable {
        var epoch: Epoch
        /// The smallest number that was not settled, and the next that would have been given.
        var lowest: UInt64
        var next: UInt64
    }

    /// A record.
    enum Record: Equatable {
        case epoch(EpochHead)
        case packet(number: UInt64, priority: Int, packet: ArraySlice<UInt8>)
        case tombstone(Tombstone)
        /// The last: how many packets there are.
        case end(packets: Int)

        /// Kind, size of the body, body, CRC-32C of all that.
        func packed() -> [UInt8] {
            var body = ByteWriter()
            let kind: UInt8
            switch self {
            case .epoch(let head):
                kind = 1
                body.write(head.epoch.bytes)
                body.writeVarint(head.lowest)
                body.writeVarint(head.next)
            case .packet(let number, let priority, let packet):
                kind = 2
                body.writeVarint(number)
                body.write(UInt8(priority))
                body.write(packet)
            case .tombstone(let stone):
                kind = 3
                body.writeVarint(stone.numbers.lowerBound)
                body.writeVarint(stone.numbers.upperBound)
                body.write(stone.reason.rawValue)
                body.writeVarint(stone.frames)
                body.writeVarint(stone.size)
                body.writeSignedVarint(stone.first.milliseconds)
                body.writeSignedVarint(stone.last.milliseconds)
            case .end(let packets):
                kind = 4
                body.writeVarint(packets)
            }
            var record = ByteWriter()
            record.write(kind)
            record.write(UInt32(body.bytes.count))
            record.write(body.bytes)
            record.write(CRC32C.checksum(record.bytes))
            return record.bytes
        }

        /// A body whose checksum was right.
        init(kind: UInt8, body: ArraySlice<UInt8>) throws(FormatError) {
            var reader = ByteReader(body)
            switch kind {
            case 1:
                let octets = try reader.read("epoch", count: Epoch.size)
                let epoch = try Epoch(bytes: Array(octets))
                let lowest = try reader.readVarint("lowest number"), next = try reader.readVarint("next number")
                guard (1..<PacketExport.numberLimit).contains(lowest),
                    (lowest..<PacketExport.numberLimit).contains(next)
                else {
                    throw .unknown(
                        field: "lowest number", value: "\(lowest), next \(next)", expected: "1 or more, up to the next")
                }
                self = .epoch(EpochHead(epoch: epoch, lowest: lowest, next: next))
            case 2:
                let number = try reader.readVarint("number")
                let priority = try reader.read("priority", as: UInt8.self)
                guard priority <= 3 else {
                    throw .unknown(field: "priority", value: "\(priority)", expected: "0 to 3")
                }
                self = .packet(number: number, priority: Int(priority), packet: reader.readRest())
                return
            case 3:
                let first = try reader.readVarint("first number"),
                    next = try reader.readVarint("number behind the last")
                let reason = try reader.read("reason", as: UInt8.self)
                guard first >= 1, next > first, next < PacketExport.numberLimit,
                    let reason = TombstoneReason(rawValue: reason)
                else {
                    throw .unknown(
                        field: "tombstone", value: "\(first) to \(next), reason \(reason)",
                        expected: "a range and a known reason")
                }
                let frames = try reader.readVarint("frames", limit: .max),
                    size = try reader.readVarint("octets", limit: .max)
                self = .tombstone(
                    Tombstone(
                        numbers: first..<next, reason: reason, frames: frames, size: size,
                        first: Timestamp(milliseconds: try reader.readSignedVarint("first moment")),
                        last: Timestamp(milliseconds: try reader.readSignedVarint("last moment"))))
            case 4: self = .end(packets: try reader.readVarint("count of packets", limit: .max))
            default: throw .unknown(field: "kind of record", value: "\(kind)", expected: "1 to 4")
            }
            try reader.finish("record")
        }
    }

    /// Numbers of packets stay below it, as in the spool.
    static let numberLimit: UInt64 = 1 << 48
}
