import Glibc
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeService
import PerigeeSpool

/// `perigee spool export`: what waits, in a file that `perigee replay` delivers.
enum SpoolExport {
    static func run(
        _ spool: borrowing SpoolInspection, to path: String, isJSON: Bool
    ) throws -> ExitCode {
        var writer = try PacketExportWriter(path)
        var damaged: [(epoch: Epoch, number: UInt64)] = []
        var lost: [Epoch] = []
        var progress = Progress("export", total: spool.epochs.reduce(0) { $0 + $1.packets }, unit: "packets")
        defer { progress.finish() }
        for epoch in spool.epochs {
            // of a lost one nothing is known but its name: its station explains the holes
            guard !epoch.isLost else {
                lost.append(epoch.epoch)
                continue
            }
            let (lowest, next, tombstones) = try spool.unsettled(epoch.epoch)
            guard lowest < next else { continue }
            try writer.append(.epoch(.init(epoch: epoch.epoch, lowest: lowest, next: next)))
            for stone in tombstones { try writer.append(.tombstone(stone)) }
            var failure: CommandFailure?
            damaged += try spool.forEachUnsettled(epoch.epoch) { packet in
                do throws(CommandFailure) {
                    try writer.append(
                        .packet(number: packet.number, priority: packet.priority, packet: packet.packet[...]))
                } catch { failure = error }
                progress.update(writer.packets)
                return failure == nil
            }.map { (epoch.epoch, $0) }
            if let failure { throw failure }
        }
        try writer.finish()
        report(writer, path, damaged: damaged, lost: lost, isJSON: isJSON)
        return damaged.isEmpty ? .ok : .differs
    }

    private static func report(
        _ writer: borrowing PacketExportWriter, _ path: String, damaged: [(epoch: Epoch, number: UInt64)],
        lost: [Epoch], isJSON: Bool
    ) {
        guard !isJSON else {
            let json = JSONValue.object([
                "file": .string(path), "epochs": .integer(writer.epochs), "packets": .integer(writer.packets),
                "tombstones": .integer(writer.tombstones), "packet_bytes": .integer(writer.packetSize),
                "damaged": .array(
                    damaged.map {
                        .object(["epoch": .string($0.epoch.text), "number": .integer(Int(clamping: $0.number))])
                    }),
                "lost_epochs": .strings(lost.map(\.text)),
            ])
            return Terminal.print(json.indented)
        }
        Terminal.print(
            "\(Table.group(writer.packets)) packets and \(writer.tombstones) tombstones of \(writer.epochs) epochs, "
                + "\(Table.group(writer.packetSize)) octets of packets, are in \(LogText.escaped(path))")
        for (epoch, number) in damaged {
            Terminal.print("packet \(number) of epoch \(epoch.text) is damaged and not among them", to: .error)
        }
        for epoch in lost {
            Terminal.print("the file of epoch \(epoch.text) was lost before: nothing of it can be exported", to: .error)
        }
    }
}

/// Writes an export under a temporary name; it has its own name once it is whole and durable.
struct PacketExportWriter: ~Copyable {
    private static let bufferSize = 1 << 20

    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var buffer: [UInt8]
    private(set) var epochs = 0
    private(set) var packets = 0
    private(set) var tombstones = 0
    private(set) var packetSize = 0

    init(_ path: String) throws(CommandFailure) {
        let temporary = "\(path).part-\(getpid())"
        // packets are what the station saw: nobody else's business
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        self.path = path
        self.temporary = temporary
        self.descriptor = descriptor
        buffer = PacketExport.magic
    }

    deinit {
        close(descriptor)
        unlink(temporary)
    }

    mutating func append(_ record: PacketExport.Record) throws(CommandFailure) {
        switch record {
        case .epoch: epochs += 1
        case .packet(_, _, let packet):
            packets += 1
            packetSize += packet.count
        case .tombstone: tombstones += 1
        case .end: break
        }
        buffer += record.packed()
        if buffer.count >= Self.bufferSize { try flush() }
    }

    mutating func finish() throws(CommandFailure) {
        try append(.end(packets: packets))
        try flush()
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw Self.failure(path, errno) }
    }

    private mutating func flush() throws(CommandFailure) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, errno) }
            rest = rest.dropFirst(count)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        CommandFailure(
            .io,
            "\(LogText.escaped(path)) cannot be written: \(String(cString: strerror(code))): check the folder, its rights and the "
                + "space on the disk")
    }
}
