import Glibc
import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// Asking stations for packets again, or for more layers of a frame.
extension ArchiveCommand {
    static let want = Command(
        "want", summary: "Ask a station for packets again, for more layers of a frame, or for it without references",
        discussion: [
            "Leaves a file in ARCHIVE/wants, which the gateway takes; it asks the station in its next session of that epoch.",
            "Prints the name of the want; `perigee archive wants` says what became of it.",
        ],
        options: [
            .value("station", .text, as: "NAME", help: "Ask this station", isRequired: true),
            .value(
                "epoch", .text, as: "HEX",
                help: "First digits of the epoch; without it the one that sent last, of a frame the one that has it"),
            .value("frame", .integer(0...Int.max), as: "N", help: "A frame, by its number in the epoch"),
            .value("layers", .integer(1...255), as: "K", help: "Its first K layers; 255 for all"),
            .flag("plain", help: "The frame once more, encoded without references to others"),
            .value("numbers", .text, as: "A-B,C", help: "Packets, by their numbers"),
            .value(
                "priority", .integer(0...3), as: "P", help: "Class they are sent in, 0 is the highest", default: "2"),
        ],
        positionals: [folder],
        examples: [
            Example("perigee archive want --station alpha --frame 17 --layers 9 ARCHIVE", "Frame 17 with nine layers"),
            Example(
                "perigee archive want --station alpha --frame 17 --plain ARCHIVE",
                "Frame 17 once more: what it was predicted from is lost"),
            Example(
                "perigee archive want --station alpha --numbers 3-5,9 ARCHIVE", "What `archive gaps` found missing"),
        ],
        exitCodes: [.usage, .unavailable, .io])

    static let wants = Command(
        "wants", summary: "List what stations were asked for, and what became of it",
        options: [SharedOptions.json], positionals: [folder],
        examples: [Example("perigee archive wants /var/lib/perigee/archive", "Has it come?")],
        exitCodes: [.unavailable, .io])

    static func makeWant(_ directory: String, _ arguments: Arguments) throws -> ExitCode {
        let station = arguments.text("station") ?? ""
        guard ArchiveWant.isStation(station) else {
            throw CommandFailure(.usage, "--station is \"\(station)\", expected 1 to 32 of a-z, 0-9 and -")
        }
        let subject = try subject(arguments)
        let epoch = try epoch(directory, station, subject, arguments.text("epoch"))
        let folder = try WantFolder(directory)
        let taken = Set(try folder.identities())
        guard taken.count < WantFolder.fileLimit else {
            throw CommandFailure(.unavailable, "\(directory)/wants is full: remove files of what nobody wants any more")
        }
        var identity = UInt32.random(in: 1...UInt32.max)
        while taken.contains(identity) { identity = UInt32.random(in: 1...UInt32.max) }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let want = ArchiveWant(
            id: identity, station: station, epoch: epoch, priority: arguments.integer("priority") ?? 2,
            subject: subject,
            created: Timestamp(milliseconds: Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000))
        try folder.write(want)
        Terminal.print("\(Hex.text(identity)) \(station) \(epoch.text) \(want.text)")
        return .ok
    }

    private static func subject(_ arguments: Arguments) throws -> ArchiveWant.Subject {
        let isPlain = arguments.flag("plain")
        switch (arguments.integer("frame"), arguments.integer("layers"), arguments.text("numbers"), isPlain) {
        case (let frame?, let layers?, nil, false): return .frame(number: UInt64(frame), layers: layers)
        case (let frame?, nil, nil, true): return .plain(number: UInt64(frame))
        case (nil, nil, let text?, false):
            guard let ranges = ArchiveWant.ranges(parsing: text) else {
                throw CommandFailure(
                    .usage,
                    "--numbers is \"\(text)\", expected at most \(ArchiveWant.rangeLimit) ascending ranges such as 3-5,9 of"
                        + " at most \(ArchiveWant.numberLimit) numbers")
            }
            return .numbers(ranges)
        default: throw CommandFailure(.usage, "give --frame with --layers or --plain, or --numbers")
        }
    }

    /// The epoch that is meant: named by its first digits, or the newest that fits.
    private static func epoch(
        _ directory: String, _ station: String, _ subject: ArchiveWant.Subject, _ digits: String?
    ) throws -> Epoch {
        let reader = try ArchiveReader.open(directory)
        var epochs = try reader.epochs(station: station)
        if let digits {
            if let octets = Hex.bytes(digits), let epoch = try? Epoch(bytes: octets) { return epoch }
            epochs = epochs.filter { !digits.isEmpty && $0.text.hasPrefix(digits) }
            guard epochs.count <= 1 else {
                throw CommandFailure(
                    .usage, "--epoch is \(digits), which \(epochs.count) epochs begin with: give more digits")
            }
        }
        if digits == nil, let number = frame(of: subject) {
            for epoch in epochs where try reader.frame(station: station, epoch: epoch, number: number) != nil {
                return epoch
            }
        }
        guard let epoch = epochs.first else {
            throw CommandFailure(
                .unavailable, "the archive has no such epoch of station \(station): see `perigee archive gaps`")
        }
        return epoch
    }

    private static func frame(of subject: ArchiveWant.Subject) -> UInt64? {
        switch subject {
        case .frame(let number, _), .reference(let number, _), .plain(let number): number
        case .numbers: nil
        }
    }

    static func listWants(_ directory: String, isJSON: Bool) throws(ArchiveError) -> ExitCode {
        let folder = try WantFolder(directory)
        var wants: [ArchiveWant] = []
        for identity in try folder.identities() {
            do throws(ArchiveError) { wants.append(try folder.want(identity)) } catch {
                Terminal.print("\(error)", to: .error)
            }
        }
        wants.sort { ($0.created.milliseconds, $0.id) < ($1.created.milliseconds, $1.id) }
        if isJSON {
            var lines = JSONLines("wants")
            for want in wants { lines.append(json(want)) }
            lines.finish()
            return .ok
        }
        var table = Table([
            ("want", .left), ("station", .left), ("epoch", .left), ("subject", .left), ("made", .left),
            ("state", .left), ("since", .left), ("packets", .right), ("reason", .left),
        ])
        for want in wants {
            table.append([
                Hex.text(want.id), want.station, String(want.epoch.text.prefix(8)), want.text, want.created.rfc3339,
                want.state.rawValue, want.changed.rfc3339, String(want.packets), want.reason?.rawValue ?? "",
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        return .ok
    }

    private static func json(_ want: ArchiveWant) -> JSONValue {
        .object([
            "want": .string(Hex.text(want.id)), "station": .string(want.station), "epoch": .string(want.epoch.text),
            "subject": .string(want.text), "priority": .integer(want.priority), "state": .string(want.state.rawValue),
            "created": .string(want.created.rfc3339), "changed": .string(want.changed.rfc3339),
            "packets": .integer(want.packets), "reason": .optional(want.reason?.rawValue),
        ])
    }
}
