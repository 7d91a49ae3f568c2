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
            let numbers = try spool?.extend(
                job.epoch, frame: job.frame, from: job.first, packets: packets, priority: Int(job.want.priority))
            if let numbers {
                (answer.outcome, answer.packets) = (.accepted, job.promised + numbers.count)
                group.touch(currentTime().monotonic)
                try commit()
            } else if job.promised == 0 {
                answer.outcome = .full
            }
        }
        deliver(.answer(answer))
    }
}
