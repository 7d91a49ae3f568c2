import PerigeeCore
import PerigeeFrameFormat
import PerigeeLink
import PerigeeMetrics
import PerigeeSpool

/// What a station has done. The ledger's first line, true whenever it is read: received = spooled + rejected + lost at crash +
/// in work. It goes on over restarts; the other counters begin with the process.
public struct StationCounters: Equatable, Sendable {
    /// Why a frame that was good was not spooled.
    public enum Failure: String, CaseIterable, Sendable {
        /// The codec gave up.
        case encode
        /// The epoch has no number for another declaration.
        case declarations
        /// The station stopped before the frame was encoded.
        case stopped
        /// The spool is full of packets that may not be dropped for this one.
        case spoolFull = "spool_full"
    }

    /// Every reason for which a frame is rejected.
    public static let reasons = FrameRejection.allCases.map(\.rawValue) + Failure.allCases.map(\.rawValue)

    /// Counters of one sensor.
    public struct Sensor: Equatable, Sendable {
        public var received = 0
        public var encoded = 0
        /// Frames that the gateway holds whole.
        public var acknowledged = 0
        /// Frames of which the gateway refused a packet for good: they count as delivered nowhere.
        public var refused = 0
        /// Frames that were given up, and those that were delivered without some of their finer layers.
        public var dropped = 0
        public var thinned = 0
        /// Octets of samples, decompressed.
        public var rawSize = 0
        public var rawSizeEncoded = 0
        public var rawSizeAcknowledged = 0
        /// Octets of packets, declarations included.
        public var packetSize = 0
        public var packetSizeAcknowledged = 0
        public var overBudget = 0
        /// Frames that were predicted from earlier ones.
        public var predicted = 0
        /// Samples so far beyond the profile's peak (about 105 times) that the format clips them.
        public var clippedSamples = 0
        public var missed = 0
        /// Frames and heartbeats as they came.
        package var signs = SignWatch()
        /// Octets of the samples that were also compressed by zstd, before and after.
        public var baselineRaw = 0
        var baselineConsidered = 0
        public var baselineCompressed = 0

        /// What lossless zstd would have needed for the acknowledged frames, from the sampled ones; nil without samples.
        public var baselineAcknowledged: Double? {
            guard baselineRaw > 0 else { return nil }
            return Double(rawSizeAcknowledged) * Double(baselineCompressed) / Double(baselineRaw)
        }
    }

    /// Messages that were frames, or were none that could be read.
    public var received = 0
    /// Frames whose packets are durable here.
    public var spooled = 0
    /// By reason, one of `reasons`.
    public var rejected: [String: Int] = [:]
    /// Frames that were in work, or whose numbers are missing, when the station ended uncleanly.
    public var lostAtCrash = 0
    /// Taken from a socket, and neither spooled nor rejected yet.
    public var inWork = 0
    /// The ledger's second line as of the last commit; its `spooled` is that above.
    var spool = Ledger()
    /// What became of the frames of each source. Here, so that one lock keeps it in step with the ledger.
    var sequences = SequenceTracker()
    /// Frames that an acknowledged source sent again though they were there.
    public var repeated = 0
    /// Frames that were encoded once more without references, since the gateway could not decode them: they were received once more.
    public var encodedAgain = 0
    /// Frames whose layers were sent once more, since others lean on them.
    public var resent = 0
    public var heartbeats = 0
    public var runs = 0
    public var missed = 0
    /// Counted as missed first, then they came.
    public var late = 0
    /// Connections of sources that ended, those that sent a part above the limit among them.
    public var disconnects = 0
    /// Octets of the messages received.
    public var intakeSize = 0
    public var statusFailures = 0
    /// Frames given up in this process, by class and reason.
    var drops: [Int: [TombstoneReason: Int]] = [:]
    /// Seconds of encoding a frame, of a commit of the spool, and from a frame's commit to its acknowledgement.
    var encodeSeconds = Histogram(bounds: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30])
    var commitSeconds = Histogram(bounds: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 10])
    /// The latter of the last frames, milliseconds.
    var delays: [Int] = []
    static let delayLimit = 256
    var acknowledgeSeconds = Histogram(bounds: [0.1, 0.3, 1, 3, 10, 60, 600, 3_600, 86_400])
    /// What the saving is made of, as of the last commit but for the link: it goes on over restarts.
    package var saving = SavingTotals()
    /// By sensor; sensors that no profile describes are together under `other`.
    public var sensors: [String: Sensor] = [:]

    /// All zero.
    public init() {}

    public var rejectedTotal: Int { rejected.values.reduce(0, +) }
    /// Frames of classes 0 to 2 that were given up.
    var urgentDrops: Int { drops.filter { $0.key <= 2 }.values.reduce(0) { $0 + $1.values.reduce(0, +) } }
    /// What PING tells the gateway.
    func account(_ saving: SavingTotals) -> LinkMessage.Account {
        var account = LinkMessage.Account()
        account.frames = saving.frames
        account.rawSize = saving.rawSize
        account.packetSize = saving.packetSize
        account.linkSize = saving.linkSize
        let sorted = delays.sorted()
        account.medianMilliseconds = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        account.slowMilliseconds = sorted.isEmpty ? 0 : sorted[sorted.count * 99 / 100]
        return account
    }

    /// Samples of all sensors that were clipped.
    public var clippedTotal: Int { sensors.values.reduce(0) { $0 + $1.clippedSamples } }

    /// The ledger closes.
    public var isBalanced: Bool {
        received == spooled + rejectedTotal + lostAtCrash + inWork && spool.isBalanced && spool.spooled == spooled
    }

    mutating func sensor(_ name: String, _ change: (inout Sensor) -> Void) {
        change(&sensors[name, default: Sensor()])
    }

    /// Notes the number of a frame that came, and counts the gap before it. Not the frame itself.
    mutating func note(_ ticket: FrameTicket) -> SequenceTracker.Outcome {
        let outcome = sequences.frame(sensor: ticket.sensor, run: ticket.run, sequence: ticket.sequence)
        switch outcome {
        case .began: runs += 1
        case .advanced(let count): add(missed: count, lost: 0, label: ticket.label)
        case .resumed(let count): add(missed: 0, lost: count, label: ticket.label)
        case .late:
            late += 1
            add(missed: -1, lost: 0, label: ticket.label)
        case .recovered, .duplicate: break
        }
        return outcome
    }

    /// Counts frames that never came. What was lost with a crash had been received.
    mutating func add(missed count: Int, lost: Int, label: String) {
        missed += count
        received += lost
        lostAtCrash += lost
        if count != 0 { sensor(label) { $0.missed += count } }
    }
}
