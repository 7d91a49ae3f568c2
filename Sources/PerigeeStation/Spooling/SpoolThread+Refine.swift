import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeSpool
import PerigeeTransport

// Layers that nobody made yet, of raw frames.
extension SpoolThread {
    /// What a lane has to do for a want; nil where the ring of raw frames cannot help.
    func job(
        _ want: LinkMessage.Want, _ epoch: Epoch, _ frame: UInt64, _ layers: Int, promised: Int
    ) throws(SpoolError) -> RefineJob? {
        guard spool?.epoch == epoch, let kept = try spool?.raw(epoch, frame: frame),
            let raw = try? RawFrame(parsing: kept.octets), kept.layers < min(layers, raw.layerCount),
            let declaration = try spool?.declarations().first(where: { $0.number == raw.declaration })
        else { return nil }
        return RefineJob(
            epoch: epoch, frame: frame, first: kept.layers, end: min(layers, raw.layerCount), raw: raw,
            declaration: declaration.packet, want: want, promised: promised)
    }

    /// A lane has done it, or could not.
    func finish(_ job: RefineJob, _ packets: [[[UInt8]]]?) throws(SpoolError) {
        isRefining = false
        var answer = LinkMessage.Answer(
            session: job.want.session, request: job.want.request, outcome: job.promised > 0 ? .accepted : .gone,
            packets: job.promised)
        if let packets, spool?.epoch == job.epoch {
            let refined = try spool?.extend(
                job.epoch, frame: job.frame, from: job.first, packets: packets, priority: Int(job.want.priority))
            if let refined {
                (answer.outcome, answer.packets) = (.accepted, job.promised + refined.numbers.count)
                follow(refined, of: job.frame, in: job.epoch)
                group.touch(currentTime().monotonic)
                try commit()
            } else if job.promised == 0 {
                answer.outcome = .full
            }
        }
        deliver(.answer(answer))
        try beginPlain()
    }

    /// Layers were put on their way: memory hears of it when the gateway has all of them. After a restart it does not.
    func follow(_ refined: RefinedPackets, of frame: UInt64, in epoch: Epoch) {
        if refinements.count >= Self.refinementLimit { refinements.removeFirst() }
        refinements.append(Refinement(epoch: epoch, frame: frame, packets: refined, left: refined.numbers.count))
    }

    /// Packets of refined layers that the gateway has.
    func note(refined numbers: [UInt64], in epoch: Epoch) {
        for number in numbers {
            let found = refinements.firstIndex { $0.epoch == epoch && $0.packets.numbers.contains(number) }
            guard let found else { continue }
            refinements[found].left -= 1
            guard refinements[found].left == 0 else { continue }
            let done = refinements.remove(at: found)
            context.history.acknowledge(done.packets.layers, of: done.frame, in: epoch)
        }
    }
}

/// Layers of a frame that somebody wanted later, on their way. A packet of it that is dropped never comes, and neither does its end.
struct Refinement {
    var epoch: Epoch
    var frame: UInt64
    var packets: RefinedPackets
    /// Packets that the gateway has not acknowledged.
    var left: Int
}
