import PerigeeCore
import PerigeeLink
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// What a person gives up, and how far that is.
struct DiscardWork: Sendable {
    var request: DiscardRequest
    var answer: DiscardAnswer
    /// The last frame that was looked at.
    var place: Int64 = -1

    init(_ request: DiscardRequest) {
        self.request = request
        answer = DiscardAnswer(id: request.id)
    }
}

// Frames that an operator gives up: `perigee spool discard`.
extension SpoolThread {
    /// Frames that are looked up together.
    private static let discardFrames = 100
    /// How long it may keep frames and acknowledgements waiting at a time.
    private static let discardMilliseconds: Int64 = 300

    /// What was asked of a daemon that is gone is not done by the next one: whoever asked was told so.
    func forgetDiscards() {
        guard let directory = spool?.directory else { return }
        _ = DiscardRequest.take(directory)
    }

    /// Once a second, with nothing uncommitted.
    func discardWhatIsAsked() throws(SpoolError) {
        guard let directory = spool?.directory else { return }
        if discarding == nil { discarding = DiscardRequest.take(directory).map(DiscardWork.init) }
        guard discarding != nil else { return }
        let deadline = currentTime().monotonic + Self.discardMilliseconds
        repeat { try discardStep() } while discarding?.answer.isComplete == false && currentTime().monotonic < deadline
        guard let work = discarding else { return }
        // nobody waits for it where it cannot be written: the command says that it heard nothing
        try? work.answer.write(directory)
        guard work.answer.isComplete else { return }
        discarding = nil
        guard !work.request.isTrial, work.answer.frames > 0 else { return }
        context.log.write(
            .warning, "discarded",
            [
                "frames": "\(work.answer.frames)", "packets": "\(work.answer.packets)",
                "bytes": "\(work.answer.size)", "remedy": "none, an operator asked for it",
            ])
    }

    private func discardStep() throws(SpoolError) {
        guard let work = discarding else { return }
        let limit = Self.discardFrames
        let frames = try spool?.chosen(work.request.choice, after: work.place, limit: limit) ?? []
        for frame in frames {
            discarding?.place = frame.place
            discarding?.answer.frames += 1
            discarding?.answer.packets += frame.packets
            discarding?.answer.size += frame.size
            guard !work.request.isTrial else { continue }
            try inSteps { (spool: inout Spool) throws(SpoolError) in
                try spool.discard(frame.epoch, frame: frame.number)
            }
        }
        try commit()
        discarding?.answer.isComplete = frames.count < limit
    }
}
