import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeTools

extension EncodeCommand {
    static func run(_ arguments: Arguments) throws -> ExitCode {
        let limit = try TokenFileEncoder.Limit(arguments)
        let fidelity = try Fidelity(arguments)
        let path = arguments.positionals[0]
        let library = try Library(arguments)
        let catalog = try library.sensors()
        var input = try InputFrame(path: path, arguments, catalog: catalog)
        input.settleTime(arguments)
        try input.settlePlace(arguments)
        let bundle = try library.bundle()
        let model = try Library.model(bundle)
        var references = try ReferenceFiles(arguments, library)
        let result: TokenFileEncoder.Result
        /// What decoding needs.
        let used: [String]
        do {
            var encoder = try TokenFileEncoder(
                input, bundle: bundle, model: model, lanes: arguments.integer("lanes") ?? ProcessorCount.available,
                isLossless: fidelity == .lossless)
            encoder.history = try references.choice(
                for: (encoder.declaration, encoder.metadata), encoder.stream, model: model)
            if encoder.history == nil, !arguments.texts("reference").isEmpty {
                input.notes.append(
                    "no reference shows ground of this frame: give files of the same grid, or of the same --place and size"
                )
            }
            result = try encoder.encodeBest(limit, fidelity, input, model: model)
            used = result.file.metadata.references == nil ? [] : encoder.history?.paths ?? []
            if encoder.history != nil, used.isEmpty {
                input.notes.append("the references do not help here: the frame is plain")
            }
        } catch let error as CodecError {
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
        report(result, octets: octets.count, input, references: used, output: output, arguments)
        return .ok
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
        _ result: TokenFileEncoder.Result, octets: Int, _ input: InputFrame, references: [String], output: String,
        _ arguments: Arguments
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
                    "references": .array(references.map { .string($0) }),
                    "clipped_samples": .integer(result.clippedCount), "notes": .array(input.notes.map { .string($0) }),
                ]).indented)
            return
        }
        let layers = "\(result.file.layers.count) layers"
        let kind = isVerbatim || arguments.flag("lossless") ? "lossless" : layers
        Terminal.print(
            "\(output): \(Table.group(octets)) octets of \(Table.group(raw)), \(Table.number(ratio, digits: 1))x, \(kind)"
        )
        if !references.isEmpty { Terminal.print("predicted from \(references.joined(separator: ", "))") }
        for note in input.notes { Terminal.print("note: \(note)", to: .error) }
        if result.isOverBudget {
            Terminal.print("note: \(defaultRatio)x cannot be met: this is the smallest possible size", to: .error)
        }
    }
}
