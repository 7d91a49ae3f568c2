import Glibc
import PerigeeCommandLine
import PerigeeJSON
package import PerigeeTransport

/// `perigee keys`: key pairs of CURVE, and the gateway's list of stations.
enum KeysCommand {
    private static let folder = Option.value(
        "directory", short: "d", .directory, as: "DIR", help: "Folder of the keys", default: "/etc/perigee/keys")
    private static let name = Positional("NAME", .text, help: "name of the pair: 1 to 32 of a-z, 0-9 and -")
    private static let station = Positional("STATION", .text, help: "name of the station, as its [station] id says")

    static let command = Command(
        "keys", summary: "Make key pairs, and say which stations a gateway lets in",
        subcommands: [gen, show, rotate, allow, deny])

    private static let gen = Command(
        "gen", summary: "Make a key pair",
        discussion: [
            "Writes DIR/NAME.secret, for its owner alone, and DIR/NAME.pub, for everybody. Nothing that exists is replaced."
        ],
        options: [folder, SharedOptions.json], positionals: [name],
        examples: [
            Example("perigee keys gen gateway", "On the gateway; give gateway.pub to its stations"),
            Example("perigee keys gen station", "On a station; give station.pub to the gateway"),
        ], exitCodes: [.data, .unavailable, .io])

    private static let show = Command(
        "show", summary: "Print the public keys of files",
        discussion: ["Of a secret it prints the public key that belongs to it, never the secret."],
        options: [SharedOptions.json],
        positionals: [Positional("FILE", .file, count: 1...1_000, help: "a .pub or .secret file")],
        examples: [Example("perigee keys show /etc/perigee/keys/stations/*.pub", "Who may come in")],
        exitCodes: [.data, .unavailable, .io])

    private static let rotate = Command(
        "rotate", summary: "Change a key pair without losing the connection",
        discussion: [
            "Makes a second pair: DIR/NAME.pub then holds both public keys, old and new, and DIR/NAME.secret.next waits. Give "
                + "NAME.pub to the other end, which then takes either key. With --finish the new secret takes the place of the "
                + "old one: restart the daemon that uses it, and give NAME.pub to the other end again."
        ],
        options: [folder, .flag("finish", help: "Put the new secret in place of the old one"), SharedOptions.json],
        positionals: [name],
        examples: [
            Example("perigee keys rotate gateway", "Begin; copy gateway.pub to all stations and restart them"),
            Example("perigee keys rotate --finish gateway", "Finish, when every station has both keys"),
        ], exitCodes: [.data, .unavailable, .io])

    private static let allow = Command(
        "allow", summary: "Let a station in, with the keys of its file",
        discussion: ["The gateway takes it within a second. Earlier keys of the station are replaced."],
        options: [folder, SharedOptions.json],
        positionals: [station, Positional("FILE", .file, help: "its .pub file")],
        examples: [Example("perigee keys allow alpha-1 station.pub", "The holder of station.pub is now alpha-1")],
        exitCodes: [.data, .unavailable, .io])

    private static let deny = Command(
        "deny", summary: "Let a station in no more",
        discussion: ["The gateway ends its session within a second. What it delivered stays in the archive."],
        options: [folder, SharedOptions.json], positionals: [station],
        examples: [Example("perigee keys deny alpha-1", "Its keys mean nothing to the gateway any more")],
        exitCodes: [.data, .unavailable, .io])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        do throws(KeyError) {
            let items: [KeyItem]
            switch arguments.path.last {
            case "show": items = try KeyWork.show(arguments.positionals)
            case "gen": items = try KeyWork(arguments).generate()
            case "rotate": items = try KeyWork(arguments).rotate(isLast: arguments.flag("finish"))
            case "allow": items = try KeyWork(arguments).allow(arguments.positionals[1])
            default: items = try KeyWork(arguments).deny()
            }
            report(items, isJSON: arguments.flag("json"))
        } catch {
            throw CommandFailure(code(error), "\(error)")
        }
        return .ok
    }

    private static func report(_ items: [KeyItem], isJSON: Bool) {
        guard !isJSON else {
            let files = items.map { item in
                JSONValue.object([
                    "file": .string(item.file), "keys": .array(item.keys.map { .string($0.text) }),
                    "note": .string(item.note),
                ])
            }
            return Terminal.print(JSONValue.object(["files": .array(files)]).indented)
        }
        for item in items {
            Terminal.print(item.note.isEmpty ? item.file : "\(item.file): \(item.note)")
            for key in item.keys { Terminal.print("  public key \(key)") }
        }
    }

    private static func code(_ error: KeyError) -> ExitCode {
        switch error {
        case .missing: .unavailable
        case .malformed, .openToOthers, .foreign, .exists, .name, .unprotected: .data
        case .file: .io
        case .library: .internal
        }
    }
}

/// A file that a command of keys wrote or read.
package struct KeyItem: Equatable {
    let file: String
    var keys: [PublicKey] = []
    var note = ""
}

/// What the commands do in one folder.
package struct KeyWork {
    private let folder: String
    private let name: String

    init(_ arguments: Arguments) throws(KeyError) {
        try self.init(folder: arguments.text("directory") ?? ".", name: arguments.positionals[0])
    }

    package init(folder: String, name: String) throws(KeyError) {
        self.folder = folder
        self.name = name
        guard KeyFile.isName(name) else { throw .name(name) }
    }

    private var secret: String { "\(folder)/\(name).secret" }
    private var next: String { "\(folder)/\(name).secret.next" }
    private var publicFile: String { "\(folder)/\(name).pub" }
    private var stationFile: String { "\(folder)/stations/\(name).pub" }

    package func generate() throws(KeyError) -> [KeyItem] {
        try KeyFile.makeFolder(folder)
        for path in [secret, next, publicFile] where KeyFile.isThere(path) { throw .exists(path: path) }
        let pair = try KeyFile.newPair(for: secret)
        try KeyFile.writeSecret(pair, to: secret)
        try KeyFile.writePublic([pair.publicKey], to: publicFile)
        return [
            KeyItem(file: secret, note: "keep it here, for the daemon alone"),
            KeyItem(file: publicFile, keys: [pair.publicKey], note: "give it to the other end"),
        ]
    }

    static func show(_ paths: [String]) throws(KeyError) -> [KeyItem] {
        var items: [KeyItem] = []
        for path in paths {
            let isSecret = path.hasSuffix(".secret") || path.hasSuffix(".next")
            let keys = isSecret ? [try KeyFile.readSecret(path).publicKey] : try KeyFile.readPublic(path)
            items.append(KeyItem(file: path, keys: keys))
        }
        return items
    }

    func rotate(isLast: Bool) throws(KeyError) -> [KeyItem] {
        let old = try KeyFile.readSecret(secret)
        guard isLast else {
            if KeyFile.isThere(next) { throw .exists(path: next) }
            let pair = try KeyFile.newPair(for: next)
            try KeyFile.writeSecret(pair, to: next)
            try KeyFile.writePublic([old.publicKey, pair.publicKey], to: publicFile)
            return [
                KeyItem(
                    file: publicFile, keys: [old.publicKey, pair.publicKey],
                    note: "give it to the other end, then finish with `perigee keys rotate --finish`")
            ]
        }
        // where the last run ended between its two writes the secret is in place already
        let isMoved = !KeyFile.isThere(next) && (try? KeyFile.readPublic(publicFile))?.last == old.publicKey
        let pair = isMoved ? old : try KeyFile.readSecret(next)
        if !isMoved { try KeyFile.move(next, to: secret) }
        try KeyFile.writePublic([pair.publicKey], to: publicFile)
        return [
            KeyItem(file: secret, note: "is the new one: restart the daemon that uses it"),
            KeyItem(file: publicFile, keys: [pair.publicKey], note: "give it to the other end, the old key ends there"),
        ]
    }

    package func allow(_ file: String) throws(KeyError) -> [KeyItem] {
        let keys = try KeyFile.readPublic(file)
        try KeyFile.makeFolder("\(folder)/stations")
        try KeyFile.writePublic(keys, to: stationFile)
        return [KeyItem(file: stationFile, keys: keys, note: "\(name) may come in")]
    }

    func deny() throws(KeyError) -> [KeyItem] {
        try KeyFile.remove(stationFile)
        return [KeyItem(file: stationFile, note: "\(name) may come in no more")]
    }
}
