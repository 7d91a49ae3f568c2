internal import PerigeeArchive
internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

/// Sessions by connection, and the router's socket. Belongs to the thread of `Gateway.run`.
final class GatewayRouter {
    struct Session {
        let hello: LinkMessage.Hello
        var machine: ReceiverMachine
        /// What the archive was told of the station's lowest number, and when.
        var lowest: UInt64
        var lowestTold: Int64
        /// Wants that it was asked for.
        var asked: Set<UInt32> = []
        /// The key with which its HELLO came; nil where the gateway has none.
        let key: PublicKey?
    }

    private var socket: Socket
    private(set) var configuration: GatewayConfiguration
    let jobs: BoundedQueue<ArchiveJob>
    let log: ServiceLog
    var sessions: [[UInt8]: Session] = [:]
    /// Firmware that operators put there for stations.
    var offers: FirmwareOffers
    private struct Greeting {
        let number: UInt32
        let key: PublicKey?
    }

    /// The last greeting of connections whose HELLO the archive is being asked about.
    private var greetings: [[UInt8]: Greeting] = [:]
    let gate: StationGate?
    let desk: WantDesk
    var wants: [ArchiveWant] = []
    var totals = GatewayStatus()
    var book = StationBook()
    private var meter = WireMeter(own: .router, peer: .dealer)
    private var generator = SystemRandomNumberGenerator()
    /// Octets of a router's name for a connection; libzmq makes them 5 octets long, peers may choose up to 255.
    private static let limit = MessageLimit(partCount: 2, size: LinkLimit.message + 255)
    /// Messages handled before looking at anything else.
    private static let burst = 256

    init(
        _ socket: consuming Socket, configuration: GatewayConfiguration, gate: StationGate?,
        jobs: BoundedQueue<ArchiveJob>, desk: WantDesk, log: ServiceLog
    ) {
        self.socket = consume socket
        self.configuration = configuration
        self.gate = gate
        meter.curve = gate.map { _ in .server }
        self.jobs = jobs
        self.desk = desk
        self.log = log
        offers = FirmwareOffers(folder: configuration.archiveDirectory + "/firmware/offers")
    }

    /// Totals with the living sessions in them.
    var status: GatewayStatus {
        var status = totals
        status.stations = book.status(now: currentTime().monotonic)
        var places: [String: Int] = [:]
        for (index, station) in status.stations.enumerated() { places[station.name] = index }
        for want in wants { if let place = places[want.station] { status.stations[place].wants += 1 } }
        status.firmware = offers.json
        for session in sessions.values {
            status.counters.add(session.machine.counters)
            if let place = places[session.hello.station.text] {
                status.stations[place].isConnected = true
                status.stations[place].counters.add(session.machine.counters)
            }
            let waiting = session.machine.waiting
            status.sessions.append(
                GatewayStatus.Session(
                    station: session.hello.station.text, epoch: session.hello.epoch.text,
                    cumulative: session.machine.cumulative, waitingPackets: waiting.packets,
                    waitingSize: waiting.size))
        }
        status.sessions.sort { $0.station < $1.station }
        status.wireReceived = meter.received
        status.wireSent = meter.sent
        status.list = gate?.list.snapshot
        status.wants = desk.counts
        status.references = desk.references
        return status
    }

    func wait(_ wakeUp: WakeUp, now: Int64) throws(TransportError) {
        let deadline = sessions.values.map(\.machine.deadline).min() ?? .max
        var poller = Poller()
        _ = poller.add(wakeUp)
        _ = poller.add(socket)
        try poller.wait(timeoutMilliseconds: Int(clamping: min(max(deadline - now, 0), 1_000)))
    }

    /// Goes by other limits from now on, for the stations that are here too.
    func take(_ limits: GatewayLimits) {
        configuration.limits = limits
        for peer in Array(sessions.keys) { sessions[peer]?.machine.limitIntake(to: limits.stationRate) }
        _ = jobs.offer(.segmentSize(limits.segmentSize), size: 0)
    }

    func note(_ event: ConnectionEvent.Kind) {
        meter.count(event)
        switch event {
        case .protocolFailure, .greetingCut: totals.failedGreetings += 1
        default: break
        }
    }

    /// Takes what waits at the socket, up to a burst.
    func receiveAll() throws(TransportError) {
        for _ in 0..<Self.burst {
            let message: IdentifiedMessage?
            do throws(TransportError) { message = try socket.receiveIdentified(limit: Self.limit) } catch {
                if case .call = error { throw error }
                countStrange("message", "\(error)")
                continue
            }
            guard let message else { return }
            let parts = message.parts
            for part in parts.dropFirst() { meter.count(received: part.count) }
            guard parts.count == 2 else {
                countStrange("message", "no part behind the name")
                continue
            }
            guard mayPass(message, from: parts[0]) else { continue }
            receive(parts[1], from: parts[0], message.key)
        }
    }

    private func receive(_ octets: [UInt8], from peer: [UInt8], _ key: PublicKey?) {
        let message: LinkMessage
        do throws(FormatError) { message = try LinkMessage(parsing: octets[...]) } catch {
            countStrange("message", "\(error)")
            // a station of a later version is told so; a stranger learns nothing
            if sessions[peer] != nil { close(peer, .violation) }
            return
        }
        switch message {
        case .hello(let hello): greet(hello, from: peer, key)
        case .data(let batch): forward(message, session: batch.session, from: peer)
        case .ping(let ping): forward(message, session: ping.session, from: peer)
        case .bye(let bye): forward(message, session: bye.session, from: peer)
        case .tombstone(let batch): forward(message, session: batch.session, from: peer)
        case .answer(let answer): forward(message, session: answer.session, from: peer)
        case .fetch(let fetch):
            forward(message, session: fetch.session, from: peer)
            answer(fetch, to: peer, now: currentTime().monotonic)
        case .bundle(let report):
            forward(message, session: report.session, from: peer)
            note(report, from: peer)
        case .welcome, .ack, .reject, .pong, .want, .offer, .piece:
            countStrange("message", "a gateway's message")
            if sessions[peer] != nil { close(peer, .violation) }
        }
    }

    private func greet(_ hello: LinkMessage.Hello, from peer: [UInt8], _ key: PublicKey?) {
        guard maySpeak(as: hello.station, key) else {
            return send(.bye(.init(session: 0, reason: .denied)), to: peer)
        }
        guard (hello.firstVersion...hello.lastVersion).contains(LinkLimit.version) else {
            return send(.bye(.init(session: 0, reason: .version)), to: peer)
        }
        let isNew = sessions[peer] == nil && greetings[peer] == nil
        if isNew, sessions.count + greetings.count >= configuration.stationLimit {
            log.write(.warning, "station_refused", ["station": hello.station.text, "reason": "limit of stations"])
            return send(.bye(.init(session: 0, reason: .full)), to: peer)
        }
        switch book.greet(hello, now: currentTime()) {
        case .welcome: break
        case .conflict:
            log.write(
                .error, "identity_conflict",
                [
                    "station": hello.station.text, "epoch": hello.epoch.text, "boot": "\(hello.boot)",
                    "remedy": "two stations use this name: give one of them another",
                ])
        case .refused(let bye, let reason):
            log.write(.error, "station_refused", ["station": hello.station.text, "reason": reason])
            return send(.bye(.init(session: 0, reason: bye)), to: peer)
        }
        guard jobs.offer(.lookUp(peer: peer, hello), size: 256) == .accepted else { return }  // it will say HELLO again
        greetings[peer] = Greeting(number: hello.greeting, key: key)
    }

    private func forward(_ message: LinkMessage, session number: UInt32, from peer: [UInt8]) {
        guard var session = sessions[peer], session.machine.session == number else {
            if case .bye = message { return }
            totals.strangeMessages += 1
            return send(.bye(.init(session: number, reason: .unknownSession)), to: peer)
        }
        let now = currentTime()
        book.heard(session.hello.station.text, now)
        if case .ping(let ping) = message { book.told(session.hello.station.text, ping) }
        let actions = session.machine.receive(message, now: now)
        tellLowest(message, &session, now.monotonic)
        sessions[peer] = session
        perform(actions, session, peer)
    }

    func open(_ hello: LinkMessage.Hello, _ state: EpochState, _ peer: [UInt8]) {
        guard let greeting = greetings[peer], greeting.number == hello.greeting else { return }  // a later HELLO comes
        greetings[peer] = nil
        if let old = sessions.removeValue(forKey: peer) { retire(old) }
        for (other, session) in sessions where session.hello.station == hello.station {
            if session.hello.boot != hello.boot {
                log.write(
                    .warning, "station_superseded",
                    ["station": hello.station.text, "epoch": session.hello.epoch.text])
            }
            close(other, .superseded)
        }
        let (machine, welcome) = ReceiverMachine.open(
            hello, session: UInt32.random(in: 1...UInt32.max, using: &generator),
            // below `lowest` the station needs no word
            durable: SequenceSet(cumulative: hello.lowest - 1, ranges: state.numbers), newest: state.newest,
            check: state.highest.map { PacketDigest(number: $0.number, checksum: $0.checksum) },
            configuration: configuration.session, now: currentTime())
        sessions[peer] = Session(
            hello: hello, machine: machine, lowest: hello.lowest, lowestTold: currentTime().monotonic,
            key: greeting.key)
        totals.sessionsOpened += 1
        book.opened(hello)
        if let highest = state.highest, highest.number > hello.highest {
            // it will see so itself, and begin another epoch
            log.write(
                .warning, "station_behind",
                ["station": hello.station.text, "highest": "\(hello.highest)", "archived": "\(highest.number)"])
        }
        log.write(
            .info, "session_opened",
            [
                "station": hello.station.text, "epoch": hello.epoch.text, "lowest": "\(hello.lowest)",
                "highest": "\(hello.highest)", "cumulative": "\(machine.cumulative)",
            ])
        send(welcome, to: peer)
        ask(peer)
        offerFirmware(to: peer, isNewSession: true, now: currentTime().monotonic)
    }

    /// Lets time pass for all sessions.
    func tick() {
        let now = currentTime()
        offerFirmware(now: now.monotonic)
        for (peer, session) in sessions where session.machine.deadline <= now.monotonic {
            var session = session
            let actions = session.machine.tick(now: now)
            sessions[peer] = session
            perform(actions, session, peer)
        }
    }

    /// Says BYE to all.
    func sayGoodbye() { for peer in Array(sessions.keys) { close(peer, .draining) } }

    func close(_ peer: [UInt8], _ reason: ByeReason) {
        guard var session = sessions[peer] else { return }
        perform(session.machine.close(reason), session, peer)
    }

    func perform(_ actions: [ReceiverMachine.Action], _ session: Session, _ peer: [UInt8]) {
        for action in actions {
            switch action {
            case .send(let message):
                if case .reject(let reject) = message { note(reject, session) }
                send(message, to: peer)
            case .store(let number, let packet):
                let record = ArchiveRecord(
                    station: session.hello.station.text, epoch: session.hello.epoch, number: number,
                    received: currentTime().utc, packet: packet)
                let key = SessionKey(peer: peer, session: session.machine.session)
                let mayWait = book.wait(record.station, size: packet.count, limit: configuration.stationWaitingSize)
                if mayWait, jobs.offer(.store(key, record), size: packet.count) == .accepted { continue }
                if mayWait { book.committed(record.station, size: packet.count) }
                // it stays unacknowledged, and comes again with the next session
                log.write(.warning, "archive_behind", ["station": record.station])
                close(peer, .full)
                return
            case .bury(let tombstone): bury(tombstone, session, peer)
            case .answered(let answer):
                guard session.asked.contains(answer.request) else {
                    countStrange("message", "an answer to what was not asked")
                    continue
                }
                // asked again when it is due again
                if answer.outcome == .full { sessions[peer]?.asked.remove(answer.request) }
                desk.note(.answered(answer))
            case .end(let reason):
                guard let ended = sessions.removeValue(forKey: peer) else { continue }
                retire(ended)
                log.write(
                    .info, "session_ended",
                    ["station": session.hello.station.text, "reason": reason.map { "\($0)" } ?? "station"])
            }
        }
    }

    func retire(_ session: Session) {
        totals.counters.add(session.machine.counters)
        book.add(session.hello.station.text, session.machine.counters)
    }

    private func note(_ reject: LinkMessage.Reject, _ session: Session) {
        log.write(
            reject.code == .conflict ? .error : .warning, "packet_rejected",
            [
                "station": session.hello.station.text, "epoch": session.hello.epoch.text,
                "number": "\(reject.number)", "code": "\(reject.code)", "field": reject.field,
            ])
    }

    func send(_ message: LinkMessage, to peer: [UInt8]) {
        let octets = message.packed()
        let result: SendResult
        do throws(TransportError) { result = try socket.send([peer, octets]) } catch {
            log.write(.warning, "send_failed", ["reason": "\(error)"])
            return
        }
        switch result {
        case .sent: meter.count(sent: octets.count)
        case .full: log.write(.warning, "peer_reads_nothing")  // a lost ACK does no harm: the next one says it too
        case .unroutable:
            guard let gone = sessions.removeValue(forKey: peer) else { return }
            retire(gone)
            log.write(.info, "session_ended", ["station": gone.hello.station.text, "reason": "connection gone"])
        }
    }

    func countStrange(_ event: String, _ reason: String) {
        totals.strangeMessages += 1
        log.write(.warning, "strange_\(event)", ["reason": reason])
    }
}
