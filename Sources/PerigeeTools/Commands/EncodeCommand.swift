import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON

/// `perigee encode`: one GeoTIFF to one token file.
enum EncodeCommand {
    private static let defaultRatio = Int(TokenFileEncoder.defaultRatio)

    static let command = Command(
        "encode", summary: "Encode one GeoTIFF to one token file",
        discussion: [
            "The file holds layers, coarse to fine, at 10,000x, 3,000x, 1,000x and so on up to the target; any prefix of the "
                + "file decodes. --ratio and --bytes bound the whole file, header and checksum included, and are never "
                + "exceeded: where that cannot be met nothing is written, the smallest possible size is printed and the exit "
                + "code is \(ExitCode.budget.rawValue). Without either the target is \(defaultRatio)x, or the smallest "
                + "possible size where a small frame cannot be made that small.",
            "--lossless and --max-error add one layer more, after which every valid sample comes back as it was, or within the "
                + "error E in units of the samples; this is verified for every sample. --ratio and --bytes then bound the layers "
                + "before it, and the default is \(Int(LayerLadder.ratioBelowResidual))x.",
            "Bands of codes (classes, flags) and frames of a sensor without a profile travel losslessly.",
        ],
        options: [
            .value("output", short: "o", .file, as: "FILE", help: "Token file to write", isRequired: true),
            SharedOptions.sensor, SharedOptions.datetime,
            .value("place", .text, as: "NAME", help: "A name for the place, where the position does not tell it"),
            .value(
                "ratio", .number(1...1e9), as: "R", help: "Raw octets of the samples over octets of the file, at least"),
            .value("bytes", .octets(1...Int.max), as: "N", help: "Octets of the file, at most"),
            .flag("lossless", help: "Bring every sample back as it was"),
            .value(
                "max-error", .text, as: "E|BAND=E,...",
                help: "Largest error of a sample; bands that a list does not name are lossless"),
        ] + SharedOptions.scaling + [
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        positionals: [Positional("IN.tif", .file, help: "a GeoTIFF file")],
        examples: [
            Example("perigee encode scene.tif -o scene.pgt --ratio 1000", "At most a thousandth of the samples"),
            Example("perigee encode scene.tif -o scene.pgt --bytes 167", "At most 167 octets, header included"),
            Example("perigee encode scene.tif -o scene.pgt --lossless", "Every sample as it was"),
            Example("perigee encode scene.tif -o scene.pgt --max-error B02=1,B03=5", "Bounds by band"),
        ], exitCodes: [.budget, .data, .unavailable, .io, .config])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        let limit = try limit(arguments)
        let fidelity = try Fidelity(arguments)
        let path = arguments.positionals[0]
        let library = try Library(arguments)
        let catalog = try library.sensors()
        var input = try InputFrame(path: path, arguments, catalog: catalog)
        input.settleTime(arguments)
        if let place = arguments.text("place") {
            guard FrameHeader.isText(place) else {
                throw CommandFailure(
                    .usage,
                    "--place has \(place.utf8.count) octets, expected 1 to \(DeclarationLimit.text) octets "
                        + "without control characters: give a shorter name")
            }
            input.frame.description.place = place
        }
        let bundle = try library.bundle()
        let model = try Library.model(bundle)
        let result: TokenFileEncoder.Result
        do throws(CodecError) {
            let encoder = try TokenFileEncoder(
                input, bundle: bundle, model: model, lanes: arguments.integer("lanes") ?? ProcessorCount.available,
                isLossless: fidelity == .lossless)
            result = try fidelity == .any ? encoder.encode(limit) : encoder.encode(limit, fidelity)
        } catch {
            guard case .overBudget(let budget, let smallest) = error else { throw CommandFailure(error, file: path) }
            return overBudget(budget: budget, smallest: smallest, path, arguments)
        }
        let output = arguments.text("output") ?? ""
        let octets = result.file.packed()
        try FileOctets.write(octets, to: output)
        if result.clippedCount > 0 {
            input.notes.append(
                "\(result.clippedCount) samples lie more than about 105 times beyond the profile's peak and are clipped: "
                    + "give a profile with a larger peak")
        }
        report(result, octets: octets.count, input, output: output, arguments)
        return .ok
    }

    private static func limit(_ arguments: Arguments) throws(CommandFailure) -> TokenFileEncoder.Limit {
        switch (arguments.number("ratio"), arguments.integer("bytes")) {
        case (.some, .some):
            throw CommandFailure(.usage, "--ratio and --bytes exclude each other: give one of them")
        case (.some(let ratio), nil): .ratio(ratio)
        case (nil, .some(let size)): .size(size)
        case (nil, nil): .standard
        }
    }

    private static func overBudget(budget: Int, smallest: Int, _ path: String, _ arguments: Arguments) -> ExitCode {
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "error": .string("over_budget"), "budget_bytes": .integer(budget),
                    "smallest_bytes": .integer(smallest),
                ]).indented)
        }
        Program(PerigeeTool.command).report(
            "\(path): the budget is \(budget) octets, the smallest possible size is \(smallest) octets: give --bytes \(smallest)"
        )
        return .budget
    }

    private static func report(
        _ result: TokenFileEncoder.Result, octets: Int, _ input: InputFrame, output: String, _ arguments: Arguments
    ) {
        let raw = input.frame.samples.bytes.count
        let ratio = Double(raw) / Double(octets)
        let isVerbatim = result.file.declaration.coding == .verbatim
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "output": .string(output), "sensor": .string(input.frame.description.sensor),
                    "coding": .string(isVerbatim ? "verbatim" : "tokens"), "raw_bytes": .integer(raw),
                    "bytes": .integer(octets), "overhead_bytes": .integer(result.file.overhead),
                    "ratio": .number(ratio),
                    "layers": .array(result.file.layers.map { .integer($0.count) }),
                    "residual_bytes": .integer(result.residualSize), "over_budget": .bool(result.isOverBudget),
                    "clipped_samples": .integer(result.clippedCount), "notes": .array(input.notes.map { .string($0) }),
                ]).indented)
            return
        }
        let layers = "\(result.file.layers.count) layers"
        let kind = isVerbatim || arguments.flag("lossless") ? "lossless" : layers
        Terminal.print(
            "\(output): \(Table.group(octets)) octets of \(Table.group(raw)), \(Table.number(ratio, digits: 1))x, \(kind)"
        )
        for note in input.notes { Terminal.print("note: \(note)", to: .error) }
        if result.isOverBudget {
            Terminal.print("note: \(defaultRatio)x cannot be met: this is the smallest possible size", to: .error)
        }
    }
}
