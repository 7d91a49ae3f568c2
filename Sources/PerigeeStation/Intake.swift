import PerigeeConcurrency
import PerigeeConfig
import PerigeeFrameFormat
import PerigeeLink
import PerigeeTransport

/// One socket on which frames come in, on a thread of its own: it checks headers, counts, and puts frames into the queue.
final class Intake: Sendable {
    /// Where it really listens, for example the port behind `tcp://*:*`.
    let endpoint: String
    private let thread: NamedThread
    private let wakeUp: WakeUp

    /// Binds or connects, then starts the thread.
    init(
        _ intake: StationConfiguration.Intake, index: Int, context: StationContext, zeroMQ: ZeroMQContext
    ) throws(TransportError) {
        var options = SocketOptions()
        options.partSizeLimit = context.limits.partSize
        // libzmq counts messages: so many that the largest of them stay within the queue's own bound, for each peer
        options.receiveHighWaterMark = max(
            2, min(256, context.configuration.intakeSizeLimit / max(context.limits.frameSize, 1)))
        options.reconnectIntervalMilliseconds = 100
        options.reconnectIntervalLimitMilliseconds = 5_000
        var socket = try Socket(intake.mode == .pull ? .pull : .subscribe, context: zeroMQ, options: options)
        if intake.mode == .sub { try socket.subscribe(intake.topic) }
        // libzmq ends the connection of a source that sends a part above the limit, and says nothing else of it
        let name = intake.endpoint
        try socket.observe { event in
            guard event.kind == .disconnected else { return }
            context.counters.withLock { $0.disconnects += 1 }
            context.log.write(
                .info, "source_disconnected",
                ["endpoint": name, "remedy": "none if it ended, else send parts below [limits] frame_bytes"])
        }
        if intake.binds { try socket.bind(intake.endpoint) } else { try socket.connect(intake.endpoint) }
        endpoint = intake.binds ? try socket.lastEndpoint() : intake.endpoint
        let wakeUp = try WakeUp()
        self.wakeUp = wakeUp
        let loop = IntakeLoop(
            socket: socket, mode: intake.mode, name: intake.endpoint, bound: intake.binds ? endpoint : nil,
            backlog: Int(options.receiveHighWaterMark), wakeUp: wakeUp, context: context)
        thread = NamedThread("intake-\(index)") { loop.run() }
    }

    /// Makes the thread look at `isStopping`.
    func signal() { wakeUp.signal() }

    /// Waits until the thread has put down what it holds; false where that takes longer.
    func join(timeoutMilliseconds: Int) -> Bool { thread.join(timeoutMilliseconds: timeoutMilliseconds) }
}

/// The work of the thread.
private final class IntakeLoop: @unchecked Sendable {  // all `var`s belong to the one thread that calls `run`
    private var socket: Socket?
    private let mode: StationConfiguration.Intake.Mode
    private let name: String
    /// Where it listens; nil where it connects.
    private let bound: String?
    /// Messages that libzmq may have received and we not read, for each peer.
    private let backlog: Int
    private let wakeUp: WakeUp
    private let context: StationContext
    /// Longest silence that still belongs to messages on their way, milliseconds.
    private static let quiet = 50

    init(
        socket: consuming Socket, mode: StationConfiguration.Intake.Mode, name: String, bound: String?, backlog: Int,
        wakeUp: WakeUp, context: StationContext
    ) {
        self.socket = consume socket
        self.mode = mode
        self.name = name
        self.bound = bound
        self.backlog = backlog
        self.wakeUp = wakeUp
        self.context = context
    }

    func run() {
        let limit = MessageLimit(
            partCount: 3, size: FrameLimits.topicSize + context.limits.headerSize + context.limits.partSize)
        guard var socket = socket.take() else { return }
        var poller = Poller()
        let socketIndex = poller.add(socket)
        _ = poller.add(wakeUp)
        while !context.isStopping.current {
            do throws(TransportError) {
                try poller.wait(timeoutMilliseconds: 1_000)
                guard poller.isReady(socketIndex) else {
                    wakeUp.clear()
                    continue
                }
                while !context.isStopping.current, let parts = try socket.receive(limit: limit) { handle(parts) }
            } catch {
                refuse(error)
            }
        }
        takeBacklog(&socket, limit: limit)
    }

    /// Reads what came before the station was asked to stop, and would be lost with the socket: no more than a backlog while
    /// the source can still send, then what is left once it cannot.
    private func takeBacklog(_ socket: inout Socket, limit: MessageLimit) {
        var poller = Poller()
        _ = poller.add(socket)
        func takeAll(timeoutMilliseconds: Int, count: Int) {
            var left = count
            while left > 0, !context.isAbandoned.current {
                do throws(TransportError) {
                    guard try poller.wait(timeoutMilliseconds: timeoutMilliseconds) > 0 else { return }
                    while left > 0, !context.isAbandoned.current, let parts = try socket.receive(limit: limit) {
                        handle(parts)
                        left -= 1
                    }
                } catch {
                    refuse(error)
                    left -= 1
                }
            }
        }
        takeAll(timeoutMilliseconds: Self.quiet, count: backlog)
        guard let bound else { return }
        do throws(TransportError) { try socket.unbind(bound) } catch { return refuse(error) }
        takeAll(timeoutMilliseconds: 0, count: .max)
    }

    private func refuse(_ error: TransportError) {
        switch error {
        case .tooManyParts:
            context.reject(.parts, field: "message", detail: "\(error)", sensor: "unknown", wasInWork: false)
        case .messageTooLarge:
            context.reject(.frameSize, field: "message", detail: "\(error)", sensor: "unknown", wasInWork: false)
        default:
            context.log.write(.error, "intake_failed", ["endpoint": name, "detail": "\(error)"])
        }
    }

    private func handle(_ parts: [[UInt8]]) {
        let size = parts.reduce(0) { $0 + $1.count }
        context.counters.withLock { $0.intakeSize += size }
        do throws(FrameFormatError) {
            let header = try FrameMessage.header(parsing: parts, limits: context.limits)
            if header.kind == .frame {
                take(header, samples: parts[2], size: size)
            } else {
                mark(header)
            }
        } catch {
            var sensor = "unknown"
            if parts.count > 1, let known = FrameHeader.identity(parsing: parts[1][...], limits: context.limits) {
                sensor = known.sensor
                _ = note(sensor: known.sensor, run: known.run, sequence: known.sequence)
            }
            context.reject(error.rejection, field: error.field, detail: "\(error)", sensor: sensor, wasInWork: false)
        }
    }

    private func take(_ header: FrameHeader, samples: [UInt8], size: Int) {
        let label = context.label(header.sensor)
        let outcome = note(sensor: header.sensor, run: header.run, sequence: header.sequence ?? 0)
        guard outcome != .duplicate else {
            context.reject(
                .duplicate, field: "seq",
                detail: "seq \(header.sequence ?? 0) was there already: count up, and make a new run at each start",
                sensor: header.sensor, wasInWork: false)
            return
        }
        let rawSize = header.shape?.size ?? 0
        context.counters.withLock { counters in
            counters.received += 1
            counters.inWork += 1
            counters.sensor(label) {
                $0.received += 1
                $0.rawSize += rawSize
            }
        }
        let item = IntakeItem(header: header, samples: samples, receivedAt: currentTime().utc, label: label)
        switch put(item, size: size) {
        case .accepted: break
        case .closed: context.fail(.stopped, detail: "the station stops", sensor: header.sensor)
        case .full, .tooLarge:
            context.reject(
                .queueFull, field: "message",
                detail:
                    "\(context.intakeQueue.size) octets wait already: send less, add lanes or raise [limits] intake_bytes",
                sensor: header.sensor, wasInWork: true)
        }
    }

    /// A PULL waits, so its sources wait too; a SUB cannot make anyone wait.
    private func put(_ item: IntakeItem, size: Int) -> BoundedQueue<IntakeItem>.Answer {
        guard mode == .pull else { return context.intakeQueue.offer(item, size: size) }
        return context.intakeQueue.append(item, size: size)
    }

    private func note(sensor: String, run: String, sequence: Int) -> SequenceTracker.Outcome {
        let outcome = context.sequences.withLock { $0.frame(sensor: sensor, run: run, sequence: sequence) }
        let label = context.label(sensor)
        switch outcome {
        case .began:
            context.counters.withLock { $0.runs += 1 }
            context.log.write(.info, "run_began", ["sensor": sensor, "run": run, "seq": "\(sequence)"])
        case .advanced(let missed) where missed > 0: addMissed(missed, sensor: sensor, run: run, label: label)
        case .late:
            context.counters.withLock { counters in
                counters.late += 1
                counters.missed -= 1
                counters.sensor(label) { $0.missed -= 1 }
            }
        case .advanced, .duplicate: break
        }
        return outcome
    }

    private func addMissed(_ missed: Int, sensor: String, run: String, label: String) {
        context.counters.withLock { counters in
            counters.missed += missed
            counters.sensor(label) { $0.missed += missed }
        }
        context.log.write(
            .warning, "frames_missed", key: label, ["sensor": sensor, "run": run, "count": "\(missed)"])
    }

    private func mark(_ header: FrameHeader) {
        context.counters.withLock { $0.heartbeats += 1 }
        let isEnd = header.kind == .end
        let missed = context.sequences.withLock {
            $0.mark(sensor: header.sensor, run: header.run, sequence: header.sequence, isEnd: isEnd)
        }
        if missed > 0 { addMissed(missed, sensor: header.sensor, run: header.run, label: context.label(header.sensor)) }
        if isEnd { context.log.write(.info, "run_ended", ["sensor": header.sensor, "run": header.run]) }
    }
}
