import PerigeeConcurrency
import PerigeeConfig
public import PerigeeCore
import PerigeeFirmware
import PerigeeFrameFormat
import PerigeeHTTP
import PerigeeJSON
import PerigeeLink
public import PerigeeService
public import PerigeeSpool
import PerigeeTransport

/// The whole station: sockets for frames, lanes that encode, one link to the gateway. Its threads run from `init` to `stop`.
public final class Station: Sendable {
    /// Where it really listens, in the order of the configuration.
    public let endpoints: [String]

    private let parts: StationParts
    let live: Locked<LiveConfiguration<StationConfiguration>>
    let context: StationContext
    let intakes: [Intake]
    private let lanes: [NamedThread]
    private let spoolThread: NamedThread
    /// Nil where nothing is remembered.
    private let memoryThread: NamedThread?
    private let link: LinkClient
    private let sources: SourceGate
    let log: ServiceLog
    private let firmware: FirmwareWatch
    private let firmwareThread: NamedThread
    private let firmwareRequests: FirmwareThread
    private let started: Timestamp
    private let observer: StationObserver
    /// Frames that the link was told of last.
    private let told = Locked(-1)
    private let http: HTTPServer?
    /// Where the page and the metrics are; nil where they are not served.
    public var page: String? { http.map { "http://\($0.endpoint)/" } }

    /// Opens the spool, binds the sockets and starts all threads. It does not wait for the gateway.
    public init(_ parts: StationParts, log: ServiceLog, watchdog: Watchdog = Watchdog()) throws(StationError) {
        let configuration = parts.configuration
        self.parts = parts
        self.log = log
        log.take(level: configuration.logLevel)
        started = currentTime().utc
        live = Locked(LiveConfiguration(configuration, from: parts.source, now: started))
        var spool: Spool
        do throws(SpoolError) {
            spool = try Spool(
                directory: configuration.spool.directory, configuration: configuration.spool.limits,
                now: currentTime().utc, machine: MachineIdentity.read())
        } catch { throw .spool(error) }
        log.write(spool.recovery)
        let restored: RestoredState
        do throws(SpoolError) {
            try spool.renewWhereWorn(log)
            restored = try RestoredState(&spool)
        } catch { throw .spool(error) }
        let journal = StationJournal(boot: started)
        let context = StationContext(
            rules: StationRules(configuration, areas: parts.areas), catalog: parts.catalog,
            firmware: parts.bundle.id, compatible: parts.bundle.manifest.compatible, profiles: parts.bundle.profiles,
            model: parts.model,
            control: RateControl(configuration, journal: journal, log: log), journal: journal,
            log: log, watchdog: watchdog, restored: restored)
        self.context = context
        observer = StationObserver(folder: configuration.spool.directory, journal: journal, log: log)
        firmware = FirmwareWatch(parts.firmware, counters: context.counters.current, log: log, now: currentTime())
        let zeroMQ = try wrap { (error: TransportError) in
            .link(endpoint: "", error)
        } _: { () throws(TransportError) in
            try ZeroMQContext()
        }
        let sources = try wrap { (error: TransportError) in
            .link(endpoint: "", error)
        } _: { () throws(TransportError) in
            try SourceGate(parts, context: zeroMQ, log: log, watchdog: watchdog)
        }
        self.sources = sources
        // Sockets first, so that a station that cannot listen does not greet its gateway. Frames wait in the queue meanwhile.
        let intakes = try Self.bind(configuration.intakes, context: context, sources: sources, zeroMQ: zeroMQ)
        self.intakes = intakes
        endpoints = intakes.map(\.endpoint)
        let routes = StationRoutes(
            observer: observer, journal: journal, quicklooks: context.quicklooks, watchdog: watchdog)
        http = try wrap { (error: HTTPError) in
            .http(error)
        } _: { () throws(HTTPError) in
            guard let configuration = parts.http else { return nil }
            return try HTTPServer(configuration, progress: watchdog.loop("http")) { routes.answer($0) }
        }
        let spoolThread = SpoolThread(
            spool, declared: Set(restored.declarations.map(\.number)), context: context)
        let firmwareRequests = FirmwareThread()
        self.firmwareRequests = firmwareRequests
        let link = try Self.connect(
            parts, store: firmwareRequests.store(before: spoolThread), log: log, zeroMQ: zeroMQ,
            progress: watchdog.loop("link"))
        self.link = link
        let stage = FirmwareStage(slots: parts.firmware.slots, slotsFolder: configuration.firmwareSlotsDirectory)
        firmwareThread = NamedThread("firmware") {
            firmwareRequests.run(stage, progress: watchdog.loop("firmware")) { link.deliver($0) }
        }
        self.spoolThread = NamedThread("spool") {
            spoolThread.run {
                link.deliver($0)
            } wire: {
                let snapshot = link.snapshot
                return (snapshot.wireSent, snapshot.wireReceived)
            }
        }
        memoryThread = context.history.start(watchdog)
        let count = configuration.lanes > 0 ? configuration.lanes : processorCount()
        lanes = (0..<count).map { index in
            let lane = EncoderLane(context: context, progress: watchdog.loop("lane-\(index)"))
            // the codec recurses little, but large frames want room
            return NamedThread("lane-\(index)", stackSize: 16 << 20) { lane.run() }
        }
    }

    private static func bind(
        _ configurations: [StationConfiguration.Intake], context: StationContext, sources: SourceGate,
        zeroMQ: ZeroMQContext
    ) throws(StationError) -> [Intake] {
        var intakes: [Intake] = []
        for (index, intake) in configurations.enumerated() {
            intakes.append(
                try wrap { (error: TransportError) in
                    .intake(endpoint: intake.endpoint, error)
                } _: {
                    () throws(TransportError) in
                    try Intake(
                        intake, index: index, context: context, curve: sources.role(intake, index: index),
                        zeroMQ: zeroMQ)
                })
        }
        return intakes
    }

    /// Who watches its threads.
    public var watchdog: Watchdog { context.watchdog }

    /// What was done so far.
    public var counters: StationCounters { context.counters.current }

    /// The epoch that new frames join.
    public var epoch: Epoch { context.spoolStatus.current.epoch }

    /// The spool can do nothing more in this process: end it, and start again.
    public var failure: SpoolError? { context.spoolStatus.current.failure }

    /// The thread that checks the keys of sources has ended: libzmq would let everybody in.
    public var hasLostAdmission: Bool { sources.isLost }

    /// Follows the trial of a firmware; true where the station is to stop and start again, with another one. Call it about each
    /// second.
    public func wantsRestart() -> Bool {
        let counters = context.counters.current
        let isIdle = counters.inWork == 0 && context.intakeQueue.count == 0
        return firmware.observe(counters, isIdle: isIdle, now: currentTime())
    }

    /// Reads the configuration anew and goes by it, as a whole; where something is wrong with it the old one stays in force. False then.
    public func reload() -> Bool {
        var live = self.live.current
        let isTaken = live.reload(now: currentTime().utc) { configuration in
            let areas = try StationParts.areas(configuration)
            try parts.checkTargets(configuration)
            try configuration.spool.limits.check()
            take(StationRules(configuration, areas: areas))
        }
        self.live.withLock { [live] in $0 = live }
        log.write(live, isTaken: isTaken)
        return isTaken
    }

    /// Nothing of it can fail.
    private func take(_ rules: StationRules) {
        let configuration = rules.configuration
        log.take(level: configuration.logLevel)
        context.rules.withLock { $0 = rules }
        context.control.take(configuration)
        context.history.take(configuration)
        context.intakeQueue.octetLimit = context.intakeLimit(configuration)
        _ = context.spoolQueue.append(.configure(configuration.spool.limits), size: 0)
        link.deliver(.plan(configuration.line.plan))
    }

    /// One line for people.
    public var summary: String {
        let counters = context.counters.current
        let link = link.snapshot
        let held = context.spoolStatus.current.served
        let raw = counters.sensors.values.reduce(0) { $0 + $1.rawSizeAcknowledged }
        let wire = link.wireSent + link.wireReceived
        let saving = raw > 0 && wire > 0 ? "raw over link \(Self.ratio(raw, wire))x, " : ""
        return "link \(link.state.rawValue), \(saving)"
            + ServiceText.backlog(packets: held?.heldCount ?? 0, size: held?.heldSize ?? 0)
            + (counters.rejectedTotal > 0 ? ", \(counters.rejectedTotal) frames refused" : "")
            + (counters.clippedTotal > 0 ? ", \(counters.clippedTotal) samples clipped" : "")
    }

    /// Three digits at least, and nothing behind the point from 100 on.
    private static func ratio(_ left: Int, _ right: Int) -> String {
        let ratio = Double(left) / Double(right)
        return ratio < 99.5 ? "\((ratio * 10).rounded() / 10)" : "\(Int(ratio.rounded()))"
    }

    /// Writes `status.json`; a failure is counted and logged.
    public func writeStatus() { writeStatus(state) }

    private func snapshot(_ state: StationSnapshot.State) -> StationSnapshot {
        let spool = context.spoolStatus.current
        let counters = context.counters.current
        let line = link.snapshot
        let saving = counters.saving.adding((line.wireSent, line.wireReceived))
        let account = counters.account(saving)
        if account.frames
            != told.withLock({ told in
                defer { told = account.frames }
                return told
            })
        {
            link.deliver(.account(account))
        }
        // to the packet, not to the frame: on a thin line a frame takes minutes
        let delivered = counters.sensors.values.reduce(0) { $0 + $1.packetSize } - (spool.served?.heldSize ?? 0)
        context.control.observe(delivered: delivered, held: spool.served?.heldByPriority ?? [])
        return StationSnapshot(
            state: state, live: live.current, started: started, now: currentTime(),
            firmware: firmware.report, endpoints: endpoints, counters: counters,
            intakeQueue: (context.intakeQueue.count, context.intakeQueue.size), spool: spool, link: line,
            control: context.control, history: context.history.status,
            system: SystemState.read(folder: parts.configuration.spool.directory),
            saving: saving, surprises: context.journal.surprises)
    }

    private func writeStatus(_ state: StationSnapshot.State) {
        let status = StationStatus(observation: observer.look(snapshot(state)))
        let path = parts.configuration.statusFile
        guard !StationStatus.write(status.json.description, to: path) else { return }
        context.counters.withLock { $0.statusFailures += 1 }
        log.write(.warning, "status_not_written", ["file": path, "remedy": "make its folder writable"])
    }

    /// Waits until all that was encoded is durable and the link knows of it.
    private func flushSpool() {
        let done = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        guard context.spoolQueue.append(.flush(done: { _ = done.offer(true, size: 0) }), size: 0) == .accepted else {
            return
        }
        while done.take(timeoutMilliseconds: 100) == nil, failure == nil {}
    }

    /// Takes no more frames, encodes those that wait, delivers what it can within the configured time, and ends all threads.
    /// True when everything was acknowledged. Call once.
    public func stop() -> Bool {
        let drainSeconds = firmware.isRestarting ? 1 : context.configuration.drainSeconds
        let deadline = currentTime().monotonic + Int64(drainSeconds) * 1_000
        func left() -> Int { Int(max(deadline - currentTime().monotonic, 0)) }
        context.isStopping.withLock { $0 = true }
        log.write(.notice, "draining", ["seconds": "\(drainSeconds)"])
        writeStatus(.draining)
        for intake in intakes { intake.signal() }
        firmwareRequests.stop()
        var isInTime = intakes.allSatisfy { $0.join(timeoutMilliseconds: left()) }
        context.intakeQueue.close()
        isInTime = lanes.allSatisfy { $0.join(timeoutMilliseconds: left()) } && isInTime
        if !isInTime { context.isAbandoned.withLock { $0 = true } }
        for lane in lanes { lane.join() }
        context.quicklooks.stop()
        flushSpool()
        for intake in intakes { _ = intake.join(timeoutMilliseconds: 2_000) }
        let last = try? link.drain(timeoutMilliseconds: max(left(), 200))
        firmwareThread.join()
        context.isSpoolClosing.withLock { $0 = true }
        context.spoolQueue.close()
        spoolThread.join()
        context.history.stop()
        // what it has not written by then it learns anew
        _ = memoryThread?.join(timeoutMilliseconds: 2_000)
        for intake in intakes { intake.joinAnswers() }
        writeStatus(.stopped)
        let counters = context.counters.current
        let isDelivered =
            counters.spool.waiting == 0 && last?.counters.rejected == 0
            && counters.rejected[StationCounters.Failure.stopped.rawValue] == nil
        log.write(
            isDelivered ? .notice : .warning, "stopped",
            [
                "received": "\(counters.received)", "spooled": "\(counters.spooled)",
                "rejected": "\(counters.rejectedTotal)",
                "undelivered_frames": "\(counters.spool.waiting)",
                "refused_packets": "\(last?.counters.rejected ?? 0)", "clipped_samples": "\(counters.clippedTotal)",
            ])
        return isDelivered
    }
}
