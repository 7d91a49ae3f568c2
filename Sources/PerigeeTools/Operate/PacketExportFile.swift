import Glibc
import PerigeeCommandLine
import PerigeeCore
import PerigeeService

/// An export that was looked through once: who its packets are, and where in the file they lie. The octets stay on the disk.
final class PacketExportFile: Sendable {
    /// A packet without its octets.
    struct Entry: Sendable {
        var number: UInt64
        var offset: Int
        var size: Int32
        var priority: UInt8
    }

    /// An epoch with its packets, ascending.
    struct EpochPackets: Sendable {
        var head: PacketExport.EpochHead
        var entries: [Entry] = []
        var tombstones: [Tombstone] = []
    }

    let path: String
    let epochs: [EpochPackets]
    private let descriptor: Int32

    var packets: Int { epochs.reduce(0) { $0 + $1.entries.count } }
    var packetSize: Int { epochs.reduce(0) { $0 + $1.entries.reduce(0) { $0 + Int($1.size) } } }

    /// Reads the whole file and checks every record. A file that is cut or changed anywhere is refused whole.
    init(_ path: String) throws(CommandFailure) {
        let name = LogText.escaped(path)
        let handle = open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else {
            throw CommandFailure(
                .unavailable, "\(name) cannot be read: \(String(cString: strerror(errno))): check the name")
        }
        do throws(CommandFailure) {
            var scan = PacketExportScan(handle, name)
            epochs = try scan.run()
        } catch {
            close(handle)
            throw error
        }
        self.path = path
        descriptor = handle
    }

    deinit { close(descriptor) }

    /// The octets of a packet; nil where the file changed or cannot be read any more.
    func packet(_ entry: Entry) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: Int(entry.size))
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeMutableBytes { raw in
                pread(descriptor, raw.baseAddress?.advanced(by: done), raw.count - done, entry.offset + done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            done += count
        }
        return octets
    }
}

/// One walk through the records of a file.
private struct PacketExportScan {
    private let descriptor: Int32
    private let name: String
    private var buffer: [UInt8] = []
    /// Where in the buffer the next record begins, and where in the file the buffer does.
    private var start = 0
    private var bufferOffset = 0
    private var epochs: [PacketExportFile.EpochPackets] = []
    private var packets = 0

    init(_ descriptor: Int32, _ name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    mutating func run() throws(CommandFailure) -> [PacketExportFile.EpochPackets] {
        guard try fill(PacketExport.magic.count), Array(buffer.prefix(PacketExport.magic.count)) == PacketExport.magic
        else {
            throw CommandFailure(.data, "\(name) is no export: name a file that `perigee spool export` made")
        }
        start = PacketExport.magic.count
        while true {
            let offset = bufferOffset + start
            let record = try next(offset)
            if case .end(let count) = record {
                guard count == packets else {
                    throw damaged(offset, "it counts \(count) packets, there are \(packets)")
                }
                guard try !fill(1) else { throw damaged(bufferOffset + start, "there is more behind the end") }
                return epochs
            }
            try take(record, offset)
        }
    }

    private mutating func next(_ offset: Int) throws(CommandFailure) -> PacketExport.Record {
        guard try fill(PacketExport.headSize) else { throw damaged(offset, "its end is missing") }
        let size = buffer[(start + 1)..<(start + 5)].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size <= PacketExport.recordLimit else { throw damaged(offset, "a record has \(size) octets") }
        let whole = PacketExport.headSize + size + 4
        guard try fill(whole) else { throw damaged(offset, "its end is missing") }
        let checked = buffer[start..<(start + PacketExport.headSize + size)]
        let told = buffer[(start + whole - 4)..<(start + whole)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard CRC32C.checksum(Array(checked)) == told else { throw damaged(offset, "a checksum differs") }
        defer { start += whole }
        do throws(FormatError) {
            return try PacketExport.Record(kind: buffer[start], body: checked.dropFirst(PacketExport.headSize))
        } catch {
            throw damaged(offset, "\(error)")
        }
    }

    private mutating func take(_ record: PacketExport.Record, _ offset: Int) throws(CommandFailure) {
        if case .epoch(let head) = record {
            guard !epochs.contains(where: { $0.head.epoch == head.epoch }) else {
                throw damaged(offset, "an epoch is there twice")
            }
            epochs.append(.init(head: head))
            return
        }
        let last = epochs.count - 1
        guard last >= 0 else { throw damaged(offset, "a record is of no epoch") }
        let head = epochs[last].head
        switch record {
        case .packet(let number, let priority, let packet):
            guard (head.lowest..<head.next).contains(number), number > epochs[last].entries.last?.number ?? 0 else {
                throw damaged(offset, "packet \(number) is out of order")
            }
            packets += 1
            // its octets end where the record's checksum begins
            epochs[last].entries.append(
                .init(
                    number: number, offset: bufferOffset + start - 4 - packet.count, size: Int32(packet.count),
                    priority: UInt8(priority)))
        case .tombstone(let stone):
            guard stone.numbers.lowerBound >= head.lowest, stone.numbers.upperBound <= head.next,
                stone.numbers.lowerBound >= epochs[last].tombstones.last?.numbers.upperBound ?? 0
            else { throw damaged(offset, "a tombstone is out of order") }
            epochs[last].tombstones.append(stone)
        case .epoch, .end: break
        }
    }

    /// Makes `count` octets from `start` on be in the buffer; false where the file ends before.
    private mutating func fill(_ count: Int) throws(CommandFailure) -> Bool {
        guard buffer.count - start < count else { return true }
        buffer.removeFirst(start)
        bufferOffset += start
        start = 0
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while buffer.count < count {
            let got = read(descriptor, &piece, piece.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else {
                throw CommandFailure(
                    .io, "\(name) cannot be read: \(String(cString: strerror(errno))): check the disk")
            }
            if got == 0 { return false }
            buffer += piece.prefix(got)
        }
        return true
    }

    private func damaged(_ offset: Int, _ why: String) -> CommandFailure {
        CommandFailure(.data, "\(name) is damaged at octet \(offset), \(why): export it anew")
    }
}
