public import PerigeeFrameFormat

/// What a station has done since its start. The ledger: received = encoded + rejected + failed + in work.
public struct StationCounters: Equatable, Sendable {
    /// Why a frame that was good could not be sent.
    public enum Failure: String, CaseIterable, Sendable {
        /// The codec gave up.
        case encode
        /// The epoch has no number for another declaration.
        case declarations
        /// The station stopped before the frame's packets had room.
        case stopped
    }

    /// Counters of one sensor.
    public struct Sensor: Equatable, Sendable {
        public var received = 0
        public var encoded = 0
        /// Frames that the gateway holds whole.
        public var acknowledged = 0
        /// Frames of which the gateway refused a packet for good: they count as delivered nowhere.
        public var refused = 0
        /// Octets of samples, decompressed.
        public var rawSize = 0
        public var rawSizeEncoded = 0
        public var rawSizeAcknowledged = 0
        /// Octets of packets, declarations included.
        public var packetSize = 0
        public var packetSizeAcknowledged = 0
        public var overBudget = 0
        /// Samples so far beyond the profile's peak (about 105 times) that the format clips them.
        public var clippedSamples = 0
        public var missed = 0
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
    public var encoded = 0
    public var rejected: [FrameRejection: Int] = [:]
    public var failed: [Failure: Int] = [:]
    /// Taken from a socket, and neither encoded nor rejected nor failed yet.
    public var inWork = 0
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
    /// By sensor; sensors that no profile describes are together under `other`.
    public var sensors: [String: Sensor] = [:]

    /// All zero.
    public init() {}

    public var rejectedTotal: Int { rejected.values.reduce(0, +) }
    public var failedTotal: Int { failed.values.reduce(0, +) }
    /// Samples of all sensors that were clipped.
    public var clippedTotal: Int { sensors.values.reduce(0) { $0 + $1.clippedSamples } }

    /// The ledger closes.
    public var isBalanced: Bool { received == encoded + rejectedTotal + failedTotal + inWork }

    mutating func sensor(_ name: String, _ change: (inout Sensor) -> Void) {
        change(&sensors[name, default: Sensor()])
    }
}
