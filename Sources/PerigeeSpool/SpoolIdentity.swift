internal import PerigeeCore
internal import PerigeeJSON

/// The side file `identity.json`: which epoch the file beside it has, on which machine, and which file it is. A copy of the directory
/// has another inode, a copy of the disk another machine: either must not go on with the same numbers.
struct SpoolIdentity: Equatable {
    static let name = "identity.json"
    static let version = 1

    var epoch: Epoch
    var machine: String
    var inode: UInt64
    var system: UInt64

    static func path(_ directory: String) -> String { "\(directory)/\(name)" }

    /// Nil where there is none, or none that can be read.
    static func read(_ directory: String) -> SpoolIdentity? {
        guard let octets = SystemFiles.read(path(directory), limit: 4_096),
            let json = try? JSONValue(parsing: octets[...], depthLimit: 4), json["version"]?.int == version,
            case .string(let text)? = json["epoch"], let bytes = Hex.bytes(text), let epoch = try? Epoch(bytes: bytes),
            case .string(let machine)? = json["machine"],
            case .string(let inode)? = json["inode"], let inode = UInt64(inode),
            case .string(let system)? = json["file_system"], let system = UInt64(system)
        else { return nil }
        return SpoolIdentity(epoch: epoch, machine: machine, inode: inode, system: system)
    }

    func write(_ directory: String) throws(SpoolError) {
        let json = JSONValue.object([
            "version": .integer(Self.version), "epoch": .string(epoch.text), "machine": .string(machine),
            "inode": .string(String(inode)), "file_system": .string(String(system)),
        ])
        try SystemFiles.replace(Self.path(directory), with: Array(json.indented.utf8), directory: directory)
    }

    /// Why a file is not the one that this identity was written for; nil where it is.
    func difference(epoch: Epoch, machine: String, file: (inode: UInt64, system: UInt64)) -> String? {
        if self.epoch != epoch { return "the side file names another epoch" }
        if self.machine != machine { return "the file was made on another machine" }
        if inode != file.inode || system != file.system { return "the file is a copy" }
        return nil
    }
}
