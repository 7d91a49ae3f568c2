import PerigeeCodec
import PerigeeCommandLine
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware

/// Sensors and firmware of an installation, read when first asked for.
struct Library {
    private let folders: InstallationFolders

    init(_ arguments: Arguments) throws(CommandFailure) {
        folders = try InstallationFolders(home: arguments.text("home"), firmware: arguments.text("firmware"))
    }

    /// The folder that holds bundles; where --firmware names one bundle, the folder above it.
    var storeFolder: String {
        let folder = folders.firmware
        return InstallationFolders.isFile("\(folder)/manifest.json") ? "\(folder)/.." : folder
    }

    /// All sensors of the profiles' folder.
    func sensors() throws(CommandFailure) -> SensorCatalog {
        do { return try SensorCatalog(directory: folders.sensors) } catch {
            throw CommandFailure(.config, "sensor profiles: \(error)")
        }
    }

    /// The profile of a sensor's name; a wrong name is a usage error that lists what there is.
    func profile(named name: String) throws(CommandFailure) -> SensorProfile {
        let catalog = try sensors()
        guard let definition = catalog[name] else {
            let names = catalog.definitions.map(\.profile.name).sorted().joined(separator: ", ")
            throw CommandFailure(.usage, "--sensor is \"\(name)\", expected one of \(names)")
        }
        return definition.profile
    }

    /// The bundle to encode with: the folder named by --firmware where it is a bundle, else the one that lies in it.
    func bundle() throws(CommandFailure) -> FirmwareBundle {
        let folder = folders.firmware
        do throws(FirmwareError) {
            if InstallationFolders.isFile("\(folder)/manifest.json") {
                return try FirmwareBundle.load(directory: folder)
            }
            let bundles = try FirmwareStore(directory: folder).list().bundles
            if bundles.count == 1, let only = bundles.first { return try FirmwareBundle.load(directory: only.path) }
            let names = bundles.map { "\"\($0.path)\"" }.joined(separator: ", ")
            throw FirmwareError.unusable(
                field: "count of bundles in \(folder)", found: "\(bundles.count)",
                expected: "1, or --firmware with one of them\(names.isEmpty ? "" : ": \(names)")")
        } catch {
            throw CommandFailure(.config, "firmware: \(error)")
        }
    }

    /// The bundle that a frame names.
    func bundle(id: UInt32) throws(CommandFailure) -> FirmwareBundle {
        let folder = folders.firmware
        do throws(FirmwareError) {
            if InstallationFolders.isFile("\(folder)/manifest.json") {
                let bundle = try FirmwareBundle.load(directory: folder)
                if bundle.id == id { return bundle }
            } else if let bundle = try FirmwareStore(directory: folder).load(id: id) {
                return bundle
            }
        } catch {
            throw CommandFailure(.config, "firmware: \(error)")
        }
        throw CommandFailure(
            .config,
            "firmware is \(Hex.text(id)), which is not in \(folder): fetch that bundle and name it with --firmware")
    }

    /// What the codec needs of a bundle.
    static func model(_ bundle: FirmwareBundle) throws(CommandFailure) -> CodecModel {
        do { return try CodecModel(tensors: bundle.tensors) } catch {
            throw CommandFailure(.config, "firmware \(Hex.text(bundle.id)): \(error)")
        }
    }
}
