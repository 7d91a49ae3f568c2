package import PerigeeConcurrency
package import PerigeeCore
import PerigeeLink
package import PerigeeMemory
package import PerigeeService
import PerigeeTransport

/// The one thread that owns place memory, so that its disk holds up nobody: lanes wait for an answer for a bounded time, and nobody
/// waits for what memory is told.
package final class MemoryThread: Sendable {
    /// What is done with memory, on its thread.
    package typealias Work = @Sendable (inout PlaceMemory) -> Void

    /// What it is opened with.
    package struct Opening: Sendable {
        package var path: String
        package var epoch: Epoch
        package var nextFrame: UInt64
        package var configuration: PlaceMemory.Configuration
        /// Firmwares whose streams the one in use decodes.
        package var firmwares: Set<UInt32>

        package init(
            path: String, epoch: Epoch, nextFrame: UInt64, configuration: PlaceMemory.Configuration,
            firmwares: Set<UInt32>
        ) {
            (self.path, self.epoch, self.nextFrame) = (path, epoch, nextFrame)
            (self.configuration, self.firmwares) = (configuration, firmwares)
        }
    }

    /// How long it waits, and how often it looks after itself.
    package struct Pace: Sendable {
        /// What a lane waits for an answer at most: beyond it a frame is better sent as it is.
        package var patienceMilliseconds = 1_000
        package var maintenanceMilliseconds: Int64 = 60_000

        package init() {}
    }

    private struct State: Sendable {
        /// The epoch and limits that memory is to go by before it does anything else.
        var epoch: Epoch
        var nextFrame: UInt64
        var configuration: PlaceMemory.Configuration
        var status: PlaceMemory.Status?
        /// An answer came too late, and the queue was not empty since.
        var isLate = false
        var late = 0
        var untold = 0
    }

    /// Memory's own counters, with those of whoever asks it.
    package struct Status: Equatable, Sendable {
        package var memory: PlaceMemory.Status
        /// Questions that it did not answer in time.
        package var late: Int
        /// What it could not be told, because too much waited already.
        package var untold: Int
    }

    /// Octets of the layers of frames that wait to be remembered.
    private static let queueSize = 64 << 20
    private let queue = BoundedQueue<Work>(itemLimit: 4_096, octetLimit: queueSize)
    private let opening: Opening
    private let pace: Pace
    private let state: Locked<State>
    private let log: ServiceLog

    /// Opens nothing yet: `run` does.
    package init(_ opening: Opening, pace: Pace = Pace(), log: ServiceLog) {
        self.opening = opening
        self.pace = pace
        self.log = log
        state = Locked(
            State(epoch: opening.epoch, nextFrame: opening.nextFrame, configuration: opening.configuration))
    }

    /// What memory has, and what became of it; nil before it is open.
    package var status: Status? {
        let state = state.current
        return state.status.map { Status(memory: $0, late: state.late, untold: state.untold) }
    }

    // MARK: from other threads

    /// The answer to a question; nil where it does not come in time. Once one came too late, none is waited for until memory has
    /// caught up: a slow disk delays one frame of each lane, not all.
    package func ask<Answer: Sendable>(_ question: @escaping @Sendable (inout PlaceMemory) -> Answer) -> Answer? {
        let reply = BoundedQueue<Answer>(itemLimit: 1, octetLimit: 1)
        let work: Work = { memory in
            // nobody listens any more: others wait
            if reply.isFinished { return }
            _ = reply.offer(question(&memory), size: 0)
        }
        if !state.current.isLate, queue.offer(work, size: 0) == .accepted,
            let answer = reply.take(timeoutMilliseconds: pace.patienceMilliseconds)
        {
            return answer
        }
        reply.close()
        state.withLock { state in
            state.late += 1
            state.isLate = true
        }
        log.write(
            .warning, "memory_late", key: "once",
            ["remedy": "none: frames are coded each by itself until memory has caught up; see its disk"])
        return nil
    }

    /// Something that nobody waits for; false where it is left out. `size`: octets that it holds.
    @discardableResult
    package func tell(size: Int = 0, _ work: @escaping Work) -> Bool {
        if queue.offer(work, size: min(size, Self.queueSize)) == .accepted { return true }
        state.withLock { $0.untold += 1 }
        return false
    }

    /// Another epoch began. Whatever is asked or told from now on is of it.
    package func begin(_ epoch: Epoch, nextFrame: UInt64) {
        state.withLock { ($0.epoch, $0.nextFrame) = (epoch, nextFrame) }
    }

    /// Goes by other limits from now on.
    package func take(_ configuration: PlaceMemory.Configuration) {
        state.withLock { $0.configuration = configuration }
    }

    /// Does what waits, and ends.
    package func stop() { queue.close() }

    // MARK: the thread

    /// Works until `stop`. A slow disk is no hang.
    package func run(_ progress: LoopProgress) {
        progress.allow(seconds: Watchdog.slowSeconds) { serve(progress) }
        progress.end()
    }

    private func serve(_ progress: LoopProgress) {
        var memory = PlaceMemory(
            path: opening.path, epoch: opening.epoch, nextFrame: opening.nextFrame,
            configuration: opening.configuration)
        memory.keep(firmwares: opening.firmwares)
        var told = PlaceMemory.OpeningEvent.created
        var maintenance = currentTime().monotonic + pace.maintenanceMilliseconds
        while true {
            report(memory.event, after: &told)
            publish(memory.status)
            progress.note()
            let wait = min(max(maintenance - currentTime().monotonic, 0), Int64(LoopProgress.turnMilliseconds))
            let work = queue.take(timeoutMilliseconds: Int(wait))
            if work == nil, queue.isFinished { return }
            follow(&memory)
            work?(&memory)
            guard currentTime().monotonic >= maintenance else { continue }
            memory.maintain()
            maintenance = currentTime().monotonic + pace.maintenanceMilliseconds
        }
    }

    /// Before all else the epoch and the limits of now.
    private func follow(_ memory: inout PlaceMemory) {
        let state = state.current
        if state.epoch != memory.epoch { memory.begin(state.epoch, nextFrame: state.nextFrame) }
        if state.configuration != memory.configuration { memory.configure(state.configuration) }
    }

    private func publish(_ status: PlaceMemory.Status) {
        let isIdle = queue.count == 0
        state.withLock { state in
            state.status = status
            if isIdle { state.isLate = false }
        }
    }

    private func report(_ event: PlaceMemory.OpeningEvent, after told: inout PlaceMemory.OpeningEvent) {
        guard event != told else { return }
        switch event {
        case .setAside(let reason):
            log.write(.warning, "memory_set_aside", ["reason": reason, "remedy": "none: places are learned anew"])
        case .unavailable(let reason):
            log.write(
                .warning, "memory_unavailable",
                [
                    "reason": reason,
                    "remedy":
                        "make the spool's folder writable and see its disk; until then frames are coded each by itself",
                ])
        case .opened, .created, .otherEpoch:
            if case .unavailable = told { log.write(.notice, "memory_available", ["file": opening.path]) }
        }
        told = event
    }
}
