import PerigeeCommandLine
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeQuality
import PerigeeRaster
import PerigeeSimulator
import PerigeeTools

extension DemoCommand {
    private static let sensor = "sentinel-2-l2a"

    static func run(_ arguments: Arguments) async throws -> ExitCode {
        StopSignal.watch()
        let start = ContinuousClock.now
        let library = try Library(arguments)
        let profile = try library.profile(named: sensor)
        let output = arguments.text("output") ?? ".build/demo"
        try FileOctets.makeFolder(output)
        let frames = try simulate(profile, arguments)
        var rows: [DemoRow] = []
        var products: [[Timestamp: Frame]] = []
        for ratio in ratios {
            var progress = Progress("\(ratio)x", total: frames.count, unit: "frames")
            let pass = DemoPass(ratio: ratio, folder: "\(output)/\(ratio)x", library: library)
            let outcome = try await pass.fly(frames) { progress.update($0) }
            progress.finish()
            let rendered = try read(outcome.products)
            rows.append(
                DemoRow(
                    ratio: ratio, frames: frames.count, outcome: outcome,
                    reports: try measure(frames, rendered, profile)))
            products.append(rendered)
        }
        let picture = "\(output)/demo.png"
        try draw(frames, products, rows, profile, to: picture)
        try report(rows, firmware: try library.bundle().id, picture: picture, start: start, output, arguments)
        return .ok
    }

    /// The frames of all passes: the third pass is cloudy, and in the last one the first place burns.
    private static func simulate(_ profile: SensorProfile, _ arguments: Arguments) throws -> [Frame] {
        let generator = try SceneGenerator(profile: profile)
        let visits = arguments.integer("visits") ?? 5
        let plan = PassPlan(
            places: arguments.integer("places") ?? 3, visits: visits,
            start: Timestamp(rfc3339: "2024-05-21T10:36:21Z") ?? Timestamp(milliseconds: 0))
        let lastPass = plan.start.milliseconds + Int64(visits - 1) * Int64(plan.revisitDays) * 86_400_000
        return try plan.stops.enumerated().map { index, stop in
            let visit = index / plan.places
            var request = SceneRequest(
                seed: UInt64(arguments.integer("seed") ?? 11), place: stop.place, datetime: stop.datetime,
                rows: arguments.integer("rows") ?? 264, columns: arguments.integer("columns") ?? 264,
                cloudCover: visit == 2 ? 0.3 : 0)
            if stop.place == 0 {
                let side = Double(min(request.rows, request.columns)) * generator.pixel
                request.events = [
                    SceneEvent(
                        kind: .fire, start: lastPass - 86_400_000, x: side * 0.4, y: side * 0.6, radius: side * 0.22)
                ]
            }
            return try generator.frame(request)
        }
    }

    private static func read(_ paths: [String]) throws(CommandFailure) -> [Timestamp: Frame] {
        var frames: [Timestamp: Frame] = [:]
        for path in paths {
            let file: RasterFile
            do { file = try RasterReader.read(path) } catch { throw CommandFailure(error) }
            if let time = file.frame.description.datetime { frames[time] = file.frame }
        }
        return frames
    }

    private static func measure(
        _ originals: [Frame], _ products: [Timestamp: Frame], _ profile: SensorProfile
    ) throws -> [QualityReport] {
        try originals.map { original in
            guard let time = original.description.datetime, let product = products[time] else {
                throw CommandFailure(.internal, "a frame has no product: see the logs")
            }
            var conditions = Quality.Conditions(
                peak: profile.peak, nodata: original.description.nodata,
                bands: profile.bands.filter { !$0.isCategorical })
            conditions.scale = profile.scale
            conditions.offset = profile.offset
            return try Quality.compare(original.samples, product.samples, conditions)
        }
    }

    private static func draw(
        _ frames: [Frame], _ products: [[Timestamp: Frame]], _ rows: [DemoRow], _ profile: SensorProfile,
        to path: String
    ) throws(CommandFailure) {
        let places = Set(frames.map { $0.description.georeference?.transform ?? [] }).count
        // A clear frame, a cloudy one, and the fire.
        let chosen = [
            (name: "clear", index: 0), (name: "clouds", index: 2 * places + 1),
            (name: "after a fire", index: frames.count - places),
        ]
        let views = chosen.filter { frames.indices.contains($0.index) }.map { choice in
            let original = frames[choice.index]
            let others = products.indices.compactMap { configuration -> (name: String, frame: Frame, psnr: Double?)? in
                guard let time = original.description.datetime, let frame = products[configuration][time] else {
                    return nil
                }
                return (
                    "\(rows[configuration].ratio)x", frame, rows[configuration].reports[choice.index].psnr
                )
            }
            return (choice.name, frames[choice.index % places], original, others)
        }
        try DemoSheet.draw(views, bands: profile.bands.filter { !$0.isCategorical }, to: path)
    }

    private static func report(
        _ rows: [DemoRow], firmware: UInt32, picture: String, start: ContinuousClock.Instant, _ output: String,
        _ arguments: Arguments
    ) throws(CommandFailure) {
        let seconds = start.duration(to: .now)
        let json = JSONValue.object([
            "sensor": .string(sensor), "firmware": .string(Hex.text(firmware)),
            "release": .string(Program.releaseVersion),
            "seconds": .number(Double(seconds.components.seconds) + Double(seconds.components.attoseconds) * 1e-18),
            "configurations": .array(rows.map(\.json)), "picture": .string(picture),
        ]).indented
        let path = "\(output)/report.json"
        try FileOctets.write(Array((json + "\n").utf8), to: path)
        if arguments.flag("json") {
            Terminal.print(json)
            return
        }
        Terminal.write(DemoRow.table(rows).text(isStyled: Terminal.hasColor(.output)))
        Terminal.print("\n\(picture)\n\(path)")
    }
}
