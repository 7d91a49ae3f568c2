internal import PerigeeArchive
internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

// What goes to the thread of the archive, and what it answers.
extension GatewayRouter {
    /// Lets the archive know now and then what the station holds no more, so that its gaps can be told from what waits.
    func tellLowest(_ message: LinkMessage, _ session: inout Session, _ now: Int64) {
        let lowest: UInt64
        switch message {
        case .data(let batch): lowest = batch.lowest
        case .tombstone(let batch): lowest = batch.lowest
        case .ping(let ping): lowest = ping.lowest
        default: return
        }
        guard lowest > session.lowest, now >= session.lowestTold + 1_000 else { return }
        let job = ArchiveJob.raise(station: session.hello.station.text, epoch: session.hello.epoch, lowest: lowest)
        guard jobs.offer(job, size: 64) == .accepted else { return }
        session.lowest = lowest
        session.lowestTold = now
    }

    /// Takes what the archive's thread answered.
    func take(_ answer: ArchiveAnswer) {
        switch answer {
        case .failed: break  // the gateway ends
        case .found(let peer, let hello, let state): open(hello, state, peer)
        case .committed(let packets, let tombstones):
            for packet in packets { book.committed(packet.station, size: packet.size) }
            let groups = Dictionary(grouping: packets, by: \.key)
            for (key, packets) in groups {
                tellStored(packets)
                guard var session = sessions[key.peer], session.machine.session == key.session else {
                    // stored all the same, for a session that is gone
                    for packet in packets { book.stored(packet.station, packet.outcome, size: packet.size) }
                    totals.counters.storedSize += packets.reduce(0) { $0 + ($1.outcome == .stored ? $1.size : 0) }
                    totals.counters.stored += packets.count { $0.outcome == .stored }
                    totals.counters.duplicates += packets.count { $0.outcome == .duplicate }
                    totals.counters.conflicts += packets.count { $0.outcome == .conflict }
                    continue
                }
                let actions = session.machine.committed(packets.map { ($0.number, $0.outcome) }, now: currentTime())
                sessions[key.peer] = session
                perform(actions, session, key.peer)
            }
            for (key, tombstone) in tombstones {
                guard var session = sessions[key.peer], session.machine.session == key.session else { continue }
                let actions = session.machine.buried([tombstone], now: currentTime())
                sessions[key.peer] = session
                perform(actions, session, key.peer)
            }
        }
    }

    /// One line for each group that was committed together.
    private func tellStored(_ packets: [CommittedPacket]) {
        guard log.level <= .debug, let first = packets.first else { return }
        log.write(
            .debug, "packets_stored", key: "\(first.station) \(first.number)",
            [
                "station": first.station, "first": "\(first.number)", "packets": "\(packets.count)",
                "bytes": "\(packets.reduce(0) { $0 + $1.size })",
            ])
    }

    func bury(_ tombstone: Tombstone, _ session: Session, _ peer: [UInt8]) {
        let record = TombstoneRecord(
            station: session.hello.station.text, epoch: session.hello.epoch, received: currentTime().utc,
            tombstone: tombstone)
        let key = SessionKey(peer: peer, session: session.machine.session)
        log.write(
            tombstone.reason == .elsewhere ? .info : .warning, "tombstone",
            [
                "station": record.station, "epoch": record.epoch.text,
                "first": "\(tombstone.numbers.lowerBound)", "last": "\(tombstone.numbers.upperBound - 1)",
                "reason": "\(tombstone.reason)", "frames": "\(tombstone.frames)",
            ])
        if jobs.offer(.bury(key, record), size: 64) != .accepted {
            log.write(.warning, "archive_behind", ["station": record.station])
        }
    }
}
