import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeRaster

/// `perigee decode`: one token file, or a prefix of one, to a GeoTIFF.
enum DecodeCommand {
    /// Octets of a token file; a verbatim frame may be as large as its samples.
    static let fileLimit = 300 << 20
    /// Octets of the samples that are made room for.
    static let sampleLimit = 256 << 20

    static let command = Command(
        "decode", summary: "Rebuild a GeoTIFF from a token file",
        discussion: [
            "Writes a Cloud Optimized GeoTIFF with position, time, band names, nodata and scale as the source gave them. What "
                + "the file says nothing of stays unknown. --layers and --bytes decode as if the rest had never been sent; "
                + "a file that was cut short decodes with --bytes."
        ],
        options: [
            .value("output", short: "o", .file, as: "FILE", help: "GeoTIFF to write", isRequired: true),
            .value("layers", .integer(1...TokenFile.layerLimit), as: "K", help: "Only the first K layers"),
            .value("bytes", .octets(1...Int.max), as: "N", help: "Only the first N octets of the file"),
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        positionals: [Positional("IN.pgt", .file, help: "a token file")],
        examples: [
            Example("perigee decode scene.pgt -o scene.tif", "All that the file holds"),
            Example("perigee decode scene.pgt -o coarse.tif --layers 1", "The coarsest layer alone"),
        ], exitCodes: [.data, .unavailable, .io, .config])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        let path = arguments.positionals[0]
        guard arguments.integer("layers") == nil || arguments.integer("bytes") == nil else {
            throw CommandFailure(.usage, "--layers and --bytes exclude each other: give one of them")
        }
        let octets = try FileOctets.read(path, limit: fileLimit)
        let file: TokenFile
        do throws(FormatError) {
            if let size = arguments.integer("bytes") {
                file = try TokenFile(parsing: Array(octets.prefix(size)), allowsPrefix: true)
            } else {
                file = try TokenFile(parsing: octets)
            }
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
        let layers = Array(file.layers.prefix(arguments.integer("layers") ?? file.layers.count))
        let frame = try decode(file, layers: layers, path: path, arguments)
        let output = arguments.text("output") ?? ""
        do {
            try RasterWriter.writeCOG(
                frame, to: output, metadata: ["perigee_frame": "\(file.epoch.text)-\(file.frame)"])
        } catch { throw CommandFailure(error) }
        report(file, layers, frame, output: output, arguments)
        return .ok
    }

    private static func decode(
        _ file: TokenFile, layers: [ArraySlice<UInt8>], path: String, _ arguments: Arguments
    ) throws(CommandFailure) -> Frame {
        let bundle = try Library(arguments).bundle(id: file.declaration.firmware)
        let model = try Library.model(bundle)
        do {
            let stream = try StreamDescription(file.declaration, profiles: bundle.profiles)
            _ = try stream.rawSize(limit: sampleLimit)
            let decoder = try FrameDecoder(
                model: model, stream: stream, lanes: arguments.integer("lanes") ?? ProcessorCount.available)
            let samples = try decoder.decode(layers: layers)
            return try Frame(description: stream.frameDescription(file.metadata), samples: samples)
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
    }

    private static func report(
        _ file: TokenFile, _ layers: [ArraySlice<UInt8>], _ frame: Frame, output: String, _ arguments: Arguments
    ) {
        let used = layers.reduce(0) { $0 + $1.count }
        let samples = frame.samples
        if arguments.flag("json") {
            Terminal.print(
                JSONText.object([
                    "output": .text(output), "sensor": .text(frame.description.sensor),
                    "shape": .array([samples.bands, samples.rows, samples.columns].map { .integer($0) }),
                    "layers": .integer(layers.count), "token_bytes": .integer(used),
                    "overhead_bytes": .integer(file.overhead),
                    "datetime": .optional(frame.description.datetime?.rfc3339),
                ]).text())
        } else {
            Terminal.print(
                "\(output): \(samples.bands) x \(samples.rows) x \(samples.columns) \(samples.type.name) from "
                    + "\(layers.count) layers, \(Table.group(used)) octets of tokens")
        }
    }
}
