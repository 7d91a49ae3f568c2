internal import PerigeeArchive
internal import PerigeeConcurrency
internal import PerigeeConfig
internal import PerigeeCore
internal import PerigeeHTTP
internal import PerigeeJSON
internal import PerigeeLink
public import PerigeeService
public import PerigeeTransport

/// Takes packets from stations, files them, and acknowledges what is durable. Source: Docs/link-protocol.md section 4.
///
/// Four threads: the one that calls `run` owns the socket, one owns the archive, one looks after wants, one writes the status file. With keys
/// a fifth, the admission's, checks them.
///
/// `@unchecked`: `run` takes `socket` and `archive` once, on the thread that calls it.
public final class Gateway: @unchecked Sendable {
    private let configuration: GatewayConfiguration
    private let log: ServiceLog
    private let notifier: ServiceNotifier
    private let watchdog: Watchdog
    private let wakeUp: WakeUp
    private let shared = Locked(Shared())
    private var socket: Socket?
    private var archive: Archive?
    private let gate: StationGate?
    private let observer: GatewayObserver
    private let http: HTTPServer?
    /// Where it really listens.
    public let endpoint: String

    private struct Shared: Sendable {
        var answers: [ArchiveAnswer] = []
        var connectionEvents: [ConnectionEvent.Kind] = []
        var admissionEvents: [AdmissionEvent] = []
        var isStopping = false
        var live: LiveConfiguration<GatewaySettings>?
        /// From a reload, for the thread of `run`.
        var limits: GatewayLimits?
        var status = GatewayStatus()
    }

    /// Opens the archive, recovers it, and listens.
    public init(
        _ configuration: GatewayConfiguration, context: ZeroMQContext, log: ServiceLog = ServiceLog(),
        notifier: ServiceNotifier = .fromEnvironment(), watchdog: Watchdog = Watchdog()
    ) throws(GatewayError) {
        self.configuration = configuration
        self.log = log
        observer = GatewayObserver(folder: configuration.archiveDirectory, log: log, watchdog: watchdog)
        self.notifier = notifier
        self.watchdog = watchdog
        let opened: Archive
        do throws(ArchiveError) {
            opened = try Archive(configuration.archiveDirectory, segmentLimit: configuration.segmentSize)
        } catch { throw .archive(error) }
        let recovery = opened.recovery
        archive = consume opened
        do throws(TransportError) {
            let wakeUp = try WakeUp()
            self.wakeUp = wakeUp
            var options = SocketOptions()
            options.partSizeLimit = LinkLimit.message
            options.receiveHighWaterMark = 1_024
            options.sendHighWaterMark = 1_024
            options.lingerMilliseconds = 500  // so that the last ACK and BYE go out
            // CURVE takes four round trips, of seconds on some lines; strangers who say nothing hold a descriptor so long
            options.handshakeTimeoutMilliseconds = 30_000
            let shared = shared
            gate = try Self.gate(configuration, context, watchdog) { event in
                shared.withLock { state in
                    // a flood of strangers must not fill the memory; the list counts them all
                    if case .denied = event, state.admissionEvents.count >= 1_024 { return }
                    state.admissionEvents.append(event)
                }
                wakeUp.signal()
            }
            if let gate, let keys = configuration.keys { options.curve = gate.role(keys) }
            var socket = try Socket(.router, context: context, options: options)
            try socket.observe { event in
                shared.withLock { $0.connectionEvents.append(event.kind) }
                wakeUp.signal()
            }
            try socket.bind(configuration.endpoint)
            endpoint = try socket.lastEndpoint()
            self.socket = consume socket
        } catch { throw .transport(error) }
        http = try Self.serve(configuration.http, observer, watchdog)
        shared.withLock { state in
            state.status.endpoint = endpoint
            state.live = configuration.live
        }
        if let reason = recovery.rebuilt {
            log.write(.warning, "index_rebuilt", ["reason": reason, "records": "\(recovery.indexed)"])
        }
        if recovery.lostSize > 0 {
            // what was acknowledged is gone: `perigee archive gaps` names the numbers, `want` may bring them back
            log.write(.error, "segments_lost", ["octets": "\(recovery.lostSize)"])
        }
        log.write(
            .info, "started",
            [
                "endpoint": endpoint, "archive": configuration.archiveDirectory,
                "recovered_records": "\(recovery.indexed)", "torn_octets": "\(recovery.tornSize)",
                "damaged_octets": "\(recovery.damagedSize)", "stations": stationsText,
                "page": http.map { "http://\($0.endpoint)/" } ?? "none",
            ])
        logKeys()
    }

    /// Says what an operator should know of who is let in.
    private func logKeys() {
        guard let gate else {
            return log.write(
                .warning, "unprotected",
                ["endpoint": endpoint, "remedy": "make keys with `perigee keys gen`, unless this is a trial"])
        }
        for problem in gate.list.snapshot.problems {
            log.write(.error, "key_file_unusable", key: problem, ["reason": problem])
        }
    }

    private static func gate(
        _ configuration: GatewayConfiguration, _ context: ZeroMQContext, _ watchdog: Watchdog,
        sink: @escaping @Sendable (AdmissionEvent) -> Void
    ) throws(TransportError) -> StationGate? {
        guard let keys = configuration.keys else { return nil }
        return try StationGate(keys, context: context, progress: watchdog.loop("admission"), sink: sink)
    }

    private static func serve(
        _ configuration: HTTPServer.Configuration?, _ observer: GatewayObserver, _ watchdog: Watchdog
    ) throws(GatewayError) -> HTTPServer? {
        guard let configuration else { return nil }
        do throws(HTTPError) {
            return try HTTPServer(configuration, progress: watchdog.loop("http")) { observer.answer($0) }
        } catch { throw .http(error) }
    }

    /// For the log: whom it lets in.
    private var stationsText: String { gate.map { "\($0.list.snapshot.names.count)" } ?? "any" }

    /// For tests: as if libzmq had lost the socket of the thread that checks keys.
    package func loseAdmission() { gate?.lose() }

    /// Counters and sessions now.
    public var status: GatewayStatus { shared.withLock { $0.status } }

    /// Makes `run` finish what it was given, say BYE, and return. From any thread.
    public func stop() {
        shared.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    /// Reads the configuration anew and goes by it, as a whole; where something is wrong with it the old one stays in force. False then.
    /// From one thread.
    @discardableResult
    public func reload() -> Bool {
        guard var live = shared.withLock({ $0.live }) else { return false }
        notifier.reloading()
        var limits: GatewayLimits?
        let isTaken = live.reload(now: currentTime().utc) { settings in
            limits = GatewayLimits(settings)
            log.take(level: settings.logLevel)
        }
        shared.withLock { [live, limits] state in
            state.live = live
            state.limits = limits ?? state.limits
        }
        wakeUp.signal()
        log.write(live, isTaken: isTaken)
        notifier.ready()
        return isTaken
    }

    /// Serves until `stop`. Once; throws where the archive or the socket failed for good.
    public func run() throws(GatewayError) {
        guard let archive = archive.take(), let socket = socket.take() else { return }
        let octetLimit = configuration.session.credit.size * 256
        let jobs = BoundedQueue<ArchiveJob>(itemLimit: 1 << 16, octetLimit: octetLimit)
        let shared = shared
        let wakeUp = wakeUp
        let worker = ArchiveWorker(
            consume archive, jobs: jobs, configuration: configuration, progress: watchdog.loop("archive")
        ) { answer in
            shared.withLock { $0.answers.append(answer) }
            wakeUp.signal()
        }
        let archiveThread = NamedThread("archive") { worker.run() }
        let writer = startStatusWriter()
        notifier.ready()
        let desk = WantDesk(configuration.archiveDirectory, log: log, progress: watchdog.loop("wants")) {
            wakeUp.signal()
        }
        let router = GatewayRouter(
            consume socket, configuration: configuration, gate: gate, jobs: jobs, desk: desk, log: log)
        var failure: GatewayError?
        do throws(GatewayError) { try serve(router, desk) } catch { failure = error }
        notifier.stopping()
        jobs.close()
        desk.stop()
        archiveThread.join()
        do throws(GatewayError) { try handleNews(router) } catch { failure = failure ?? error }
        router.sayGoodbye()
        publish(router, isStopping: true)
        writer.stop()
        log.write(failure == nil ? .info : .error, "stopped", ["reason": failure.map { "\($0)" } ?? "asked"])
        if let failure { throw failure }
    }

    /// How often the counters are put together, at most: with many stations that is work.
    private static let publishMilliseconds: Int64 = 200

    private func serve(_ router: GatewayRouter, _ desk: WantDesk) throws(GatewayError) {
        var published = Int64.min
        let progress = watchdog.loop("router")
        defer { progress.end() }
        while !shared.withLock({ $0.isStopping }) {
            do throws(TransportError) { try router.wait(wakeUp, now: currentTime().monotonic) } catch {
                throw .transport(error)
            }
            wakeUp.clear()
            progress.note()
            try handleNews(router)
            router.take(desk.due)
            do throws(TransportError) { try router.receiveAll() } catch { throw .transport(error) }
            router.tick()
            let now = currentTime().monotonic
            guard published == .min || now >= published + Self.publishMilliseconds else { continue }
            published = now
            publish(router, isStopping: false)
        }
    }

    private func handleNews(_ router: GatewayRouter) throws(GatewayError) {
        let (answers, events, admissions, limits) = shared.withLock { state in
            defer {
                state.limits = nil
                state.answers = []
                state.connectionEvents = []
                state.admissionEvents = []
            }
            return (state.answers, state.connectionEvents, state.admissionEvents, state.limits)
        }
        if let limits { router.take(limits) }
        for event in admissions {
            if case .ended(let reason) = event { throw .admission(reason: reason) }
            router.note(event)
        }
        for event in events { router.note(event) }
        for answer in answers {
            if case .failed(let error) = answer { throw .archive(error) }
            router.take(answer)
        }
    }

    private func publish(_ router: GatewayRouter, isStopping: Bool) {
        var status = router.status
        status.endpoint = endpoint
        status.isStopping = isStopping
        let live = shared.withLock { $0.live }
        status.configuration = live?.json ?? .null
        status.configurationError = live?.lastError
        shared.withLock { [status] in $0.status = status }
    }

    private func startStatusWriter() -> StatusWriter {
        let shared = shared
        return StatusWriter(
            path: configuration.statusFile, observer: observer, log: log, notifier: notifier,
            progress: watchdog.loop("status")
        ) { shared.withLock { $0.status } }
    }
}
