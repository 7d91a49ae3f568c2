import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// Frames and packets of an archive, as a table or as JSON with an item a line.
extension ArchiveCommand {
    static func list(_ directory: String, _ arguments: Arguments) throws(ArchiveError) -> ExitCode {
        let reader = try ArchiveReader.open(directory)
        let isJSON = arguments.flag("json")
        var filter = FrameFilter()
        filter.station = arguments.text("station")
        filter.since = arguments.datetime("since")
        filter.limit = arguments.integer("limit") ?? (isJSON ? Int(Int32.max) : 1_000)
        let frames = try reader.frames(filter)
        var bases = BaseFrames()
        if isJSON {
            var lines = JSONLines("frames")
            for frame in frames { lines.append(json(frame, number: try bases.number(of: frame, reader))) }
            lines.finish()
            return .ok
        }
        var table = Table([
            ("station", .left), ("epoch", .left), ("frame", .right), ("received", .left), ("packets", .right),
            ("octets", .right), ("layers", .right), ("state", .left),
        ])
        for frame in frames {
            let number = try bases.number(of: frame, reader).map { String($0) } ?? "?"
            table.append([
                frame.station, String(frame.epoch.text.prefix(8)), number, frame.last.rfc3339, String(frame.partCount),
                Table.group(frame.size), String(frame.completeLayers),
                frame.undecodable ?? (frame.hasDeclaration ? "" : "its declaration has not come"),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        return .ok
    }

    static func listPackets(_ directory: String, station: String?) throws(ArchiveError) -> ExitCode {
        let reader = try ArchiveReader.open(directory)
        var lines = JSONLines("packets")
        var named: (epoch: Epoch, text: String)?  // packets of an epoch come together
        try reader.forEachPacket(station: station) { packet in
            let text = named?.epoch == packet.epoch ? named?.text ?? "" : packet.epoch.text
            named = (packet.epoch, text)
            lines.append(
                .object([
                    "station": .string(packet.station), "epoch": .string(text),
                    "number": .integer(Int(clamping: packet.number)), "crc": .string(Hex.text(packet.checksum)),
                    "bytes": .integer(packet.size), "received_ms": .integer(Int(packet.received.milliseconds)),
                ]))
        }
        lines.finish()
        return .ok
    }

    private static func json(_ frame: ArchivedFrame, number: UInt64?) -> JSONValue {
        .object([
            "station": .string(frame.station), "epoch": .string(frame.epoch.text),
            "frame": number.map { .integer(Int(truncatingIfNeeded: $0)) } ?? .null,
            "first": .string(frame.first.rfc3339),
            "last": .string(frame.last.rfc3339), "packets": .integer(frame.partCount), "bytes": .integer(frame.size),
            "complete_layers": .integer(frame.completeLayers), "has_declaration": .bool(frame.hasDeclaration),
            "undecodable": .optional(frame.undecodable),
        ])
    }

    /// Numbers of frames in their epochs. Many frames share a declaration, which is read once.
    private struct BaseFrames {
        private struct Key: Hashable {
            let station: String
            let epoch: Epoch
            let declaration: Int
        }
        private var known: [Key: UInt64] = [:]

        /// The frame's number in its epoch; nil where its declaration has not come.
        mutating func number(
            of frame: ArchivedFrame, _ reader: borrowing ArchiveReader
        ) throws(ArchiveError) -> UInt64? {
            let key = Key(station: frame.station, epoch: frame.epoch, declaration: frame.declaration)
            var base = known[key]
            if base == nil {
                base = try reader.declaration(of: frame)?.baseFrame
                known[key] = base
            }
            return base.map { $0 &+ frame.frameDelta }
        }
    }
}

/// Writes one JSON object with one array, a line an item, without holding it in memory.
struct JSONLines {
    private var text: String
    private var count = 0

    init(_ name: String) { text = "{\"\(name)\": [" }

    mutating func append(_ item: JSONValue) {
        text += count == 0 ? "\n" : ",\n"
        text += item.description
        count += 1
        if text.utf8.count > 1 << 16 {
            Terminal.write(text)
            text = ""
        }
    }

    mutating func finish() {
        Terminal.write(text + (count == 0 ? "]}\n" : "\n]}\n"))
        text = ""
    }
}
