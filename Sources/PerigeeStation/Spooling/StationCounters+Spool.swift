import PerigeeCore
import PerigeeMetrics
import PerigeeSpool

// What the spool's thread counts, each at the commit that makes it true.
extension StationCounters {
    /// Goes on from what was committed. After an unclean end, what was in work then is lost.
    init(restoring ledger: Ledger, sources: [SourceMark], isUnclean: Bool, now: Timestamp) {
        self.init()
        received = ledger.intake.received
        rejected = ledger.intake.rejected
        spooled = ledger.spooled
        spool = ledger
        lostAtCrash = ledger.intake.lostAtCrash + ledger.intake.inWork
        saving = SavingTotals(figures: ledger.intake.figures)
        if saving.since == 0 { saving.since = Int(now.milliseconds / 1_000) }
        sequences = SequenceTracker(restoring: sources.map(SequenceTracker.Mark.init), isUnclean: isUnclean)
    }

    /// The intake's part of the ledger as a commit leaves it. `wire`: octets of the link in this process. `isLast`: nothing comes
    /// after it in this process.
    func totals(committing group: CommitGroup, wire: (sent: Int, received: Int), isLast: Bool) -> IntakeTotals {
        var totals = IntakeTotals()
        totals.isComplete = isLast
        totals.received = received
        totals.rejected = rejected
        totals.lostAtCrash = lostAtCrash
        totals.inWork = inWork - group.frames.count
        var saving = saving
        for (item, _) in group.frames { saving.add(item) }
        for frame in group.settled { saving.add(frame) }
        totals.figures = saving.adding(wire).figures
        return totals
    }

    /// The spool's ledger as of a commit that made `newlySpooled` frames durable. What it counts beyond those was found by a salvage
    /// in a file whose ledger is lost: such frames were received in a life before.
    mutating func take(_ ledger: Ledger, newlySpooled: Int) {
        let found = max(ledger.spooled - spooled - newlySpooled, 0)
        received += found
        spooled += found
        spool = ledger
    }

    mutating func addSpooled(_ item: UplinkItem, packetSize: Int) {
        spooled += 1
        inWork -= 1
        saving.add(item)
        let ticket = item.ticket
        sequences.resolve(sensor: ticket.sensor, run: ticket.run, sequence: ticket.sequence, isMarked: true)
        sensor(ticket.label) {
            $0.encoded += 1
            $0.rawSizeEncoded += item.rawSize
            $0.packetSize += packetSize
        }
    }

    mutating func addSettled(_ frame: SettledFrame, now: Timestamp) {
        switch frame.fate {
        case .dropped(let reason): drops[frame.priority, default: [:]][reason, default: 0] += 1
        case .delivered:
            let delay = max(Int(now.milliseconds - frame.stored.milliseconds), 0)
            acknowledgeSeconds.add(Double(delay) / 1_000)
            if delays.count >= Self.delayLimit { delays.removeFirst() }
            delays.append(delay)
        case .quarantined: break
        }
        // its row was damaged: the ledger counts it, whose it was is unknown
        guard !frame.label.isEmpty else { return }
        saving.add(frame)
        sensor(frame.label) {
            switch frame.fate {
            case .delivered(let isThinned):
                $0.acknowledged += 1
                $0.rawSizeAcknowledged += frame.rawSize
                $0.packetSizeAcknowledged += frame.packetSize
                if isThinned { $0.thinned += 1 }
            case .dropped: $0.dropped += 1
            case .quarantined: $0.refused += 1
            }
        }
    }
}

extension SavingTotals {
    mutating func add(_ item: UplinkItem) {
        sensor(item.ticket.label) {
            $0.encodedRawSize += item.rawSize
            $0.encodedNativeSize += item.nativeSize
        }
    }

    mutating func add(_ frame: SettledFrame) {
        guard case .delivered = frame.fate, !frame.label.isEmpty else { return }
        sensor(frame.label) {
            // one that was encoded again has no samples of its own
            $0.frames += frame.rawSize > 0 ? 1 : 0
            $0.rawSize += frame.rawSize
            $0.packetSize += frame.packetSize
        }
    }

    /// With what the link of this process carried, which the totals do not hold before the next start.
    func adding(_ wire: (sent: Int, received: Int)) -> SavingTotals {
        var totals = self
        totals.linkSent += wire.sent
        totals.linkReceived += wire.received
        return totals
    }
}

extension SequenceTracker.Mark {
    init(_ mark: SourceMark) {
        self.init(
            sensor: mark.sensor, run: mark.run, newest: mark.newest, window: SequenceWindow(bytes: mark.window))
    }
}

extension SourceMark {
    init(_ mark: SequenceTracker.Mark) {
        self.init(sensor: mark.sensor, run: mark.run, newest: mark.newest, window: mark.window.bytes)
    }
}
