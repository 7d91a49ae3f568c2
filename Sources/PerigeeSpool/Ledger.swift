public import PerigeeCore

/// Frames since the spool began, committed with it: received = spooled + rejected + lost at crash + in work; spooled = delivered +
/// waiting + dropped + quarantined. The second line is the spool's own, the first is given to it with each commit.
public struct Ledger: Equatable, Sendable {
    /// What the station counts before the spool.
    public var intake = IntakeTotals()
    public internal(set) var spooled = 0
    public internal(set) var delivered = 0
    /// Delivered without some of their finer layers.
    public internal(set) var thinned = 0
    public internal(set) var dropped: [TombstoneReason: Int] = [:]
    public internal(set) var quarantined = 0
    /// Frames in the spool, counted apart from the rest.
    public internal(set) var waiting = 0

    /// All zero.
    public init() {}

    public var droppedTotal: Int { dropped.values.reduce(0, +) }

    /// Both lines hold.
    public var isBalanced: Bool {
        spooled == delivered + waiting + droppedTotal + quarantined
            && intake.received == spooled + intake.rejectedTotal + intake.lostAtCrash + intake.inWork
    }

    /// What waited in a damaged file counts as dropped, until it is found.
    mutating func suspend() {
        if waiting > 0 { dropped[.damaged, default: 0] += waiting }
        waiting = 0
        spooled = delivered + droppedTotal + quarantined
    }

    /// A frame of a damaged file was found.
    mutating func resume() {
        waiting += 1
        if let count = dropped[.damaged] {
            dropped[.damaged] = count > 1 ? count - 1 : nil
        } else {
            // the ledger was lost with the file: what is found was received and spooled all the same
            spooled += 1
            intake.received += 1
        }
    }

    mutating func settle(_ fate: SettledFrame.Fate) {
        waiting -= 1
        switch fate {
        case .delivered(let thinned):
            delivered += 1
            self.thinned += thinned ? 1 : 0
        case .dropped(let reason): dropped[reason, default: 0] += 1
        case .quarantined: quarantined += 1
        }
    }
}

/// Totals of the intake, kept durable by the spool and meaning nothing to it.
public struct IntakeTotals: Equatable, Sendable {
    public var received = 0
    /// By reason; names of at most 64 octets.
    public var rejected: [String: Int] = [:]
    public var lostAtCrash = 0
    public var inWork = 0
    /// Further sums of the station, such as octets delivered, by names of at most 128 octets.
    public var figures: [String: Int] = [:]
    /// The station ended by itself after this.
    public var isComplete = false

    /// All zero.
    public init() {}

    public var rejectedTotal: Int { rejected.values.reduce(0, +) }
}
