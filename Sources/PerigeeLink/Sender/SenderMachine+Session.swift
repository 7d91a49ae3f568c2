internal import PerigeeCore

// What the station does with messages.
extension SenderMachine {
    mutating func greet(attempt: Int, _ now: LinkTime, _ actions: inout [Action]) {
        endSession()
        guard let store else {
            phase = .waiting
            return
        }
        greetings &+= 1
        var hello = LinkMessage.Hello(
            station: configuration.station, epoch: store.epoch, boot: configuration.boot, greeting: greetings,
            lowest: greetedLowest(store), highest: store.isLost ? 0 : store.next - 1)
        hello.clockQuality = configuration.clockQuality
        hello.time = now.utc
        hello.firmware = Array(configuration.firmware.prefix(LinkLimit.firmware))
        send(.hello(hello), &actions)
        let patience = max(configuration.greetingMilliseconds, Int64(2 * (line.roundTrip ?? 0)))
        phase = .greeting(
            greeting: greetings, attempt: attempt, sent: now.monotonic, deadline: now.monotonic + patience)
    }

    /// Where other gateways may have acknowledged packets, this one is asked for all that it has, once: what it lacks is explained.
    private func greetedLowest(_ store: StoreState) -> UInt64 {
        guard configuration.gatewayCount > 1, !store.isLost else { return store.unsettledLowest }
        guard let known = explained[gateways.index], known.epoch == store.epoch else { return 1 }
        return min(known.lowest, store.lowest)
    }

    mutating func receive(_ octets: ArraySlice<UInt8>, _ now: LinkTime, _ actions: inout [Action]) {
        let message: LinkMessage
        do throws(FormatError) { message = try LinkMessage(parsing: octets) } catch {
            counters.ignored += 1
            return
        }
        switch (phase, message) {
        case (.greeting(let greeting, _, let sent, _), .welcome(let welcome)) where welcome.greeting == greeting:
            line.note(roundTrip: now.monotonic - sent, isLoaded: false, now: now.monotonic)
            check(welcome, now, &actions)
        case (.greeting, .bye(let bye)) where bye.session == 0: isShownOut = true
        case (.checking(var check), .want(let want))
        where want.session == check.welcome.session && check.wants.count < SenderRepair.requestLimit:
            check.wants.append(want)
            phase = .checking(check)
        case (.open(let session), _): receive(message, session, now, &actions)
        default: counters.ignored += 1
        }
    }

    private mutating func receive(
        _ message: LinkMessage, _ opened: SenderSession, _ now: LinkTime, _ actions: inout [Action]
    ) {
        guard message.gatewaySession == opened.identity else {
            counters.ignored += 1
            return
        }
        var session = opened
        session.lastHeard = now.monotonic
        switch message {
        case .ack(let ack):
            session.pings = 0
            session.credit = smaller(ack.credit)
            settle(ack.acknowledgement, session, now, &actions)
            return
        case .reject(let reject):
            phase = .open(session)
            return refuse(reject, now, &actions)
        case .pong(let pong):
            if pong.nonce == UInt32(session.pings) {
                line.note(
                    roundTrip: now.monotonic - session.lastPing, isLoaded: session.isWaiting, now: now.monotonic)
            }
            session.pings = 0
        case .bye(let bye):
            phase = .open(session)
            // asking again at once with the same key would be in vain
            if bye.reason == .denied { isShownOut = true } else { leave(bye.reason, now, &actions) }
            return
        case .want(let want): take(want, &session, &actions)
        case .offer(let offer): actions.append(.store(.offer(offer)))
        case .piece(let piece): actions.append(.store(.piece(piece)))
        default: counters.ignored += 1
        }
        phase = .open(session)
    }

    mutating func take(_ want: LinkMessage.Want, _ session: inout SenderSession, _ actions: inout [Action]) {
        if session.repair.asked.count >= SenderRepair.requestLimit {
            send(
                .answer(.init(session: session.identity, request: want.request, outcome: .full, packets: 0)), &actions)
        } else if let epoch = store?.epoch {
            session.repair.asked[want.request] = want
            actions.append(.store(.want(epoch: epoch, want)))
        }
    }

    private mutating func leave(_ reason: ByeReason, _ now: LinkTime, _ actions: inout [Action]) {
        switch reason {
        case .unknownSession: greet(attempt: 1, now, &actions)
        case .superseded, .draining, .violation, .version, .full, .denied:
            endSession()
            // the socket stays for a while; if nothing comes of it, it is replaced
            phase = .connecting(deadline: now.monotonic + configuration.greetingMilliseconds)
        }
    }

    // MARK: welcome

    private mutating func check(_ welcome: LinkMessage.Welcome, _ now: LinkTime, _ actions: inout [Action]) {
        guard let store else { return }
        guard !store.isLost else { return open(welcome, now, &actions) }
        let check = SenderCheck(welcome, lowest: store.lowest)
        guard check.highest < store.next else { return fork(&actions) }
        guard !check.isDone else { return open(welcome, now, &actions) }
        phase = .checking(check)
        if let digest = check.digest { actions.append(.store(.verify(epoch: store.epoch, digest))) }
        for priority in check.rest.keys.sorted() { ask(check, priority, store, &actions) }
    }

    mutating func open(_ welcome: LinkMessage.Welcome, _ now: LinkTime, _ actions: inout [Action]) {
        guard let store else { return }
        let session = SenderSession(
            welcome, gateway: gateways.index, credit: smaller(welcome.credit),
            batchSize: min(welcome.batchSize, configuration.batchSize),
            lowest: store.lowest, next: store.isLost ? store.lowest : store.next, now: now.monotonic)
        counters.sessions += 1
        holdDeadline = nil  // what waited for a session has waited long enough
        phase = .open(session)
        if store.isLost { return bury(welcome, now, &actions) }
        settle(welcome.acknowledgement, session, now, &actions)
    }

    /// Names what is missing of an epoch whose file is gone. WELCOME tells the lowest ranges: behind the last of a full list more is
    /// unknown, and asked for by another HELLO.
    private mutating func bury(_ welcome: LinkMessage.Welcome, _ now: LinkTime, _ actions: inout [Action]) {
        guard case .open(var session) = phase, let store else { return }
        let known = welcome.acknowledgement
        let highest = max(known.highest, welcome.check?.number ?? 0)
        let end = known.ranges.count < LinkLimit.ranges ? highest : known.highest
        session.lost = (end, highest)
        phase = .open(session)
        var next = known.cumulative + 1
        for range in known.ranges + [end + 1..<end + 2] {
            if range.lowerBound > next {
                let stone = Tombstone(
                    numbers: next..<range.lowerBound, reason: .lost, frames: 0, size: 0, first: now.utc, last: now.utc)
                actions.append(.store(.bury(epoch: store.epoch, stone)))
            }
            next = range.upperBound
        }
        settle(known, session, now, &actions)
    }

    private func smaller(_ credit: Credit) -> Credit {
        Credit(
            packets: min(credit.packets, configuration.window.packets),
            size: min(credit.size, configuration.window.size))
    }

    // MARK: what became of packets

    private mutating func settle(
        _ acknowledgement: Acknowledgement, _ opened: SenderSession, _ now: LinkTime, _ actions: inout [Action]
    ) {
        guard let store else { return }
        var session = opened
        guard store.isLost || acknowledgement.highest < store.next else { return fork(&actions) }
        let before = session.settled
        let settled = session.settle(acknowledgement, now: now.monotonic)
        counters.acknowledged += settled.count
        counters.acknowledgedSize += settled.size
        for (number, size) in unproven where acknowledgement.contains(number) {
            unproven[number] = nil
            counters.acknowledged += 1
            counters.acknowledgedSize += size
        }
        if let newest = settled.newest {
            silences = 0
            line.note(roundTrip: now.monotonic - newest.sent, isLoaded: newest.isLoaded, now: now.monotonic)
            let time = max(now.monotonic - newest.deliveredTime, 1)
            let rate = Double(session.delivered - newest.deliveredBefore) * 1_000 / Double(time)
            line.note(rate: rate, isLimited: newest.isLimited, now: now.monotonic)
        }
        phase = .open(session)
        if session.settled != before, acknowledgement.highest > 0 {
            actions.append(.store(.settle(epoch: store.epoch, acknowledgement)))
        }
        if let lost = session.lost, acknowledgement.cumulative >= lost.end {
            if lost.highest > lost.end {
                greet(attempt: 1, now, &actions)
            } else {
                leave(.finish(epoch: store.epoch), &actions)
            }
        }
    }

    private mutating func refuse(_ reject: LinkMessage.Reject, _ now: LinkTime, _ actions: inout [Action]) {
        guard case .open(var session) = phase, let store,
            let index = session.flight.firstIndex(where: { $0.number == reject.number })
        else {
            counters.ignored += 1
            return
        }
        guard reject.code != .conflict else { return fork(&actions) }
        session.flightSize -= session.flight[index].size
        session.flight.remove(at: index)
        session.lastProgress = now.monotonic
        counters.rejected += 1
        phase = .open(session)
        actions.append(
            .store(.setAside(epoch: store.epoch, number: reject.number, code: reject.code, field: reject.field)))
    }

    /// Passes on what the store makes of a WANT.
    mutating func say(_ answer: LinkMessage.Answer, _ now: LinkTime, _ actions: inout [Action]) {
        guard case .open(var session) = phase, answer.session == session.identity,
            let want = session.repair.asked.removeValue(forKey: answer.request)
        else { return }
        if answer.outcome == .accepted, case .numbers(let ranges) = want.subject { session.repair.numbers += ranges }
        phase = .open(session)
        send(.answer(answer), &actions)
    }
}

extension LinkMessage {
    /// The session that a message of a gateway is of; nil for other messages.
    fileprivate var gatewaySession: UInt32? {
        switch self {
        case .ack(let ack): ack.session
        case .reject(let reject): reject.session
        case .pong(let pong): pong.session
        case .bye(let bye): bye.session
        case .want(let want): want.session
        case .offer(let offer): offer.session
        case .piece(let piece): piece.session
        case .hello, .welcome, .data, .ping, .tombstone, .answer, .fetch, .bundle: nil
        }
    }
}
