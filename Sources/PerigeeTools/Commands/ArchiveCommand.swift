import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// `perigee archive`: what a gateway has filed.
enum ArchiveCommand {
    private static let folder = Positional("ARCHIVE", .directory, help: "the folder of the archive")

    static let command = Command(
        "archive", summary: "Look into an archive, check it, or make its index anew",
        subcommands: [
            Command(
                "list", summary: "List the frames of an archive",
                options: [
                    .value("station", .text, as: "NAME", help: "Only frames of this station"),
                    .value("since", .datetime, as: "TIME", help: "Only frames whose last packet came then or later"),
                    .value("limit", .integer(1...1_000_000), as: "N", help: "The most frames to list", default: "1000"),
                    SharedOptions.json,
                ],
                positionals: [folder],
                examples: [
                    Example("perigee archive list --station alpha /var/lib/perigee/archive", "What station alpha sent")
                ],
                exitCodes: [.unavailable, .io]),
            Command(
                "reindex", summary: "Make the index of an archive anew from its segments",
                discussion: [
                    "No gateway may write to the archive meanwhile; renderers that follow it keep their place."
                ],
                options: [SharedOptions.json], positionals: [folder],
                examples: [Example("perigee archive reindex /var/lib/perigee/archive", "After the index was lost")],
                exitCodes: [.unavailable, .io]),
            Command(
                "verify", summary: "Check every record of an archive, and that the index knows it",
                discussion: [
                    "Changes nothing. The exit code is \(ExitCode.differs.rawValue) where something is wrong."
                ],
                options: [SharedOptions.json], positionals: [folder],
                examples: [Example("perigee archive verify /var/lib/perigee/archive", "After a fault of the disk")],
                exitCodes: [.differs, .unavailable, .io]),
        ])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        let directory = arguments.positionals[0]
        guard InstallationFolders.isFolder("\(directory)/segments") else {
            throw CommandFailure(.unavailable, "\(directory) holds no archive: name the folder that holds `segments`")
        }
        do throws(ArchiveError) {
            switch arguments.path.last {
            case "list": return try list(directory, arguments)
            case "reindex": return try reindex(directory, isJSON: arguments.flag("json"))
            default: return try verify(directory, isJSON: arguments.flag("json"))
            }
        } catch {
            if case .locked = error { throw CommandFailure(.unavailable, "\(error)") }
            throw CommandFailure(.io, "\(error)")
        }
    }

    private static func list(_ directory: String, _ arguments: Arguments) throws(ArchiveError) -> ExitCode {
        let reader = try ArchiveReader.open(directory)
        var filter = FrameFilter()
        filter.station = arguments.text("station")
        filter.since = arguments.datetime("since")
        filter.limit = arguments.integer("limit") ?? filter.limit
        let frames = try reader.frames(filter)
        if arguments.flag("json") {
            var items: [JSONValue] = []
            for frame in frames { items.append(json(frame, number: try number(of: frame, reader))) }
            Terminal.print(JSONValue.object(["frames": .array(items)]).indented)
            return .ok
        }
        var table = Table([
            ("station", .left), ("epoch", .left), ("frame", .right), ("received", .left), ("packets", .right),
            ("octets", .right), ("layers", .right), ("state", .left),
        ])
        for frame in frames {
            let number = try number(of: frame, reader).map { String($0) } ?? "?"
            table.append([
                frame.station, String(frame.epoch.text.prefix(8)), number, frame.last.rfc3339, String(frame.partCount),
                Table.group(frame.size), String(frame.completeLayers),
                frame.undecodable ?? (frame.hasDeclaration ? "" : "its declaration has not come"),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        return .ok
    }

    /// The frame's number in its epoch; nil where its declaration has not come.
    private static func number(
        of frame: ArchivedFrame, _ reader: borrowing ArchiveReader
    ) throws(ArchiveError) -> UInt64? {
        try reader.declaration(of: frame).map { $0.baseFrame &+ frame.frameDelta }
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

    private static func reindex(_ directory: String, isJSON: Bool) throws(ArchiveError) -> ExitCode {
        let found = try Archive.reindex(directory)
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "packets": .integer(found.indexed), "damaged_bytes": .integer(found.damagedSize),
                    "torn_bytes": .integer(found.tornSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(Table.group(found.indexed)) packets indexed, \(Table.group(found.damagedSize)) octets of damage passed "
                    + "over, \(Table.group(found.tornSize)) octets of a torn end cut off")
        }
        return .ok
    }

    private static func verify(_ directory: String, isJSON: Bool) throws(ArchiveError) -> ExitCode {
        let found = try Archive.verify(directory)
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "sound": .bool(found.isSound), "segments": .integer(found.segments),
                    "packets": .integer(found.records), "bytes": .integer(found.size),
                    "indexed_packets": .integer(found.indexed), "damaged_bytes": .integer(found.damagedSize),
                    "tail_bytes": .integer(found.tailSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(Table.group(found.records)) packets in \(found.segments) segments, \(Table.group(found.indexed)) in the "
                    + "index, \(Table.group(found.damagedSize)) octets damaged, \(Table.group(found.tailSize)) behind the last"
            )
            if found.indexed != found.records {
                Terminal.print("the index differs: stop the gateway and run `perigee archive reindex`", to: .error)
            }
        }
        return found.isSound ? .ok : .differs
    }
}
