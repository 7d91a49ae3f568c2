import PerigeeSpool

// What the spool's thread counts, each at the commit that makes it true.
extension StationCounters {
    /// Goes on from what was committed. After an unclean end, what was in work then is lost.
    init(restoring ledger: Ledger, sources: [SourceMark], isUnclean: Bool) {
        self.init()
        received = ledger.intake.received
        rejected = ledger.intake.rejected
        spooled = ledger.spooled
        spool = ledger
        lostAtCrash = ledger.intake.lostAtCrash + ledger.intake.inWork
        sequences = SequenceTracker(restoring: sources.map(SequenceTracker.Mark.init), isUnclean: isUnclean)
    }

    /// The intake's part of the ledger as a commit of so many frames leaves it. `isLast`: nothing comes after it in this process.
    func totals(spooling count: Int, isLast: Bool) -> IntakeTotals {
        var totals = IntakeTotals()
        totals.isComplete = isLast
        totals.received = received
        totals.rejected = rejected
        totals.lostAtCrash = lostAtCrash
        totals.inWork = inWork - count
        return totals
    }

    mutating func addSpooled(_ item: UplinkItem, packetSize: Int) {
        spooled += 1
        inWork -= 1
        let ticket = item.ticket
        sequences.resolve(sensor: ticket.sensor, run: ticket.run, sequence: ticket.sequence, isMarked: true)
        sensor(ticket.label) {
            $0.encoded += 1
            $0.rawSizeEncoded += item.rawSize
            $0.packetSize += packetSize
        }
    }

    mutating func addSettled(_ frame: SettledFrame) {
        // its row was damaged: the ledger counts it, whose it was is unknown
        guard !frame.label.isEmpty else { return }
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
