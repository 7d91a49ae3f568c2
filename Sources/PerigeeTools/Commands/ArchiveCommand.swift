import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// `perigee archive`: what a gateway has filed.
enum ArchiveCommand {
    static let folder = Positional("ARCHIVE", .directory, help: "the folder of the archive")

    static let command = Command(
        "archive", summary: "Look into an archive, check it, or make its index anew",
        subcommands: [
            Command(
                "list", summary: "List the frames of an archive, or its packets",
                options: [
                    .value("station", .text, as: "NAME", help: "Only frames of this station"),
                    .value("since", .datetime, as: "TIME", help: "Only frames whose last packet came then or later"),
                    .value(
                        "limit", .integer(1...1_000_000_000), as: "N",
                        help: "The most frames to list; without it a table ends at 1000, JSON with the last one"),
                    .flag("packets", help: "List packets instead of frames; needs --json"),
                    SharedOptions.json,
                ],
                positionals: [folder],
                examples: [
                    Example("perigee archive list --station alpha /var/lib/perigee/archive", "What station alpha sent"),
                    Example(
                        "perigee archive list --packets --json /var/lib/perigee/archive",
                        "The identity and checksum of every packet"),
                ],
                exitCodes: [.usage, .unavailable, .io]),
            Command(
                "gaps", summary: "Say which numbers of each epoch are missing, and why",
                discussion: [
                    "A hole is explained by a tombstone of the station, or waits at the station, or is unexplained.",
                    "Changes nothing. The exit code is \(ExitCode.differs.rawValue) where a hole is unexplained.",
                ],
                options: [
                    .value("station", .text, as: "NAME", help: "Only epochs of this station"), SharedOptions.json,
                ],
                positionals: [folder],
                examples: [Example("perigee archive gaps /var/lib/perigee/archive", "Is anything lost?")],
                exitCodes: [.differs, .unavailable, .io]),
            want, wants,
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
        if arguments.path.last == "want" {
            do { return try makeWant(directory, arguments) } catch let error as ArchiveError {
                throw CommandFailure(.io, "\(error)")
            }
        }
        do throws(ArchiveError) {
            switch arguments.path.last {
            case "list" where arguments.flag("packets"):
                guard arguments.flag("json") else { break }
                return try listPackets(directory, station: arguments.text("station"))
            case "list": return try list(directory, arguments)
            case "gaps":
                return try gaps(directory, station: arguments.text("station"), isJSON: arguments.flag("json"))
            case "wants": return try listWants(directory, isJSON: arguments.flag("json"))
            case "reindex": return try reindex(directory, isJSON: arguments.flag("json"))
            default: return try verify(directory, isJSON: arguments.flag("json"))
            }
        } catch {
            if case .locked = error { throw CommandFailure(.unavailable, "\(error)") }
            throw CommandFailure(.io, "\(error)")
        }
        throw CommandFailure(.usage, "--packets lists as JSON only: give --json too")
    }

    private static func reindex(_ directory: String, isJSON: Bool) throws(ArchiveError) -> ExitCode {
        let found = try Archive.reindex(directory)
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "records": .integer(found.indexed), "damaged_bytes": .integer(found.damagedSize),
                    "torn_bytes": .integer(found.tornSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(Table.group(found.indexed)) records indexed, \(Table.group(found.damagedSize)) octets of damage passed "
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
                    "indexed_packets": .integer(found.indexed), "tombstones": .integer(found.tombstones),
                    "indexed_tombstones": .integer(found.indexedTombstones),
                    "damaged_bytes": .integer(found.damagedSize), "tail_bytes": .integer(found.tailSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(Table.group(found.records)) packets in \(found.segments) segments, \(Table.group(found.indexed)) in the "
                    + "index, \(Table.group(found.damagedSize)) octets damaged, \(Table.group(found.tailSize)) behind the last"
            )
            if found.indexed != found.records || found.indexedTombstones != found.tombstones {
                Terminal.print("the index differs: stop the gateway and run `perigee archive reindex`", to: .error)
            }
        }
        return found.isSound ? .ok : .differs
    }
}
