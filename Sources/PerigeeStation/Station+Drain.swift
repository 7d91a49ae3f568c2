import PerigeeConcurrency
import PerigeeService
import PerigeeSpool

/// Draining: the intake is closed and the link goes on, until frames are taken again.
extension Station {
    /// Takes no more frames; what was taken is encoded, kept and delivered. Answers at once; `state` says how far it is.
    public func drain() {
        guard !context.isDraining.current else { return }
        context.isDraining.withLock { $0 = true }
        log.write(.notice, "draining", ["until": "resumed", "remedy": "none, SIGHUP takes frames again"])
        for intake in intakes { intake.signal() }
    }

    /// Takes frames again, where it was drained.
    public func resume() {
        guard context.isDraining.current else { return }
        context.isDraining.withLock { $0 = false }
        log.write(.notice, "resumed")
        for intake in intakes { intake.signal() }
    }

    var state: StationSnapshot.State {
        if context.isStopping.current { return .draining }
        guard context.isDraining.current else { return .running }
        // a frame is counted on its way in before it leaves its socket, and waits in the ledger before it is no more in work
        let isTaken = intakes.allSatisfy(\.isClosed) && context.intakeQueue.count == 0
        let counters = context.counters.current
        guard isTaken, counters.inWork == 0, counters.spool.waiting == 0,
            let served = context.spoolStatus.current.served, served.heldCount == 0, served.tombstones.isEmpty
        else { return .draining }
        return .drained
    }
}
