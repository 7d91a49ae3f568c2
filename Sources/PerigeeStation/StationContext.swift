import PerigeeCodec
import PerigeeConcurrency
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// Which frame of which source, from its way in to the end of its work.
struct FrameTicket: Sendable {
    var sensor: String
    var run: String
    var sequence: Int
    /// Counter of the sensor.
    var label: String
    /// Who waits for the word that it is stored; nil where nobody does.
    var origin: IntakeOrigin?

    /// What it is, whoever sent it.
    var frame: FrameKey { FrameKey(sensor: sensor, run: run, sequence: sequence) }
}

/// Which frame.
struct FrameKey: Hashable, Sendable {
    var sensor: String
    var run: String
    var sequence: Int
}

/// A frame on its way from a socket to a lane.
struct IntakeItem: Sendable {
    var header: FrameHeader
    var ticket: FrameTicket
    /// What the message was addressed to.
    var topic: [UInt8]
    /// As received, perhaps compressed.
    var samples: [UInt8]
    var receivedAt: Timestamp
}

/// A frame on its way from a lane to the spool.
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
    var priority: Int
    var rawSize: Int
    /// The same with each band on its own grid.
    var nativeSize: Int
    var ticket: FrameTicket
}

/// What the threads of a station share.
final class StationContext: Sendable {
    /// What it goes by until the next reload.
    let rules: Locked<StationRules>
    let limits: FrameLimits
    let catalog: SensorCatalog
    let firmware: UInt32
    let profiles: [SensorProfile]
    let model: CodecModel
    let log: ServiceLog
    let watchdog: Watchdog
    let control: RateControl
    let journal: StationJournal
    let quicklooks: QuicklookDesk
    let history: PlaceHistory
    let counters: Locked<StationCounters>
    let streams: Locked<StreamTable>
    let spoolStatus: Locked<SpoolStatus>
    /// Who asked last what becomes of a frame in work: its source has sent it again, on another connection. Set under the lock of the
    /// counters, where a frame's work ends too, so that nobody who is told to wait is forgotten.
    let latestOrigins = Locked<[FrameKey: IntakeOrigin]>([:])
    let intakeQueue: BoundedQueue<LaneJob>
    /// Frames on their way into the spool, and what the link asks of it.
    let spoolQueue: BoundedQueue<SpoolJob>
    /// No more frames are taken from sockets.
    let isStopping = Locked(false)
    /// The same, until it is taken back: what was taken goes on to the gateway.
    let isDraining = Locked(false)
    /// What is left is given up.
    let isAbandoned = Locked(false)
    /// No frames and no requests will come any more.
    let isSpoolClosing = Locked(false)
    /// Nothing will become durable any more, and nobody is answered.
    let isSpoolClosed = Locked(false)

    init(
        rules: StationRules, catalog: SensorCatalog, firmware: UInt32, compatible: [UInt32], profiles: [SensorProfile],
        model: CodecModel, control: RateControl, journal: StationJournal, log: ServiceLog, watchdog: Watchdog,
        restored: RestoredState
    ) {
        counters = Locked(
            StationCounters(
                restoring: restored.ledger, sources: restored.sources,
                isUnclean: !restored.ledger.intake.isComplete, now: currentTime().utc))
        streams = Locked(
            StreamTable(
                restoring: restored.declarations.map { ($0.number, $0.packet) }, nextFrame: restored.nextFrame))
        let configuration = rules.configuration
        spoolStatus = Locked(
            SpoolStatus(epoch: restored.epoch, quota: configuration.spool.quota, newEpochs: restored.newEpochs))
        self.rules = Locked(rules)
        self.catalog = catalog
        self.firmware = firmware
        self.profiles = profiles
        self.model = model
        self.log = log
        self.watchdog = watchdog
        self.control = control
        self.journal = journal
        history = PlaceHistory(
            configuration, epoch: restored.epoch, nextFrame: restored.nextFrame,
            firmwares: Set(compatible + [firmware]), profiles: profiles, model: model, log: log)
        quicklooks = QuicklookDesk(interval: configuration.quicklookInterval, model: model)
        limits = FrameLimits(headerSize: configuration.headerSizeLimit, frameSize: configuration.frameSizeLimit)
        // a part may be a little larger than the frame it holds, when it is compressed badly
        intakeQueue = BoundedQueue(
            itemLimit: 4_096, octetLimit: max(configuration.intakeSizeLimit, limits.partSize + limits.headerSize))
        spoolQueue = BoundedQueue(itemLimit: 1 << 16, octetLimit: max(16 << 20, 2 * limits.partSize))
    }

    /// What is in force now.
    var configuration: StationConfiguration { rules.current.configuration }

    /// Octets of frames that may wait: a part may be a little larger than the frame it holds, when it is compressed badly.
    func intakeLimit(_ configuration: StationConfiguration) -> Int {
        max(configuration.intakeSizeLimit, limits.partSize + limits.headerSize)
    }

    /// The counter of a sensor: its name where a profile describes it, so that strangers cannot fill the memory.
    func label(_ sensor: String) -> String { catalog[sensor] == nil ? "other" : sensor }

    /// A message that never became work: `ticket` is nil where it names no frame.
    func refuse(_ rejection: FrameRejection, field: String, detail: String, ticket: FrameTicket?) {
        counters.withLock { counters in
            counters.received += 1
            counters.rejected[rejection.rawValue, default: 0] += 1
        }
        announce(rejection.rawValue, level: .warning, field: field, detail: detail, ticket: ticket)
    }

    /// A frame in work that is no good.
    func reject(_ rejection: FrameRejection, field: String, detail: String, ticket: FrameTicket) {
        end(rejection.rawValue, ticket)
        announce(rejection.rawValue, level: .warning, field: field, detail: detail, ticket: ticket)
    }

    /// A good frame in work that cannot be spooled. Where that is the station's own trouble, a source that waits for our word is told
    /// nothing: it keeps the frame and sends it again.
    func fail(_ failure: StationCounters.Failure, detail: String, ticket: FrameTicket) {
        end(failure.rawValue, ticket)
        var ticket = ticket
        if failure == .stopped || failure == .spoolFull {
            ticket.origin = nil
            latestOrigins.withLock { $0[ticket.frame] = nil }
        }
        announce(failure.rawValue, level: .error, field: "frame", detail: detail, ticket: ticket)
    }

    /// Tells whoever asked last what became of a frame.
    func answer(_ fate: IntakeAnswers.Fate, _ ticket: FrameTicket) {
        let latest = latestOrigins.withLock { $0.removeValue(forKey: ticket.frame) }
        (latest ?? ticket.origin)?.answer(fate, ticket)
    }

    private func end(_ reason: String, _ ticket: FrameTicket) {
        counters.withLock { counters in
            counters.rejected[reason, default: 0] += 1
            counters.inWork -= 1
            // a source that waits for our word may send it again
            counters.sequences.resolve(
                sensor: ticket.sensor, run: ticket.run, sequence: ticket.sequence, isForgotten: ticket.origin != nil)
        }
    }

    private func announce(
        _ reason: String, level: ServiceLog.Level, field: String, detail: String, ticket: FrameTicket?
    ) {
        if let ticket { answer(.rejected(reason), ticket) }
        journal.add(
            "frame_rejected",
            [
                .init("sensor", .optional(ticket?.label)), .init("reason", .string(reason)),
                .init("field", .string(field)),
            ])
        log.write(
            level, "frame_rejected", key: reason,
            ["reason": reason, "sensor": ticket?.sensor ?? "unknown", "field": field, "detail": detail])
    }
}
