package import PerigeeCommandLine
package import PerigeeCore
import PerigeeJSON
import PerigeeSimulator

/// `perigee simulate`: flies over places that do not exist.
package enum SimulateCommand {
    static let command = Command(
        "simulate", summary: "Make frames of places that do not exist, as a sensor would see them",
        discussion: [
            "A pass visits each place once; further visits see the same places at later dates. The same seed gives the same "
                + "octets. Frames are written as GeoTIFF files (--output), sent to a station (--publish), or both. "
                + "Docs/simulator.md says what is modelled. --output needs the program perigee-imagery of the package "
                + "perigee-gateway."
        ],
        options: [
            .value("output", short: "o", .directory, as: "DIR", help: "Write each frame to DIR/sim-PLACE_DATE.tif"),
            .flag("publish", help: "Send each frame to a station"),
            .value("sensor", .text, as: "NAME", help: "Profile with wavelengths", default: "sentinel-2-l2a"),
            .values("band", .text, as: "NAME", help: "Only these bands, in this order"),
            .value("seed", .integer(0...Int.max), as: "N", help: "Another seed, another world", default: "1"),
            .value("places", .integer(1...100_000), as: "N", help: "Places that each pass visits", default: "1"),
            .value("first-place", .integer(0...1_000_000), as: "N", help: "Number of the first place", default: "0"),
            .value("visits", .integer(1...100_000), as: "N", help: "Passes", default: "1"),
            .value("start", .datetime, as: "TIME", help: "Of the first pass", default: "2024-05-16T10:36:00Z"),
            .value("revisit-days", .integer(1...3_650), as: "N", help: "Days between passes", default: "5"),
            .value("rows", .integer(1...65_536), as: "N", help: "Rows of a frame", default: "264"),
            .value("columns", .integer(1...65_536), as: "N", help: "Columns of a frame", default: "264"),
            .value("clouds", .number(0...1), as: "SHARE", help: "Share under clouds; else drawn for each date"),
            .value("coverage", .number(0...1), as: "SHARE", help: "Share that the swath reaches", default: "1"),
            .value(
                "event", .choice(["fire", "flood"]), as: "KIND", help: "Something happens in the middle of each place"),
            .value("event-start", .datetime, as: "TIME", help: "When; else one day before the last pass"),
        ] + SendingOptions.all + [SharedOptions.home, SharedOptions.firmware, SharedOptions.json],
        examples: [
            Example("perigee simulate -o frames --places 2 --visits 5", "Ten frames of two places as files"),
            Example(
                "perigee simulate --publish --visits 3 --clouds 0.2 --event fire",
                "Send three dates of a place that burns"),
        ], exitCodes: [.data, .unavailable, .io, .config])

    /// Writes a frame to a path.
    package typealias FrameWriter = (Frame, String) throws(CommandFailure) -> Void

    /// `write` writes the files of --output; nil where none are asked for.
    package static func run(_ arguments: Arguments, write: FrameWriter?) async throws -> ExitCode {
        guard arguments.text("output") != nil || arguments.flag("publish") else {
            throw CommandFailure(.usage, "nothing to do with the frames: give --output DIR, --publish, or both")
        }
        let profile = try Library(arguments).profile(named: arguments.text("sensor") ?? "")
        let bands = arguments.texts("band")
        let generator: SceneGenerator
        do { generator = try SceneGenerator(profile: profile, bandNames: bands.isEmpty ? nil : bands) } catch {
            throw CommandFailure(.usage, "\(error)")
        }
        if let folder = arguments.text("output") { try FileOctets.makeFolder(folder) }
        guard arguments.flag("publish") else {
            let files = try await fly(generator, arguments, write: write) { _ in }
            report(files, arguments)
            return .ok
        }
        let settings = try SendingOptions.settings(arguments)
        var publisher = try FramePublisher(settings)
        try publisher.waitForPeer()
        let flown = try await fly(generator, arguments, write: write) { try await publisher.send($0) }
        try publisher.finish()
        SendingReport.print(
            frames: flown.frames, rawSize: flown.rawSize, sentSize: publisher.sentSize, settings,
            isJSON: arguments.flag("json"))
        return .ok
    }

    private struct Flight {
        var frames = 0
        var rawSize = 0
        var files: [String] = []
    }

    private static func fly(
        _ generator: SceneGenerator, _ arguments: Arguments, write: FrameWriter?, send: (Frame) async throws -> Void
    ) async throws -> Flight {
        let start = arguments.datetime("start") ?? Timestamp(milliseconds: 0)
        let plan = PassPlan(
            places: arguments.integer("places") ?? 1, visits: arguments.integer("visits") ?? 1, start: start,
            revisitDays: arguments.integer("revisit-days") ?? 5)
        var progress = Progress("simulate", total: plan.places * plan.visits, unit: "frames")
        var flight = Flight()
        for stop in plan.stops {
            let request = request(stop, plan: plan, pixel: generator.pixel, arguments)
            let frame: Frame
            do { frame = try generator.frame(request) } catch { throw CommandFailure(.usage, "\(error)") }
            if let folder = arguments.text("output"), let write {
                let date = stop.datetime.rfc3339.prefix(10).filter { $0 != "-" }
                let path = "\(folder)/sim-\(request.place)_\(date).tif"
                try write(frame, path)
                flight.files.append(path)
            }
            try await send(frame)
            flight.frames += 1
            flight.rawSize += frame.samples.bytes.count
            progress.update(flight.frames)
        }
        progress.finish()
        return flight
    }

    private static func request(
        _ stop: PassPlan.Stop, plan: PassPlan, pixel: Double, _ arguments: Arguments
    ) -> SceneRequest {
        var request = SceneRequest(
            seed: UInt64(arguments.integer("seed") ?? 1), place: stop.place + (arguments.integer("first-place") ?? 0),
            datetime: stop.datetime, rows: arguments.integer("rows") ?? 264,
            columns: arguments.integer("columns") ?? 264,
            cloudCover: arguments.number("clouds"))
        request.coverage = arguments.number("coverage") ?? 1
        if let kind = arguments.text("event").flatMap(SceneEvent.Kind.init(rawValue:)) {
            let last = plan.start.milliseconds + Int64(plan.visits - 1) * Int64(plan.revisitDays) * 86_400_000
            let width = Double(request.columns) * pixel
            let height = Double(request.rows) * pixel
            request.events = [
                SceneEvent(
                    kind: kind, start: arguments.datetime("event-start")?.milliseconds ?? last - 86_400_000,
                    x: width * 0.45, y: height * 0.55, radius: max(pixel, min(width, height) * 0.25))
            ]
        }
        return request
    }

    private static func report(_ flight: Flight, _ arguments: Arguments) {
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "frames": .integer(flight.frames), "raw_bytes": .integer(flight.rawSize),
                    "files": .array(flight.files.map { .string($0) }),
                ]).indented)
        } else {
            Terminal.print(
                "\(flight.frames) frames, \(Table.group(flight.rawSize)) octets of samples, in \(arguments.text("output") ?? "")"
            )
        }
    }
}
