import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// `perigee publish`: sends the frames of files to a station.
enum PublishCommand {
    static let command = Command(
        "publish", summary: "Send the frames of GeoTIFF files to a station",
        discussion: [
            "Sends one message a file, as Docs/frame-format.md describes, and an end of the run behind the last. Files are "
                + "read one by one. With --mode pub it waits for a subscription first, since a PUB drops what nobody asked for."
        ],
        options: [
            SharedOptions.sensor, SharedOptions.datetime,
        ] + SharedOptions.scaling + SendingOptions.all + [
            SharedOptions.home, SharedOptions.firmware, SharedOptions.json,
        ],
        positionals: [Positional("FILE", .file, count: 1...100_000, help: "GeoTIFF files, one frame each")],
        examples: [
            Example(
                "perigee publish --sensor sentinel-2-l2a scene.tif", "Send one frame to the station on this machine"),
            Example(
                "perigee publish --mode pub --endpoint 'tcp://*:5560' day/*.tif --rate 2", "Publish a day, two a second"
            ),
        ], exitCodes: [.data, .unavailable, .io, .config])

    static func run(_ arguments: Arguments) async throws -> ExitCode {
        let catalog = try Library(arguments).sensors()
        let settings = try SendingOptions.settings(arguments)
        var publisher = try FramePublisher(settings)
        try publisher.waitForPeer()
        var progress = Progress("publish", total: arguments.positionals.count, unit: "frames")
        var rawSize = 0
        var notes: Set<String> = []
        for (index, path) in arguments.positionals.enumerated() {
            var input = try InputFrame(path: path, arguments, catalog: catalog)
            input.settleTime(arguments)
            try await publisher.send(input.frame)
            // One word about each matter, at the first file it concerns.
            for note in input.notes where notes.count < 100 && notes.insert(note).inserted {
                Terminal.print("note: \(path): \(note)", to: .error)
            }
            rawSize += input.frame.samples.bytes.count
            progress.update(index + 1, note: path)
        }
        progress.finish()
        try publisher.finish()
        SendingReport.print(
            frames: arguments.positionals.count, rawSize: rawSize, sentSize: publisher.sentSize, settings,
            isJSON: arguments.flag("json"))
        return .ok
    }
}

/// What a sending command says at its end.
enum SendingReport {
    static func print(frames: Int, rawSize: Int, sentSize: Int, _ settings: FramePublisher.Settings, isJSON: Bool) {
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "run": .string(settings.run), "endpoint": .string(settings.endpoint),
                    "mode": .string(settings.isPublish ? "pub" : "push"), "frames": .integer(frames),
                    "raw_bytes": .integer(rawSize), "sent_bytes": .integer(sentSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(frames) frames, \(Table.group(rawSize)) octets of samples sent to \(settings.endpoint) as \(settings.run)"
            )
        }
    }
}
