import PerigeeConcurrency
import PerigeeCore
import PerigeeFirmware
package import PerigeeJSON
package import PerigeeLink
import PerigeeRollout
package import PerigeeService
import PerigeeTransport

/// Follows the trial of a bundle while the station runs, and sees when another bundle is to serve. One thread calls `observe`,
/// about each second.
package final class FirmwareWatch: Sendable {
    /// Seconds between looks at the slots, and between notes of how far a trial has come.
    private static let lookInterval = 5, noteInterval = 60

    private struct Progress {
        /// Of the station's monotonic clock, in milliseconds; of the first frame.
        var firstFrame: Int64?
        var lastLook: Int64
        var lastNote: Int64
        var isDecided = false
        var isRestarting = false
        var frames = 0
        var seconds = 0
    }

    private let firmware: StationFirmware
    private let log: ServiceLog
    /// Counters when this run began.
    private let spooledBefore: Int
    private let failedBefore: Int
    private let progress: Locked<Progress>
    /// What this run found: where it could not use that, it is no reason to start again.
    private let atStart: Next?
    /// What was given up before this run, and no newer one was kept since.
    private let returned: String?

    package init(_ firmware: StationFirmware, counters: StationCounters, log: ServiceLog, now: LinkTime) {
        self.firmware = firmware
        self.log = log
        spooledBefore = counters.spooled
        failedBefore = Self.failures(counters)
        progress = Locked(Progress(lastLook: now.monotonic, lastNote: now.monotonic))
        atStart = firmware.slots.flatMap(Self.next)
        returned = firmware.slots.flatMap(Self.returned)
        for (index, note) in firmware.notes.enumerated() {
            log.write(.warning, "firmware", key: "\(index)", ["note": note])
        }
    }

    private static func failures(_ counters: StationCounters) -> Int {
        counters.rejected[StationCounters.Failure.encode.rawValue] ?? 0
    }

    /// True where the station is to start anew, because another bundle is to serve from now on. `isIdle`: no frame is in work.
    package func observe(_ counters: StationCounters, isIdle: Bool, now: LinkTime) -> Bool {
        let isDue = isRestartDue(counters, isIdle: isIdle, now: now)
        if isDue { progress.withLock { $0.isRestarting = true } }
        return isDue
    }

    /// It stops to start anew.
    var isRestarting: Bool { progress.withLock { $0.isRestarting } }

    private func isRestartDue(_ counters: StationCounters, isIdle: Bool, now: LinkTime) -> Bool {
        guard let slots = firmware.slots else { return false }
        if let trial = firmware.trial, let hasFailed = judge(trial, counters, slots, now) { return hasFailed }
        let isDue = progress.withLock { progress in
            guard isIdle, now.monotonic - progress.lastLook >= Int64(Self.lookInterval) * 1_000 else { return false }
            progress.lastLook = now.monotonic
            return true
        }
        guard isDue, let next = Self.next(slots), next != atStart else { return false }
        log.write(.notice, "firmware_next", ["slot": next.source.text])
        return true
    }

    /// What the next start would use.
    private struct Next: Equatable {
        var source: BundleSource
        var release: SlotState.Release?
    }

    private static func next(_ slots: SlotStore) -> Next? {
        guard let state = try? slots.read() else { return nil }
        if case .slot(let slot) = state.current { return Next(source: state.current, release: state.release(slot)) }
        return Next(source: .package)
    }

    /// Judges the trial; nil while it is open or after it was decided.
    private func judge(
        _ trial: SlotState.Trial, _ counters: StationCounters, _ slots: SlotStore, _ now: LinkTime
    ) -> Bool? {
        let frames = counters.spooled - spooledBefore, failures = Self.failures(counters) - failedBefore
        let (isDecided, seconds, isNoteDue) = progress.withLock { progress in
            if progress.firstFrame == nil, frames + failures > 0 { progress.firstFrame = now.monotonic }
            progress.frames = frames
            progress.seconds = progress.firstFrame.map { Int((now.monotonic - $0) / 1_000) } ?? 0
            let isNoteDue = now.monotonic - progress.lastNote >= Int64(Self.noteInterval) * 1_000
            if isNoteDue { progress.lastNote = now.monotonic }
            return (progress.isDecided, progress.seconds, isNoteDue)
        }
        guard !isDecided else { return nil }
        let verdict = SlotState.judge(trial, frames: frames, failures: failures, seconds: seconds)
        guard verdict != .undecided || isNoteDue else { return nil }
        do throws(RolloutError) {
            try slots.settle(trial, verdict, frames: frames, seconds: seconds, now: now.utc)
        } catch {
            // the disk may come back: the next second tries again
            log.write(.warning, "firmware_trial_not_noted", ["reason": "\(error)"])
            return nil
        }
        guard verdict != .undecided else { return nil }
        progress.withLock { $0.isDecided = true }
        if case .failed(let reason) = verdict {
            log.write(.error, "firmware_returned", ["firmware": Hex.text(firmware.bundle.id), "reason": reason])
            return true
        }
        log.write(.notice, "firmware_kept", ["firmware": Hex.text(firmware.bundle.id)])
        return false
    }

    /// What it says at one moment.
    package struct Report: Sendable {
        /// `firmware` of status.json.
        package var json: JSONValue
        var name: String
        var id: String
        var version: String
        /// What was passed over at the start.
        var notes: [String]
        /// A release that is newer than all that were kept, and was given up.
        var returned: String?
    }

    package var report: Report {
        let manifest = firmware.bundle.manifest
        return Report(
            json: json, name: manifest.name, id: Hex.text(manifest.id), version: manifest.version,
            notes: firmware.notes, returned: returned)
    }

    private static func returned(_ slots: SlotStore) -> String? {
        guard let state = try? slots.read(), let failure = state.failures.last else { return nil }
        guard failure.release.version > state.accepted[failure.release.key] ?? 0 else { return nil }
        return "\(failure.release.text) was given up: \(failure.reason)"
    }

    /// `firmware` of status.json.
    package var json: JSONValue {
        let manifest = firmware.bundle.manifest
        let progress = progress.current
        var trial = JSONValue.null
        if let tried = firmware.trial, !progress.isDecided {
            trial = .object([
                "start": .integer(tried.starts), "frames": .integer(tried.frames + progress.frames),
                "frames_needed": .integer(SlotState.frameGoal), "seconds": .integer(tried.seconds + progress.seconds),
            ])
        }
        return .object([
            "name": .string(manifest.name), "id": .string(Hex.text(manifest.id)),
            "version": .string(manifest.version), "source": .string(firmware.source.text), "trial": trial,
        ])
    }
}
