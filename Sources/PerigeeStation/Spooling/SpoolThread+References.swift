import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeMemory
import PerigeeService
import PerigeeSpool
import PerigeeTransport

// What the gateway lacks of frames that others were predicted from. Source: Docs/memory.md section 2.
extension SpoolThread {
    /// Wants of plain frames that wait for a lane; one beyond it comes again.
    private static let plainLimit = 64

    // MARK: layers once more

    /// The first layers of a frame once more, as they were sent: out of the ring, or else out of memory.
    func answer(_ want: LinkMessage.Want, reference frame: UInt64, layers: Int, of epoch: Epoch) throws(SpoolError) {
        guard spool?.epoch == epoch else { return refuse(want, "its epoch takes no packets any more") }
        let kept = try spool?.packets(epoch, frame: frame, layers: layers) ?? []
        if let packets = FramePackets.whole(kept, layers: layers) { return try resend(want, frame, packets, of: epoch) }
        let queue = context.spoolQueue
        let isAsked = context.history.recall(frame, in: epoch) { remembered in
            _ = queue.append(.recalled(want, epoch, frame: frame, layers: layers, remembered), size: 0)
        }
        if !isAsked { refuse(want, "neither the ring of sent packets nor memory has it") }
    }

    /// Memory has answered.
    func take(
        _ remembered: RememberedFrame?, for want: LinkMessage.Want, _ frame: UInt64, layers: Int, of epoch: Epoch
    ) throws(SpoolError) {
        guard spool?.epoch == epoch, let remembered, remembered.layers.count >= layers,
            let declaration = try declarations(of: epoch).first(where: { $0.isOf(remembered.declaration) })
        else { return refuse(want, "neither the ring of sent packets nor memory has it") }
        let packets = Packet.parts(
            of: Array(remembered.layers.prefix(layers)), metadata: remembered.metadata, frame: frame,
            declaration: declaration.number, stream: remembered.declaration
        )
        try resend(want, frame, packets, of: epoch)
    }

    private func resend(
        _ want: LinkMessage.Want, _ frame: UInt64, _ packets: [Packet], of epoch: Epoch
    ) throws(SpoolError) {
        guard let number = packets.first?.declaration,
            let declaration = try declarations(of: epoch).first(where: { $0.number == number })
        else { return refuse(want, "its declaration cannot be read") }
        var layers = FramePackets.byLayer(packets)
        // what came with the declaration may be gone as well
        layers[0].insert(declaration.packet, at: 0)
        var answer = LinkMessage.Answer(session: want.session, request: want.request, outcome: .full, packets: 0)
        let sent = try spool?.extend(epoch, frame: frame, from: 0, packets: layers, priority: Int(want.priority))
        if let sent {
            (answer.outcome, answer.packets) = (.accepted, sent.numbers.count)
            group.touch(currentTime().monotonic)
            try commit()
            context.counters.withLock { $0.resent += 1 }
        }
        deliver(.answer(answer))
    }

    // MARK: plain frames

    /// A frame once more without references: a lane encodes it, one after another.
    func answer(_ want: LinkMessage.Want, plain frame: UInt64, of epoch: Epoch) throws(SpoolError) {
        guard plainWants.count < Self.plainLimit else {
            deliver(.answer(.init(session: want.session, request: want.request, outcome: .full, packets: 0)))
            return
        }
        plainWants.append((want, frame, epoch))
        try beginPlain()
    }

    /// Gives a lane the next frame that is wanted plain, where none is at work on an old frame.
    func beginPlain() throws(SpoolError) {
        while !isRefining, let (want, frame, epoch) = plainWants.first {
            guard let job = try plainJob(want, frame, epoch) else {
                plainWants.removeFirst()
                context.history.distrust(frame, nil, in: epoch)
                refuse(want, "the ring of raw frames does not have it")
                continue
            }
            // frames go before; it is tried again each second
            guard context.intakeQueue.offer(.plain(job), size: job.raw.samples.count) == .accepted else { return }
            isRefining = true
            plainWants.removeFirst()
            context.history.distrust(frame, job.metadata.references, in: epoch)
        }
    }

    private func plainJob(
        _ want: LinkMessage.Want, _ frame: UInt64, _ epoch: Epoch
    ) throws(SpoolError) -> PlainJob? {
        guard let kept = try spool?.raw(epoch, frame: frame), let raw = try? RawFrame(parsing: kept.octets),
            let stream = try declarations(of: epoch).first(where: { $0.number == raw.declaration })?.stream
        else { return nil }
        var reader = ByteReader(raw.metadata[...])
        guard let metadata = try? FrameMetadata(parsing: &reader, declaration: stream) else { return nil }
        return PlainJob(
            epoch: epoch, frame: frame, raw: raw, layers: kept.layers, label: kept.label, priority: kept.priority,
            stream: stream, metadata: metadata, want: want)
    }

    /// A lane has encoded it, or could not.
    func finish(_ job: PlainJob, _ item: UplinkItem?) throws(SpoolError) {
        isRefining = false
        var answer = LinkMessage.Answer(
            session: job.want.session, request: job.want.request, outcome: .gone, packets: 0)
        if let item {
            if let numbers = try append(item) {
                (answer.outcome, answer.packets) = (.accepted, numbers.count)
                try commit()
                context.counters.withLock { $0.encodedAgain += 1 }
            } else {
                answer.outcome = .full
            }
        }
        deliver(.answer(answer))
        try beginPlain()
    }

    // MARK: both

    private func refuse(_ want: LinkMessage.Want, _ reason: String) {
        context.log.write(.notice, "want_refused", key: reason, ["request": "\(want.request)", "reason": reason])
        deliver(.answer(.init(session: want.session, request: want.request, outcome: .gone, packets: 0)))
    }

    private func declarations(of epoch: Epoch) throws(SpoolError) -> [DeclaredStream] {
        (try spool?.declarations(of: epoch) ?? []).compactMap(DeclaredStream.init)
    }
}

/// A declaration that was read.
private struct DeclaredStream {
    let number: Int
    let packet: [UInt8]
    let stream: StreamDeclaration

    init?(_ declaration: SpoolDeclaration) {
        guard let parsed = try? Packet(parsing: declaration.packet[...]), case .declaration(let stream) = parsed.body
        else { return nil }
        (number, packet, self.stream) = (declaration.number, declaration.packet, stream)
    }

    /// By octets: a nodata value that is no number equals nothing.
    func isOf(_ other: StreamDeclaration) -> Bool { StreamTable.key(stream) == StreamTable.key(other) }
}
