import Glibc
import PerigeeCodec
package import PerigeeConfig
import PerigeeCore
package import PerigeeFirmware
import PerigeeLink
package import PerigeeRollout
import PerigeeTransport

/// The bundle that a station runs with, and where it comes from.
package struct StationFirmware: Sendable {
    package let bundle: FirmwareBundle
    let model: CodecModel
    package let source: BundleSource
    /// What the bundle has to show; nil where it was confirmed.
    package let trial: SlotState.Trial?
    /// The slots; nil where their keys cannot be read, so that nothing is installed.
    let slots: SlotStore?
    /// What was passed over on the way, for the log.
    package let notes: [String]

    /// Chooses the bundle: that of the slots where one is installed and good, else that of the package. `isStart`: count it
    /// against a trial; else nothing changes.
    package static func choose(_ configuration: StationConfiguration, isStart: Bool) throws(StationError)
        -> StationFirmware
    {
        var notes: [String] = []
        var keys: TrustedKeys?
        do throws(FirmwareError) { keys = try TrustedKeys(directory: configuration.firmwareKeysDirectory) } catch {
            // without a folder of keys nothing can be installed; that is how a station begins
            if access(configuration.firmwareKeysDirectory, F_OK) == 0 { notes.append("no firmware keys: \(error)") }
        }
        let slots = keys.map { SlotStore(directory: configuration.firmwareSlotsDirectory, keys: $0) }
        if let start = slots.map({ isStart ? $0.start(now: currentTime().utc) : $0.peek() }) {
            notes += start.notes
            if let bundle = start.bundle {
                do throws(CodecError) {
                    return StationFirmware(
                        bundle: bundle, model: try CodecModel(tensors: bundle.tensors), source: start.source,
                        trial: start.trial, slots: slots, notes: notes)
                } catch { notes.append("the bundle of slot \(start.source.text) does not fit this codec: \(error)") }
            }
        }
        let (bundle, model) = try package(configuration, keys ?? TrustedKeys([]))
        return StationFirmware(
            bundle: bundle, model: model, source: .package, trial: nil, slots: slots, notes: notes)
    }

    private static func package(
        _ configuration: StationConfiguration, _ keys: TrustedKeys
    ) throws(StationError) -> (FirmwareBundle, CodecModel) {
        let path = "\(configuration.firmwareDirectory)/\(configuration.firmwareName)"
        let bundle = try wrap { (error: FirmwareError) in
            .firmware(path: path, error)
        } _: { () throws(FirmwareError) in
            try FirmwareBundle.load(directory: path)
        }
        if configuration.requiresFirmwareSignature {
            try wrap { (error: RolloutError) in
                .rollout(path: path, error)
            } _: { () throws(RolloutError) in
                try PackageTrust.check(directory: path, keys: keys)
            }
        }
        let model = try wrap { (error: CodecError) in
            .model(path: path, error)
        } _: { () throws(CodecError) in
            try CodecModel(tensors: bundle.tensors)
        }
        return (bundle, model)
    }
}
