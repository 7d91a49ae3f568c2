import PerigeeCodec
import PerigeeConcurrency
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat

/// A frame on its way from a socket to a lane.
struct IntakeItem: Sendable {
    var header: FrameHeader
    /// As received, perhaps compressed.
    var samples: [UInt8]
    var receivedAt: Timestamp
    /// Counter of the sensor.
    var label: String
}

/// A frame on its way from a lane to the link.
struct UplinkItem: Sendable {
    var assignment: StreamTable.Assignment
    var metadata: FrameMetadata
    /// Layers to send, coarse to fine.
    var layers: [[UInt8]]
    /// Layers behind those, which are kept for whoever asks for them.
    var finer: [[UInt8]] = []
    /// The samples as zstd, to be kept for a while; nil where they are not.
    var raw: [UInt8]?
    /// Class of its packets: 1 is sent first, 3 is dropped first.
    var priority = UplinkItem.normalPriority
    var rawSize: Int
    var label: String

    /// Class of a frame that no rule names.
    static let normalPriority = 2
}

/// What the threads of a station share.
final class StationContext: Sendable {
    let configuration: StationConfiguration
    let limits: FrameLimits
    let catalog: SensorCatalog
    let firmware: UInt32
    let profiles: [SensorProfile]
    let model: CodecModel
    let log: StationLog
    let counters = Locked(StationCounters())
    let sequences = Locked(SequenceTracker())
    let streams = Locked(StreamTable())
    let intakeQueue: BoundedQueue<IntakeItem>
    let uplinkQueue: BoundedQueue<UplinkItem>
    /// No more frames are taken from sockets.
    let isStopping = Locked(false)
    /// What is left is given up.
    let isAbandoned = Locked(false)

    init(
        configuration: StationConfiguration, catalog: SensorCatalog, firmware: UInt32, profiles: [SensorProfile],
        model: CodecModel, log: StationLog
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.firmware = firmware
        self.profiles = profiles
        self.model = model
        self.log = log
        limits = FrameLimits(headerSize: configuration.headerSizeLimit, frameSize: configuration.frameSizeLimit)
        // a part may be a little larger than the frame it holds, when it is compressed badly
        intakeQueue = BoundedQueue(
            itemLimit: 4_096, octetLimit: max(configuration.intakeSizeLimit, limits.partSize + limits.headerSize))
        uplinkQueue = BoundedQueue(itemLimit: 256, octetLimit: max(16 << 20, 2 * limits.partSize))
    }

    /// The counter of a sensor: its name where a profile describes it, so that strangers cannot fill the memory.
    func label(_ sensor: String) -> String { catalog[sensor] == nil ? "other" : sensor }

    func reject(_ rejection: FrameRejection, field: String, detail: String, sensor: String, wasInWork: Bool) {
        counters.withLock { counters in
            counters.rejected[rejection, default: 0] += 1
            if wasInWork { counters.inWork -= 1 } else { counters.received += 1 }
        }
        log.write(
            .warning, "frame_rejected", key: rejection.rawValue,
            ["reason": rejection.rawValue, "sensor": sensor, "field": field, "detail": detail])
    }

    func fail(_ failure: StationCounters.Failure, detail: String, sensor: String) {
        counters.withLock { counters in
            counters.failed[failure, default: 0] += 1
            counters.inWork -= 1
        }
        log.write(
            .error, "frame_failed", key: failure.rawValue,
            ["reason": failure.rawValue, "sensor": sensor, "detail": detail])
    }
}
