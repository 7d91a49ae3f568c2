import PerigeeConfig
import PerigeeCore
package import PerigeeService
package import PerigeeSpool
import PerigeeTransport

extension StationConfiguration.Spool {
    /// As the spool wants it.
    var limits: SpoolConfiguration {
        var limits = SpoolConfiguration()
        limits.quota = quota
        limits.reserved = reserved
        limits.ballast = ballast
        limits.sentRing = sentRing
        limits.finerRing = finerRing
        limits.rawRing = rawRing
        limits.ringAge = ringDays * 86_400
        limits.expiry = expiryDays == 0 ? nil : expiryDays * 86_400
        return limits
    }
}

extension Spool {
    /// Takes a new epoch when the current one has so many declarations that it might run out of numbers before the next start.
    package mutating func renewWhereWorn(_ log: ServiceLog) throws(SpoolError) {
        guard let last = try declarations().last?.number, last + 1 >= StreamTable.renewalCount else { return }
        let old = epoch
        let new = try renew()
        log.write(
            .notice, "epoch_renewed", key: old.text,
            ["epoch": old.text, "new_epoch": new.text, "reason": "\(last + 1) declarations"])
    }
}

extension ServiceLog {
    /// One line for each thing that opening the spool had to do.
    func write(_ recovery: [RecoveryEvent]) {
        for event in recovery {
            switch event {
            case .created: write(.notice, "spool_created")
            case .newEpoch(let reason): write(.warning, "epoch_begun", key: reason, ["reason": reason])
            case .lost(let epoch):
                write(
                    .error, "spool_lost", key: epoch.text, ["epoch": epoch.text, "remedy": "see why its file is gone"])
            case .setAside(let path, let reason):
                write(
                    .error, "spool_set_aside", key: path,
                    ["file": path, "reason": reason, "remedy": "check the disk; the file is kept to be looked at"])
            case .mendedLog(let frames):
                write(
                    .error, "spool_log_mended", key: "\(frames)", ["frames": "\(frames)", "remedy": "check the disk"])
            case .cutLog(let frames):
                write(
                    .warning, "spool_log_cut", key: "\(frames)",
                    [
                        "frames": "\(frames)",
                        "remedy": "after a power cut none, nobody was told of that commit; else the disk is damaged",
                    ])
            case .salvaged(let epoch, let packets, let missing):
                write(
                    .notice, "spool_salvaged", key: epoch.text,
                    ["epoch": epoch.text, "packets": "\(packets)", "missing": "\(missing)"])
            }
        }
    }
}

/// What a station goes on from, as its spool holds it.
struct RestoredState: Sendable {
    let epoch: Epoch
    let ledger: Ledger
    let sources: [SourceMark]
    let declarations: [SpoolDeclaration]
    let nextFrame: UInt64
    /// Epochs that opening it began, though it was not new.
    let newEpochs: Int

    init(_ spool: inout Spool) throws(SpoolError) {
        epoch = spool.epoch
        // a new spool begins its first one
        newEpochs =
            spool.recovery.contains(.created)
            ? 0
            : spool.recovery.count { event in
                switch event {
                case .newEpoch, .lost, .setAside: true
                case .created, .mendedLog, .cutLog, .salvaged: false
                }
            }
        ledger = spool.ledger
        sources = try spool.sources()
        declarations = try spool.declarations()
        nextFrame = spool.nextFrame
    }
}
