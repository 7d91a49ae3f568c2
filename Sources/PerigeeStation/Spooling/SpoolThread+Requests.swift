import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeService
import PerigeeSpool
import PerigeeTransport

// What the link asks for.
extension SpoolThread {
    func serve(_ request: StoreRequest) throws(SpoolError) {
        switch request {
        case .load(let epoch, let priority, let numbers, let size):
            guard let load = try spool?.load(epoch, priority: priority, numbers: numbers, size: size) else { return }
            deliver(
                .loaded(
                    epoch: epoch, priority: priority, numbers: load.numbers,
                    packets: load.packets.map(StoredPacket.init)))
        case .verify(let epoch, let digest):
            deliver(.verified(epoch: epoch, number: digest.number, fits: try fits(digest, epoch)))
        case .settle(let epoch, let acknowledgement):
            try inSteps { (spool: inout Spool) throws(SpoolError) in
                let settlement = try spool.settle(
                    epoch, cumulative: acknowledgement.cumulative, ranges: acknowledgement.ranges)
                note(refined: settlement.refined, in: epoch)
                return settlement
            }
        case .setAside(let epoch, let number, let code, let field):
            context.log.write(
                .error, "packet_rejected", key: "\(code)",
                ["epoch": epoch.text, "number": "\(number)", "code": "\(code)", "field": field])
            try inSteps { (spool: inout Spool) throws(SpoolError) in
                try spool.setAside(epoch, number: number, reason: "\(code) \(field)")
            }
        case .bury(let epoch, let tombstone):
            try spool?.bury(epoch, tombstone)
            group.touch(currentTime().monotonic)
        case .finish(let epoch):
            try commit()
            // a salvage may still be at work on it: the link hears of the next epoch once that is done
            if try spool?.finish(epoch) == false { deferred.append(request) }
            try tellState()
        case .fork(let epoch): try fork(epoch)
        case .want(let epoch, let want): try answer(want, epoch)
        case .replay(let epoch, let numbers, let size):
            guard let load = try spool?.replay(epoch, numbers: numbers, size: size) else { return }
            deliver(.replayed(epoch: epoch, numbers: load.numbers, packets: load.packets.map(StoredPacket.init)))
        case .offer, .piece: break
        }
    }

    /// Whether the gateway's newest packet is ours: a packet ends with its own checksum. What is not held any more was acknowledged, and
    /// so it is.
    private func fits(_ digest: PacketDigest, _ epoch: Epoch) throws(SpoolError) -> Bool {
        let numbers = digest.number..<digest.number + 1
        guard let held = try spool?.replay(epoch, numbers: numbers, size: 1).packets.first else { return true }
        var reader = ByteReader(held.packet.suffix(4))
        return (try? reader.read("packet checksum", as: UInt32.self)) == digest.checksum
    }

    /// A change that may take several transactions, so that none of them grows large.
    func inSteps(_ step: (inout Spool) throws(SpoolError) -> Settlement) throws(SpoolError) {
        while var open = spool.take() {
            let settlement: Settlement
            do throws(SpoolError) { settlement = try step(&open) } catch {
                spool = consume open
                throw error
            }
            spool = consume open
            group.settle(settlement, now: currentTime().monotonic)
            if settlement.isComplete { return }
            try commit()
        }
    }

    /// The gateway has another history of this epoch: a restored disk, or a clone at work.
    func fork(_ epoch: Epoch) throws(SpoolError) {
        guard forks.permits(currentTime().monotonic) else {
            postponedFork = epoch
            return
        }
        postponedFork = nil
        try commit()
        let fresh = try spool?.fork(epoch)
        if let fresh { context.history.begin(fresh, nextFrame: context.streams.current.frameCount) }
        context.spoolStatus.withLock { status in
            status.forks += 1
            if let fresh { status.epoch = fresh }
        }
        context.log.write(
            .error, "epoch_conflict",
            [
                "epoch": epoch.text, "new_epoch": fresh?.text ?? "",
                "remedy": "a disk was restored or cloned: see that no other station runs with this one's key and spool",
            ])
        try tellState()
    }

    func answer(_ want: LinkMessage.Want, _ epoch: Epoch) throws(SpoolError) {
        var answer = LinkMessage.Answer(session: want.session, request: want.request, outcome: .gone, packets: 0)
        switch want.subject {
        case .numbers(let ranges):
            for range in ranges { answer.packets += try countReplayable(epoch, range) }
            if answer.packets > 0 { answer.outcome = .accepted }
        case .frame(let frame, let layers):
            guard !isRefining else {
                answer.outcome = .full
                break
            }
            if let refined = try spool?.refine(epoch, frame: frame, layers: layers, priority: Int(want.priority)) {
                (answer.outcome, answer.packets) = (.accepted, refined.numbers.count)
                follow(refined, of: frame, in: epoch)
                group.touch(currentTime().monotonic)
                try commit()
            }
            // what the ring has not is made anew, and answered then
            if let job = try job(want, epoch, frame, layers, promised: answer.packets) {
                isRefining = context.intakeQueue.offer(.refine(job), size: job.raw.samples.count) == .accepted
                if isRefining { return }
                if answer.packets == 0 { answer.outcome = .full }
            }
        case .reference(let epoch, let frame, let layers):
            return try self.answer(want, reference: frame, layers: layers, of: epoch)
        case .plain(let epoch, let frame): return try self.answer(want, plain: frame, of: epoch)
        }
        deliver(.answer(answer))
    }
}

extension SpoolThread {
    /// Packets of these numbers that can be sent again, as far as one walk of 16 MiB finds them.
    private func countReplayable(_ epoch: Epoch, _ numbers: Range<UInt64>) throws(SpoolError) -> Int {
        var count = 0
        var rest = numbers
        for _ in 0..<64 where !rest.isEmpty {
            guard let load = try spool?.replay(epoch, numbers: rest, size: 256 << 10) else { return count }
            count += load.packets.count
            guard load.numbers.upperBound > rest.lowerBound else { return count }
            rest = min(load.numbers.upperBound, rest.upperBound)..<rest.upperBound
        }
        return count
    }
}

extension StoredPacket {
    init(_ packet: SpooledPacket) {
        self.init(number: packet.number, priority: packet.priority, packet: packet.packet[...])
    }
}

extension StoreState {
    init(_ state: SpoolState) {
        self.init(epoch: state.epoch, lowest: state.lowest, next: state.next)
        heldCount = state.heldCount
        heldSize = state.heldSize
        heldByPriority = state.heldByPriority
        oldest = state.oldest
        tombstones = Breakage.leavesOutTombstones ? [] : state.tombstones
        isClosed = state.isClosed
        isLost = state.isLost
    }
}
