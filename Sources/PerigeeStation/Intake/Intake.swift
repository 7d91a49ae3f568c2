import Glibc
import PerigeeConcurrency
import PerigeeConfig
import PerigeeFrameFormat
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// One socket on which frames come in, on a thread of its own: it checks headers, counts, and puts frames into the queue.
final class Intake: Sendable {
    /// Where it really listens, for example the port behind `tcp://*:*`.
    let endpoint: String
    private let thread: NamedThread
    private let loop: IntakeLoop
    private let wakeUp: WakeUp

    /// Binds or connects, then starts the thread.
    init(
        _ intake: StationConfiguration.Intake, index: Int, context: StationContext, curve: CurveRole?,
        zeroMQ: ZeroMQContext
    ) throws(TransportError) {
        var options = SocketOptions()
        options.curve = curve
        options.partSizeLimit = context.limits.partSize
        // libzmq counts messages: so many that the largest of them stay within the queue's own bound, for each peer
        options.receiveHighWaterMark = max(
            2, min(256, context.configuration.intakeSizeLimit / max(context.limits.frameSize, 1)))
        options.reconnectIntervalMilliseconds = 100
        options.reconnectIntervalLimitMilliseconds = 5_000
        var socket = try Socket(intake.mode.socketType, context: zeroMQ, options: options)
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
        let list: AllowList? = if case .server(_, let list)? = curve { list } else { nil }
        let loop = IntakeLoop(
            socket: socket, mode: intake.mode, name: intake.endpoint, bound: intake.binds ? endpoint : nil,
            backlog: Int(options.receiveHighWaterMark), sources: list, wakeUp: wakeUp, context: context,
            progress: context.watchdog.loop("intake-\(index)"))
        self.loop = loop
        thread = NamedThread("intake-\(index)") { loop.run() }
    }

    /// Makes the thread look at `isStopping`.
    func signal() { wakeUp.signal() }

    /// Waits until the thread has put down what it holds; false where that takes longer.
    func join(timeoutMilliseconds: Int) -> Bool { thread.join(timeoutMilliseconds: timeoutMilliseconds) }

    /// Takes nothing from its sources while the station is drained.
    var isClosed: Bool { loop.isClosed.current }

    /// Waits until the last answers went out, once the spool is closed.
    func joinAnswers() { loop.answering.current?.join() }
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
    /// Who may send; nil lets everybody.
    private let sources: AllowList?
    private let wakeUp: WakeUp
    private let answers: IntakeAnswers
    /// The thread that goes on answering once all frames are taken.
    let answering = Locked<NamedThread?>(nil)
    /// The station is drained, and nothing comes in here.
    let isClosed = Locked(false)
    private let context: StationContext
    private let progress: LoopProgress
    /// Longest silence that still belongs to messages on their way, milliseconds.
    private static let quiet = 50

    init(
        socket: consuming Socket, mode: StationConfiguration.Intake.Mode, name: String, bound: String?, backlog: Int,
        sources: AllowList?, wakeUp: WakeUp, context: StationContext, progress: LoopProgress
    ) {
        self.socket = consume socket
        self.mode = mode
        self.name = name
        self.bound = bound
        self.backlog = backlog
        self.sources = sources
        self.wakeUp = wakeUp
        answers = IntakeAnswers(wakeUp: wakeUp)
        self.context = context
        self.progress = progress
    }

    func run() {
        // a router puts its name of the peer, at most 255 octets, before the message
        let (extraPart, extraSize) = mode == .acknowledged ? (1, 255) : (0, 0)
        let limit = MessageLimit(
            partCount: 3 + extraPart,
            size: extraSize + FrameLimits.topicSize + context.limits.headerSize + context.limits.partSize)
        guard var socket = socket.take() else { return }
        defer { progress.end() }
        var poller = Poller()
        let socketIndex = poller.add(socket)
        _ = poller.add(wakeUp)
        var closedPoller = Poller()
        _ = closedPoller.add(wakeUp)
        while !context.isStopping.current {
            do throws(TransportError) {
                let isClosed = isClosed.current
                if isClosed != context.isDraining.current {
                    if isClosed { open(&socket) } else { close(&socket, limit: limit) }
                    progress.note()
                    continue
                }
                if isClosed {
                    try closedPoller.wait(timeoutMilliseconds: LoopProgress.turnMilliseconds)
                } else {
                    try poller.wait(timeoutMilliseconds: LoopProgress.turnMilliseconds)
                }
                progress.note()
                wakeUp.clear()
                sendAnswers(&socket)
                guard !isClosed, poller.isReady(socketIndex) else { continue }
                while !context.isStopping.current, !context.isDraining.current,
                    let parts = try receive(&socket, limit)
                {
                    handle(parts, &socket)
                }
            } catch {
                refuse(error)
            }
        }
        // one that is closed has taken all that it is to take, except where libzmq goes on to receive
        if !isClosed.current || mode != .acknowledged && bound == nil { takeBacklog(&socket, limit: limit) }
        guard mode == .acknowledged else { return }
        self.socket = consume socket
        // on a thread of its own: this one ends to say that all frames are taken
        answering.withLock { $0 = NamedThread("answers") { self.serveAnswers() } }
    }

    /// Sources of an acknowledged intake are heard no more and keep their frames; the answers that they wait for go out. Of others
    /// that connect here all is taken that they sent, and they find nobody any more.
    private func close(_ socket: inout Socket, limit: MessageLimit) {
        if mode != .acknowledged, bound != nil { takeBacklog(&socket, limit: limit) }
        isClosed.withLock { $0 = true }
    }

    private func open(_ socket: inout Socket) {
        if mode != .acknowledged, let bound {
            do throws(TransportError) { try socket.bind(bound) } catch {
                // libzmq gives the address back a moment later than it says
                context.log.write(
                    .info, "intake_opens_later",
                    ["endpoint": name, "detail": "\(error)", "remedy": "none, it tries again"])
                usleep(100_000)
                return
            }
        }
        isClosed.withLock { $0 = false }
    }

    /// The next message of a source that may send; what others send is dropped.
    private func receive(_ socket: inout Socket, _ limit: MessageLimit) throws(TransportError) -> [[UInt8]]? {
        guard let sources else { return try socket.receive(limit: limit) }
        while let message = try socket.receiveIdentified(limit: limit) {
            if sources.sender(of: message) != nil { return message.parts }
            context.log.write(
                .warning, "source_revoked",
                ["endpoint": name, "source": message.name ?? "none", "remedy": "none if its key was taken away"])
        }
        return nil
    }

    /// Tells waiting sources what became of their frames. Who has gone, or reads nothing, sends its frame again.
    private func sendAnswers(_ socket: inout Socket) {
        for message in answers.take() { _ = try? socket.send(message) }
    }

    /// Until everything that was taken is spooled.
    private func serveAnswers() {
        guard var socket = socket.take() else { return }
        var poller = Poller()
        _ = poller.add(wakeUp)
        while !context.isSpoolClosed.current {
            _ = try? poller.wait(timeoutMilliseconds: 100)
            wakeUp.clear()
            sendAnswers(&socket)
        }
        sendAnswers(&socket)
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
                    while left > 0, !context.isAbandoned.current, let parts = try receive(&socket, limit) {
                        handle(parts, &socket)
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
        case .tooManyParts: context.refuse(.parts, field: "message", detail: "\(error)", ticket: nil)
        case .messageTooLarge: context.refuse(.frameSize, field: "message", detail: "\(error)", ticket: nil)
        default: context.log.write(.error, "intake_failed", ["endpoint": name, "detail": "\(error)"])
        }
    }

    private func handle(_ message: [[UInt8]], _ socket: inout Socket) {
        progress.note()
        let parts = mode == .acknowledged ? Array(message.dropFirst()) : message
        let origin = mode == .acknowledged ? message.first.map { IntakeOrigin(peer: $0, answers: answers) } : nil
        let size = parts.reduce(0) { $0 + $1.count }
        context.counters.withLock { $0.intakeSize += size }
        do throws(FrameFormatError) {
            let header = try FrameMessage.header(parsing: parts, limits: context.limits)
            if header.kind == .frame {
                take(header, parts, size: size, origin: origin, &socket)
            } else {
                mark(header)
            }
        } catch {
            var ticket: FrameTicket?
            if parts.count > 1, let known = FrameHeader.identity(parsing: parts[1][...], limits: context.limits) {
                ticket = FrameTicket(
                    sensor: known.sensor, run: known.run, sequence: known.sequence, label: context.label(known.sensor),
                    origin: origin)
            }
            refuse(error, ticket)
        }
    }

    /// Counts a message that names its frame but is no good.
    private func refuse(_ error: FrameFormatError, _ ticket: FrameTicket?) {
        if let ticket {
            let outcome = context.counters.withLock { counters in
                let outcome = counters.note(ticket)
                switch outcome {
                case .duplicate: return outcome
                case .recovered:  // it was counted as received before
                    counters.lostAtCrash -= 1
                    counters.received -= 1
                default: break
                }
                counters.sequences.resolve(
                    sensor: ticket.sensor, run: ticket.run, sequence: ticket.sequence,
                    isForgotten: ticket.origin != nil)
                return outcome
            }
            tell(outcome, ticket)
        }
        context.refuse(error.rejection, field: error.field, detail: "\(error)", ticket: ticket)
    }

    private func take(
        _ header: FrameHeader, _ parts: [[UInt8]], size: Int, origin: IntakeOrigin?, _ socket: inout Socket
    ) {
        let ticket = FrameTicket(
            sensor: header.sensor, run: header.run, sequence: header.sequence ?? 0,
            label: context.label(header.sensor), origin: origin)
        let rawSize = header.shape?.size ?? 0
        let now = currentTime()
        let outcome = context.counters.withLock { counters in
            let outcome = counters.note(ticket)
            switch outcome {
            case .duplicate(let isInWork):
                if isInWork, let origin { context.latestOrigins.withLock { $0[ticket.frame] = origin } }
                return outcome
            case .recovered: counters.lostAtCrash -= 1
            default: counters.received += 1
            }
            counters.inWork += 1
            counters.sensor(ticket.label) {
                $0.signs.note(now, isFrame: true)
                $0.received += 1
                $0.rawSize += rawSize
            }
            return outcome
        }
        tell(outcome, ticket)
        if case .duplicate(let isInWork) = outcome { return repeated(ticket, isInWork: isInWork) }
        let item = IntakeItem(
            header: header, ticket: ticket, topic: parts[0], samples: parts[2], receivedAt: now.utc)
        switch put(item, size: size, &socket) {
        case .accepted: break
        case .closed: context.fail(.stopped, detail: "the station stops", ticket: ticket)
        case .full, .tooLarge:
            context.reject(
                .queueFull, field: "message",
                detail:
                    "\(context.intakeQueue.size) octets wait already: send less, add lanes or raise [limits] intake_bytes",
                ticket: ticket)
        }
    }

    /// A frame that was there. A source that waits for our word has missed it, and hears it again once it is true, on this connection.
    private func repeated(_ ticket: FrameTicket, isInWork: Bool) {
        if let origin = ticket.origin {
            if !isInWork { origin.answer(.stored, ticket) }
            context.counters.withLock { $0.repeated += 1 }
            return
        }
        context.refuse(
            .duplicate, field: "seq",
            detail: "seq \(ticket.sequence) was there already: count up, and make a new run at each start",
            ticket: ticket)
    }

    /// A PULL waits, so its sources wait too; so does an acknowledged intake, which meanwhile tells of older frames. A SUB cannot
    /// make anyone wait.
    private func put(_ item: IntakeItem, size: Int, _ socket: inout Socket) -> BoundedQueue<LaneJob>.Answer {
        switch mode {
        case .sub: return context.intakeQueue.offer(.frame(item), size: size)
        case .pull: return context.intakeQueue.append(.frame(item), size: size, noting: progress)
        case .acknowledged:
            while true {
                let answer = context.intakeQueue.append(.frame(item), size: size, timeoutMilliseconds: 100)
                guard answer == .full else { return answer }
                progress.note()
                sendAnswers(&socket)
            }
        }
    }

    private func tell(_ outcome: SequenceTracker.Outcome, _ ticket: FrameTicket) {
        switch outcome {
        case .began:
            context.log.write(
                .info, "run_began", ["sensor": ticket.sensor, "run": ticket.run, "seq": "\(ticket.sequence)"])
        case .advanced(let missed) where missed > 0:
            tellGap("frames_missed", missed, sensor: ticket.sensor, run: ticket.run)
        case .resumed(let lost) where lost > 0:
            tellGap("frames_lost_at_crash", lost, sensor: ticket.sensor, run: ticket.run)
        case .advanced, .resumed, .late, .recovered, .duplicate: break
        }
    }

    private func tellGap(_ event: String, _ count: Int, sensor: String, run: String) {
        context.log.write(
            .warning, event, key: context.label(sensor), ["sensor": sensor, "run": run, "count": "\(count)"])
    }

    private func mark(_ header: FrameHeader) {
        let now = currentTime()
        let gap = context.counters.withLock { counters in
            counters.heartbeats += 1
            counters.sensor(context.label(header.sensor)) {
                $0.signs.note(now, isFrame: false, isEnd: header.kind == .end)
            }
            let gap = counters.sequences.mark(sensor: header.sensor, run: header.run, sequence: header.sequence)
            counters.add(missed: gap.missed, lost: gap.lost, label: context.label(header.sensor))
            return gap
        }
        if gap.missed > 0 { tellGap("frames_missed", gap.missed, sensor: header.sensor, run: header.run) }
        if gap.lost > 0 { tellGap("frames_lost_at_crash", gap.lost, sensor: header.sensor, run: header.run) }
        if header.kind == .end {
            context.log.write(.info, "run_ended", ["sensor": header.sensor, "run": header.run])
        }
    }
}

extension StationConfiguration.Intake.Mode {
    fileprivate var socketType: SocketType {
        switch self {
        case .pull: .pull
        case .sub: .subscribe
        case .acknowledged: .router
        }
    }
}
