package import PerigeeCodec
package import PerigeeCommandLine
package import PerigeeConfig
package import PerigeeCore
package import PerigeeFirmware

/// Sensors and firmware of an installation, read when first asked for.
package struct Library {
    private let folders: InstallationFolders

    package init(_ arguments: Arguments) throws(CommandFailure) {
        folders = try InstallationFolders(home: arguments.text("home"), firmware: arguments.text("firmware"))
    }

    /// The folder that holds bundles; where --firmware names one bundle, the folder above it.
    package var storeFolder: String {
        let folder = folders.firmware
        return InstallationFolders.isFile("\(folder)/manifest.json") ? "\(folder)/.." : folder
    }

    /// All sensors of the profiles' folder.
    package func sensors() throws(CommandFailure) -> SensorCatalog {
        do { return try SensorCatalog(directory: folders.sensors) } catch {
            throw CommandFailure(.config, "sensor profiles: \(error)")
        }
    }

    /// The profile of a sensor's name; a wrong name is a usage error that lists what there is.
    package func profile(named name: String) throws(CommandFailure) -> SensorProfile {
        let catalog = try sensors()
        guard let definition = catalog[name] else {
            let names = catalog.definitions.map(\.profile.name).sorted().joined(separator: ", ")
            throw CommandFailure(.usage, "--sensor is \"\(name)\", expected one of \(names)")
        }
        return definition.profile
    }

    /// The bundle to encode with: the folder named by --firmware where it is a bundle, else the one that lies in it.
    package func bundle() throws(CommandFailure) -> FirmwareBundle {
        let path = try bundleFolder()
        do { return try FirmwareBundle.load(directory: path) } catch {
            throw CommandFailure(.config, "firmware: \(error)")
        }
    }

    /// The folder of that bundle.
    package func bundleFolder() throws(CommandFailure) -> String {
        let folder = folders.firmware
        if InstallationFolders.isFile("\(folder)/manifest.json") { return folder }
        let bundles: [FirmwareStore.Entry]
        do { bundles = try FirmwareStore(directory: folder).list().bundles } catch {
            throw CommandFailure(.config, "firmware: \(error)")
        }
        if bundles.count == 1, let only = bundles.first { return only.path }
        let names = bundles.map(\.path).joined(separator: ", ")
        throw CommandFailure(
            .config,
            "\(folder) holds \(bundles.count) firmware bundles, one is needed: name one with --firmware"
                + (names.isEmpty ? "" : " (\(names))"))
    }

    /// The folder of sensor profiles.
    package var sensorsFolder: String { folders.sensors }

    /// The bundle that a frame names.
    package func bundle(id: UInt32) throws(CommandFailure) -> FirmwareBundle {
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
    package static func model(_ bundle: FirmwareBundle) throws(CommandFailure) -> CodecModel {
        do { return try CodecModel(tensors: bundle.tensors) } catch {
            throw CommandFailure(.config, "firmware \(Hex.text(bundle.id)): \(error)")
        }
    }
}
