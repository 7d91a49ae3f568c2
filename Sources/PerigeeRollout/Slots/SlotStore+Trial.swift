public import PerigeeCore
public import PerigeeFirmware

extension SlotStore {
    /// What a start of the program uses.
    public struct Start: Sendable {
        /// Where it lies.
        public let source: BundleSource
        /// The bundle of a slot; nil where that of the package serves.
        public let bundle: FirmwareBundle?
        /// What it has to show; nil where it was confirmed long ago.
        public let trial: SlotState.Trial?
        /// What was given up on the way, for the log.
        public let notes: [String]
    }

    /// Chooses the bundle for a start of the program, and counts the start against a trial. A bundle that cannot be read, is
    /// not signed by a trusted key any more, or does not pass its self-test is given up for the one before it; in the end
    /// that of the package serves. Where the folder cannot be written what was kept serves, and nothing is tried.
    public func start(now: Timestamp, check: Check = SelfTest.run) -> Start {
        let problem: RolloutError
        do throws(RolloutError) {
            let octets = try firmware { () throws(FirmwareError) in
                try files.read(Self.stateFile, limit: SlotState.sizeLimit)
            }
            // nothing was ever installed: the folder need not even be there
            guard let octets else { return Start(source: .package, bundle: nil, trial: nil, notes: []) }
            if let state = SlotState(parsing: octets), state.trial == nil, let kept = kept(state, notes: []) {
                return kept
            }
            return try files.exclusively { () throws(RolloutError) in try choose(now, check) }
        } catch { problem = error }
        let notes = ["the slots cannot be changed: \(problem)"]
        return (try? read()).flatMap { kept($0, notes: notes) }
            ?? Start(source: .package, bundle: nil, trial: nil, notes: notes)
    }

    /// What serves where nothing is tried; nil where it cannot be read.
    private func kept(_ state: SlotState, notes: [String]) -> Start? {
        guard case .slot(let slot) = state.active else {
            return Start(source: .package, bundle: nil, trial: nil, notes: notes)
        }
        guard let bundle = try? bundle(in: slot) else { return nil }
        return Start(source: .slot(slot), bundle: bundle, trial: nil, notes: notes)
    }

    private func choose(_ now: Timestamp, _ check: Check) throws(RolloutError) -> Start {
        var state = try load(now)
        var notes: [String] = []
        while case .slot(let slot) = state.current {
            let known = state.failures.last
            if state.start(now) {
                try save(state)
                do throws(RolloutError) {
                    let bundle = try bundle(in: slot)
                    if state.trial != nil { try check(bundle) }
                    if let trial = state.trial { log("start \(trial.starts), self-test passed", now) }
                    return Start(source: .slot(slot), bundle: bundle, trial: state.trial, notes: notes)
                } catch {
                    giveUp(&state, "\(error)", now)
                }
            } else {
                keepLog(state.failures.last?.reason ?? "", now)
            }
            try save(state)
            if let failure = state.failures.last, failure != known {
                notes.append("\(failure.release.text) was given up: \(failure.reason)")
            }
        }
        return Start(source: .package, bundle: nil, trial: nil, notes: notes)
    }

    /// What `start` would use as things are, without counting it or changing anything.
    public func peek() -> Start {
        guard let state = try? read(), case .slot(let slot) = state.current else {
            return Start(source: .package, bundle: nil, trial: nil, notes: [])
        }
        do throws(RolloutError) {
            return Start(source: .slot(slot), bundle: try bundle(in: slot), trial: state.trial, notes: [])
        } catch {
            return Start(source: .package, bundle: nil, trial: nil, notes: ["slot \(slot.rawValue): \(error)"])
        }
    }

    /// Writes down how far a trial has come, what it has been decided, and acts on it. `trial` is the one of this program's
    /// start: where another has taken its place nothing happens.
    public func settle(
        _ trial: SlotState.Trial, _ verdict: SlotState.Verdict, frames: Int, seconds: Int, now: Timestamp
    ) throws(RolloutError) {
        try files.exclusively { () throws(RolloutError) in
            var state = try load(now)
            guard let running = state.trial, running.slot == trial.slot, running.starts == trial.starts else { return }
            state.trial?.frames = trial.frames + frames
            state.trial?.seconds = trial.seconds + seconds
            switch verdict {
            case .undecided: break
            case .passed:
                log("passed after \(trial.frames + frames) frames", now)
                state.commitTrial()
            case .failed(let reason):
                giveUp(&state, reason, now)
            }
            try save(state)
        }
    }

    /// Goes back by hand: a trial ends, or what served before serves again from the next start on.
    public func rollBack(now: Timestamp) throws(RolloutError) -> SlotState {
        try files.exclusively { () throws(RolloutError) in
            var state = try load(now)
            let isTrial = state.trial != nil
            try state.goBack(now)
            if isTrial { keepLog("taken back by hand", now) }
            try save(state)
            return state
        }
    }

    private func giveUp(_ state: inout SlotState, _ reason: String, _ now: Timestamp) {
        if state.trial != nil {
            state.failTrial(reason, now)
            keepLog(reason, now)
        } else {
            state.giveUpActive(reason, now)
        }
    }

    /// The log of a trial that failed stays until the next one fails.
    private func keepLog(_ reason: String, _ now: Timestamp) {
        log("failed: \(reason)", now)
        try? files.rename(Self.trialLog, to: Self.failedTrialLog)
    }
}
