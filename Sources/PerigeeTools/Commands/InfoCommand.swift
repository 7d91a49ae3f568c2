import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON

/// `perigee info`: what a token file says, and where every octet goes.
enum InfoCommand {
    static let command = Command(
        "info", summary: "Show what a token file says and where every octet goes",
        discussion: [
            "The octets listed under `octets` add up to the size of the file; those under `tokens` say what the layers are "
                + "spent on (decisions of an arithmetic coder share octets, so these are fractions)."
        ],
        options: [
            .flag("prefix", help: "Accept a file that was cut short"), SharedOptions.firmware, SharedOptions.home,
            SharedOptions.json,
        ],
        positionals: [Positional("IN.pgt", .file, help: "a token file")],
        examples: [Example("perigee info --json scene.pgt", "Everything, for programs")],
        exitCodes: [.data, .unavailable, .io, .config])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        let path = arguments.positionals[0]
        let octets = try FileOctets.read(path, limit: DecodeCommand.fileLimit)
        let file: TokenFile
        do { file = try TokenFile(parsing: octets, allowsPrefix: arguments.flag("prefix")) } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
        // A file whose firmware is not here can still be looked at; what only the profile knows is then null.
        let bundle = try? Library(arguments).bundle(id: file.declaration.firmware)
        let stream = bundle.flatMap { try? StreamDescription(file.declaration, profiles: $0.profiles) }
        let tokens = bundle.flatMap { tokenAccount(file, stream, $0) }
        let account = HeaderAccount(file, size: octets.count, isPrefix: arguments.flag("prefix"))
        if arguments.flag("json") {
            Terminal.print(json(file, size: octets.count, stream, account, tokens).indented)
        } else {
            print(file, size: octets.count, stream, account, tokens)
        }
        return .ok
    }

    /// Octets of the tokens by what they say; nil where the firmware is not here or the tokens are damaged.
    private static func tokenAccount(
        _ file: TokenFile, _ stream: StreamDescription?, _ bundle: FirmwareBundle
    ) -> [(name: String, size: Double)]? {
        guard let stream, let model = try? Library.model(bundle),
            let decoder = try? FrameDecoder(model: model, stream: stream, lanes: 1),
            let account = try? decoder.account(
                layers: file.layers, isPredicted: file.metadata.references != nil)
        else { return nil }
        return [
            ("frame head", account.head), ("spectral records", account.records), ("tile tables", account.tables),
            ("validity mask", account.mask), ("prediction", account.prediction),
            ("flags", account.flags), ("significance", account.significance), ("signs", account.signs),
            ("refinement", account.refinement), ("verbatim", account.verbatim), ("residual", account.residual),
        ]
    }

    private static func json(
        _ file: TokenFile, size: Int, _ stream: StreamDescription?, _ account: HeaderAccount,
        _ tokens: [(name: String, size: Double)]?
    ) -> JSONValue {
        let raw = stream.flatMap { try? $0.rawSize(limit: Int.max) }
        let payload = file.layers.reduce(0) { $0 + $1.count }
        var members: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue) { members.append(JSONValue.Member(key, value)) }
        add("bytes", .integer(size))
        add("overhead_bytes", .integer(size - payload))
        add("token_bytes", .integer(payload))
        add("raw_bytes", raw.map { .integer($0) } ?? .null)
        add("ratio", .optional(raw.map { Double($0) / Double(size) }))
        add("epoch", .string(file.epoch.text))
        add("frame", .string(String(file.frame)))
        add("firmware", .string(Hex.text(file.declaration.firmware)))
        add("coding", .string(file.declaration.coding == .verbatim ? "verbatim" : "tokens"))
        members += described(file, stream)
        let history = raw.flatMap { LayerLadder.history(of: file.metadata, layerSize: payload, rawSize: $0) }
        add("history", .optional(history))
        add("octets", .object(account.entries.map { JSONValue.Member($0.name, .integer($0.size)) }))
        add("tokens", tokens.map { .object($0.map { JSONValue.Member($0.name, .number($0.size)) }) } ?? .null)
        var end = account.headerSize
        var layers: [JSONValue] = []
        for layer in file.layers {
            end += layer.count
            let ratio = raw.map { Double($0) / Double(end + Packet.checksumSize) }
            layers.append(
                .object([
                    "bytes": .integer(layer.count), "file_bytes_to_here": .integer(end),
                    "ratio_to_here": .optional(ratio),
                ]))
        }
        add("layers", .array(layers))
        return .object(members)
    }

    /// What the declaration and the metadata say; null where the firmware that would tell is not here.
    private static func described(_ file: TokenFile, _ stream: StreamDescription?) -> [JSONValue.Member] {
        let description = stream?.frameDescription(file.metadata)
        let position = description?.georeference
        let shape: [JSONValue] = [
            stream.map { .integer($0.bands.count) } ?? .null, .integer(file.declaration.rows),
            .integer(file.declaration.columns),
        ]
        let values: [(String, JSONValue)] = [
            ("sensor", .optional(stream?.sensor)),
            ("bands", stream.map { .array($0.bands.map { .string($0.name) }) } ?? .null),
            ("dtype", .optional(stream?.sampleType.name)),
            ("shape", .array(shape)),
            ("datetime", .optional(description?.datetime?.rfc3339)),
            ("place", .optional(file.metadata.place)),
            ("references", file.metadata.references.map { references($0) } ?? .null),
            ("replaces", .optional(replaced(by: file))),
            ("proj:code", .optional(position.map { "EPSG:\($0.epsg)" })),
            ("proj:transform", position.map { .array($0.transform.map { .number($0) }) } ?? .null),
            ("view:sun_elevation", .optional(file.metadata.sunElevation)),
        ]
        return values.map { JSONValue.Member($0.0, $0.1) }
    }

    /// `back` is null where only the hash tells which frames these are.
    private static func references(_ references: FrameMetadata.References) -> JSONValue {
        let frames = references.frames.map { reference in
            JSONValue.object([
                "back": reference.back == 0 ? .null : .string(String(reference.back)),
                "layers": .integer(reference.layers),
            ])
        }
        return .object([
            "hash": .string(Hex.text(references.hash)), "frames": .array(frames),
            "mix": .number(Double(references.mix) / 4),
        ])
    }

    /// The frame that this plain one stands in for, as `identity` has it.
    private static func replaced(by file: TokenFile) -> String? {
        file.metadata.replaces?.identity(epoch: file.epoch, number: file.frame).map { identity in
            "\(identity.epoch.text) frame \(identity.number)"
        }
    }

    /// The same for people.
    private static func text(_ references: FrameMetadata.References) -> String {
        let frames = references.frames.map { reference in
            (reference.back == 0 ? "a frame" : "the frame \(reference.back) before") + " by \(reference.layers) layers"
        }
        let mix = references.mix == 0 ? "" : ", \(references.mix) quarters of the second"
        return "\(Hex.text(references.hash)), \(frames.joined(separator: ", "))\(mix)"
    }

    private static func print(
        _ file: TokenFile, size: Int, _ stream: StreamDescription?, _ account: HeaderAccount,
        _ tokens: [(name: String, size: Double)]?
    ) {
        let description = stream?.frameDescription(file.metadata)
        let raw = stream.flatMap { try? $0.rawSize(limit: Int.max) }
        var lines = [
            ("identity", "\(file.epoch.text) frame \(file.frame)"),
            ("firmware", Hex.text(file.declaration.firmware) + (stream == nil ? ", not here" : "")),
            ("sensor", stream?.sensor ?? "unknown without the firmware"),
            ("size", "\(file.declaration.rows) rows, \(file.declaration.columns) columns"),
        ]
        if let stream { lines.append(("bands", stream.bands.map(\.name).joined(separator: " "))) }
        lines.append(("time", description?.datetime?.rfc3339 ?? "unknown"))
        lines.append(
            (
                "place",
                description?.georeference.map { "EPSG:\($0.epsg) \($0.transform)" } ?? file.metadata.place ?? "unknown"
            ))
        if let references = file.metadata.references { lines.append(("reference", text(references))) }
        if let replaced = replaced(by: file) { lines.append(("replaces", replaced)) }
        let payload = file.layers.reduce(0) { $0 + $1.count }
        if let raw, let history = LayerLadder.history(of: file.metadata, layerSize: payload, rawSize: raw) {
            lines.append(("history", history))
        }
        if let raw {
            lines.append(
                ("ratio", "\(Table.number(Double(raw) / Double(size), digits: 1))x of \(Table.group(raw)) octets"))
        }
        for (name, value) in lines {
            Terminal.print("\(name)\(String(repeating: " ", count: 10 - name.count))\(value)")
        }
        var table = Table([("where the octets go", .left), ("octets", .right), ("share", .right)])
        for entry in account.entries {
            table.append([
                entry.name, Table.group(entry.size),
                Table.number(100 * Double(entry.size) / Double(size), digits: 1) + " %",
            ])
        }
        table.append(["all", Table.group(size), "100.0 %"])
        Terminal.write("\n" + table.text(isStyled: Terminal.hasColor(.output)))
        guard let tokens else { return }
        var classes = Table([("of the layers", .left), ("octets", .right), ("share", .right)])
        for entry in tokens where entry.size > 0 {
            classes.append([
                entry.name, Table.number(entry.size, digits: 1),
                Table.number(100 * entry.size / Double(size), digits: 1) + " %",
            ])
        }
        Terminal.write("\n" + classes.text(isStyled: Terminal.hasColor(.output)))
    }
}

/// Octets of each field of a token file, which add up to its size.
struct HeaderAccount {
    private(set) var entries: [(name: String, size: Int)] = []
    /// Octets before the first layer.
    let headerSize: Int

    init(_ file: TokenFile, size: Int, isPrefix: Bool) {
        func packed(_ write: (inout ByteWriter) -> Void) -> Int {
            var writer = ByteWriter()
            write(&writer)
            return writer.bytes.count
        }
        entries = [
            ("magic", 3), ("version and layer count", 1), ("epoch", Epoch.size),
            ("declaration", packed { file.declaration.pack(into: &$0) }),
            ("frame number", packed { $0.writeVarint(file.frame) }),
            ("frame metadata", packed { file.metadata.pack(into: &$0, declaration: file.declaration) }),
        ]
        let payload = file.layers.reduce(0) { $0 + $1.count }
        let before = entries.reduce(0) { $0 + $1.size }
        let ownSizes = file.layers.reduce(0) { $0 + Varint.size($1.count) }
        // In a file that was cut short the sizes are those of the whole one: what is left is theirs.
        let isCut = isPrefix && size < before + ownSizes + 2 + payload + Packet.checksumSize
        let sizes = isCut ? size - before - 2 - payload : ownSizes
        headerSize = before + sizes + 2
        entries += [("layer sizes", sizes), ("header checksum", 2)]
        for (index, layer) in file.layers.enumerated() { entries.append(("layer \(index)", layer.count)) }
        entries.append(("file checksum", size - headerSize - payload))
    }
}
