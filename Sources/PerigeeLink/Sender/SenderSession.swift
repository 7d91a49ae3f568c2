internal import PerigeeCore

/// What one WELCOME opened, as the station sees it.
struct SenderSession: Sendable {
    let identity: UInt32
    let opened: Int64
    /// Numbers up to here were given before the session began; sending them is resuming.
    let resumeEnd: UInt64
    /// The gateway's limit on the packets of one DATA.
    let batchSize: Int
    /// The smaller of the gateway's credit and our own window.
    var credit: Credit
    /// The smallest number not sent in this session.
    var cursor: UInt64
    /// Sent in this session and not settled, ascending.
    var flight: [(number: UInt64, size: Int)] = []
    var flightSize = 0
    var lastHeard: Int64
    var lastProgress: Int64
    var pings = 0
    var lastPing: Int64 = 0

    /// Whether not even the smallest packet may be sent.
    var isThrottled: Bool { flight.count >= credit.packets || flightSize >= credit.size }

    func allows(_ size: Int) -> Bool { flight.count < credit.packets && flightSize + size <= credit.size }

    /// Takes out of flight what is covered; answers count and octets.
    mutating func settle(_ acknowledgement: Acknowledgement) -> (count: Int, size: Int) {
        let before = (flight.count, flightSize)
        flight.removeAll { acknowledgement.contains($0.number) }
        flightSize = flight.reduce(0) { $0 + $1.size }
        return (before.0 - flight.count, before.1 - flightSize)
    }

    func pingDue(_ configuration: SenderConfiguration) -> Int64 {
        max(lastHeard, pings > 0 ? lastPing : lastHeard) + configuration.pingMilliseconds
    }

    func progressDue(_ configuration: SenderConfiguration) -> Int64? {
        flight.isEmpty ? nil : lastProgress + configuration.progressMilliseconds
    }

    func pingIsOverdue(_ now: Int64, _ configuration: SenderConfiguration) -> Bool {
        pings >= configuration.pingCount && now >= pingDue(configuration)
    }

    mutating func ping(_ now: LinkTime, _ queue: some PacketQueue) -> LinkMessage {
        pings += 1
        lastPing = now.monotonic
        let age = queue.oldestTime.map { max(now.monotonic - $0, 0) } ?? 0
        return .ping(
            LinkMessage.Ping(
                session: identity, nonce: UInt32(pings), time: now.utc, queuedPackets: queue.heldCount,
                queuedSize: queue.heldSize, oldestAgeMilliseconds: Int(age), lowest: queue.lowest,
                highest: queue.next - 1))
    }
}
