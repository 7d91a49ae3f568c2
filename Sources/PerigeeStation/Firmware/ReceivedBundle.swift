import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeLink
import PerigeeRollout

/// Which bundle came over the link last: the digest by which it is offered, and the firmware that it is. A file, so that after
/// a restart the gateway learns how the trial went.
struct ReceivedBundle: Equatable {
    private static let name = "received.json"

    let digest: [UInt8]
    let firmware: UInt32

    init(digest: [UInt8], firmware: UInt32) {
        self.digest = digest
        self.firmware = firmware
    }

    /// Reads the file; nil where there is none that says it.
    init?(folder: String) {
        guard let octets = try? DiskFiles(directory: folder).read(Self.name, limit: 4_096),
            let json = try? JSONValue(parsing: octets[...], depthLimit: 4),
            let digest = json["sha256"]?.string.flatMap(Hex.bytes), digest.count == LinkLimit.digest,
            let firmware = json["firmware"]?.string.flatMap({ UInt32($0, radix: 16) })
        else { return nil }
        self.init(digest: digest, firmware: firmware)
    }

    /// Writes the file. Where that fails the gateway may offer the bundle again, which does no harm.
    func write(folder: String) {
        let files = DiskFiles(directory: folder)
        let json = JSONValue.object([
            "sha256": .string(Hex.text(digest)), "firmware": .string(Hex.text(firmware)),
        ])
        do throws(FirmwareError) {
            try files.write(Array(json.description.utf8), to: Self.name + ".new")
            try files.rename(Self.name + ".new", to: Self.name)
        } catch {}
    }

    /// What became of it.
    func stage(_ state: SlotState) -> (BundleStage, reason: String) {
        if let trial = state.trial, state.release(trial.slot)?.id == firmware {
            return (trial.starts == 0 ? .staged : .trial, "")
        }
        if case .slot(let slot) = state.active, state.release(slot)?.id == firmware { return (.committed, "") }
        if let failure = state.failures.last(where: { $0.release.id == firmware }) {
            return (.returned, failure.reason)
        }
        return (.refused, "another one took its place")
    }
}
