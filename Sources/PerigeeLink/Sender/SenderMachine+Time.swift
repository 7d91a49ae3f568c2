internal import PerigeeCore

// Patience: when to ask for a sign of life, when to give a socket up, and how long to wait then.
extension SenderMachine {
    enum Failure { case failed, refused, silent }

    /// A silence of 15 s, 30 s on a thin line or a long one: never more, so that with three PINGs unanswered a dead gateway is noticed
    /// within two minutes. The usual round trip counts only while packets are on the line: it is that of a full one.
    func pingDue(_ session: SenderSession) -> Int64 {
        let isThin = deliveryRate.map { $0 <= configuration.thinRate } ?? false
        let isAsking = session.pings > 0
        let least = isThin && !isAsking ? configuration.thinPingMilliseconds : configuration.pingMilliseconds
        let roundTrip = session.isWaiting ? line.roundTrip : line.shortestRoundTrip.map { Double($0) }
        let interval = min(max(least, Int64(2 * (roundTrip ?? 0))), configuration.thinPingMilliseconds)
        return max(session.lastHeard, isAsking ? session.lastPing : session.lastHeard) + interval
    }

    /// When packets in flight have been without progress for too long: 30 s, four round trips, or twice the time that the line needs
    /// for them, doubled for each silence before.
    func progressDue(_ session: SenderSession) -> Int64? {
        guard session.isWaiting else { return nil }
        let transfer = line.rate.map { 2_000 * Double(session.flightSize) / max($0, 1) } ?? 0
        let patience = max(Double(configuration.progressMilliseconds), 4 * (line.roundTrip ?? 0), transfer)
        return session.lastProgress + Int64(min(patience, 600_000)) << Int64(min(silences, 4))
    }

    mutating func passTime(
        _ now: LinkTime, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        guard keepPlan(now, &actions) else { return }
        switch phase {
        case .offline(let until) where now.monotonic >= until:
            actions.append(.openSocket(gateway: gateways.index))
            phase = .connecting(deadline: now.monotonic + configuration.connectMilliseconds)
        case .connecting(let deadline) where now.monotonic >= deadline:
            giveUp(.failed, now, &generator, &actions)
        case .greeting(_, let attempt, _, let deadline) where now.monotonic >= deadline:
            if attempt < configuration.greetingCount {
                greet(attempt: attempt + 1, now, &actions)
            } else {
                giveUp(.failed, now, &generator, &actions)
            }
        case .open(let session): watch(session, now, &generator, &actions)
        default: break
        }
    }

    private mutating func watch(
        _ opened: SenderSession, _ now: LinkTime, _ generator: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        var session = opened
        session.repair.land(now.monotonic)
        phase = .open(session)
        let isStuck = progressDue(session).map { now.monotonic >= $0 } ?? false
        let isPingDue = now.monotonic >= pingDue(session)
        if isStuck || isPingDue && session.pings >= configuration.pingCount {
            giveUp(.silent, now, &generator, &actions)
        } else if gateways.wantsFirst(now.monotonic, configuration), isIdle(session) {
            send(.bye(.init(session: session.identity, reason: .draining)), &actions)
            gateways.chooseFirst()
            counters.failovers += 1
            close(until: now.monotonic + 1, now, &actions)
        } else if isPingDue {
            session.pings += 1
            session.lastPing = now.monotonic
            phase = .open(session)
            send(.ping(ping(session, now)), &actions)
        }
    }

    private func isIdle(_ session: SenderSession) -> Bool {
        !session.isWaiting && session.building.isEmpty && session.lanes.isEmpty
            && store.map { $0.lowest == $0.next } ?? true
    }

    private func ping(_ session: SenderSession, _ now: LinkTime) -> LinkMessage.Ping {
        let age = store?.oldest.map { max(now.utc.milliseconds - $0.milliseconds, 0) } ?? 0
        var ping = LinkMessage.Ping(
            session: session.identity, nonce: UInt32(session.pings), time: now.utc,
            queuedPackets: store?.heldCount ?? 0,
            queuedSize: store?.heldSize ?? 0, oldestAgeMilliseconds: Int(age),
            lowest: session.told(store?.unsettledLowest ?? 1),
            highest: store?.isLost == true ? 0 : (store?.next ?? 1) - 1)
        ping.account = account
        return ping
    }

    /// The connection broke: a good session is worth another attempt with the same gateway.
    mutating func lose(_ now: LinkTime, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]) {
        let before = gateways.index
        let wasGood = isGood(now)
        if wasGood { gateways.succeed() }
        let until = gateways.lose(wasGood: wasGood, now.monotonic, configuration, &generator)
        if gateways.index != before { counters.failovers += 1 }
        close(until: until, now, &actions)
    }

    /// Drops the socket and waits.
    mutating func giveUp(
        _ failure: Failure, _ now: LinkTime, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        let before = gateways.index
        if isGood(now) { gateways.succeed() }
        if failure == .silent { silences += 1 }
        isShownOut = false
        let until =
            failure == .refused
            ? gateways.refuse(now.monotonic, configuration, &generator)
            : gateways.fail(now.monotonic, configuration, &generator)
        if gateways.index != before { counters.failovers += 1 }
        close(until: until, now, &actions)
    }

    private func isGood(_ now: LinkTime) -> Bool {
        guard case .open(let session) = phase else { return false }
        return now.monotonic - session.opened >= configuration.goodSessionMilliseconds
    }

    private mutating func close(until: Int64, _ now: LinkTime, _ actions: inout [Action]) {
        endSession()
        actions.append(.closeSocket)
        phase = .offline(until: max(until, now.monotonic + 1))
    }

    /// Remembers what the session leaves unsettled.
    mutating func endSession() {
        guard case .open(let session) = phase else { return }
        if let store, !store.isLost { explained[session.gateway] = (store.epoch, session.told(store.lowest)) }
        for packet in session.flight where unproven.count < LinkLimit.wantNumbers {
            unproven[packet.number] = packet.size
        }
    }

    /// Ends the connection while the plan is closed; false then.
    private mutating func keepPlan(_ now: LinkTime, _ actions: inout [Action]) -> Bool {
        isClosed = configuration.ratePlan.rate(at: now.utc) == 0
        guard isClosed else { return true }
        if case .open(let session) = phase { send(.bye(.init(session: session.identity, reason: .draining)), &actions) }
        let change = configuration.ratePlan.millisecondsToChange(after: now.utc) ?? 60_000
        let until = now.monotonic + min(change, 60_000)
        if isOffline { phase = .offline(until: until) } else { close(until: until, now, &actions) }
        return false
    }

    mutating func finishDrain(_ now: LinkTime, _ actions: inout [Action]) {
        guard let drainDeadline else { return }
        let isEmpty = store.map { $0.lowest == $0.next && !$0.isLost } ?? false
        guard isEmpty || now.monotonic >= drainDeadline else { return }
        if case .open(let session) = phase {
            send(.bye(.init(session: session.identity, reason: .draining)), &actions)
        }
        if !isOffline { actions.append(.closeSocket) }
        let reason = isEmpty ? StopReason.drained : .drainTimeout
        actions.append(.stopped(reason))
        phase = .stopped(reason)
    }
}
