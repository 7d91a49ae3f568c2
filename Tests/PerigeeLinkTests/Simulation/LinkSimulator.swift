import PerigeeCore
import PerigeeLink
import PerigeeTestSupport

/// Both ends of a link with a virtual clock, a network that delays, cuts and says old messages again on a new connection, a station
/// whose store answers late, drops packets and loses at a crash what it had not committed, and a gateway that does the same. One
/// seed, one history.
struct LinkSimulator {
    /// What befalls the station's file beside crashes.
    enum Fate: UInt64, CaseIterable {
        /// Nothing, but packets are dropped for want of room.
        case kept
        /// Its identity does not fit now and then: a new epoch begins, the old one is closed.
        case moved
        /// An old copy of it comes back now and then.
        case restored
        /// It is gone now and then.
        case lost
    }

    /// A packet that was given to the station, known by its index.
    struct Given {
        var packet: [UInt8]
        var isDamaged: Bool
        /// It may be missing at the end: dropped, or in a file that is gone.
        var mayBeLost = false
        /// It may be there twice: an old copy of the file held it again.
        var mayRepeat = false
        var isCommitted = false
    }

    let fate: Fate
    var generator: SeededGenerator
    var now: Int64 = 0
    var station: SimulatedStation
    var network = SimulatedNetwork()
    var gateway: SimulatedGateway
    var given: [Given] = []
    var faults: [String] = []
    var stopped: SenderMachine.StopReason?

    init(seed: UInt64) throws {
        fate = Fate(rawValue: seed % UInt64(Fate.allCases.count)) ?? .kept
        generator = SeededGenerator(seed: seed)
        station = try SimulatedStation(using: &generator)
        gateway = SimulatedGateway(using: &generator)
    }

    /// Time and chance until all packets are settled and the sender has drained, or `limit` events are over.
    mutating func run(packets: Int, limit: Int = 200_000) {
        var events = 0
        step(.store(station.disk.state))
        while stopped == nil, events < limit {
            events += 1
            let left = packets - given.count
            if left > 0 {
                if chance(20) { give() }
                stumble()
            } else if station.isQuiet, sender.state != .draining {
                step(.drain(until: .max))
            }
            advance()
        }
        if stopped != .drained { faults.append("not drained after \(events) events: \(sender.state)") }
    }

    var sender: SenderMachine { station.machine }
    var time: LinkTime { LinkTime(monotonic: now, utc: Timestamp(milliseconds: now)) }

    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    /// What goes wrong now and then while packets come.
    private mutating func stumble() {
        if chance(400) { cut() }
        if chance(800) { crashGateway() }
        if chance(800) { crashStation() }
        if chance(300) { want() }
        if chance(500), fate == .restored { station.copy = station.disk }
        if chance(300), fate != .restored { drop() }
    }

    private mutating func advance() {
        var times = [now + Int64.random(in: 1...50, using: &generator)]
        times += [
            network.connectsAt, network.up.first?.arrival, network.down.first?.arrival, gateway.commitAt,
            station.answers.first?.time, station.commitAt,
        ].compactMap { $0 }
        // nothing is on its way: jump to what a machine waits for
        if times.count == 1, let deadline = sender.deadline { times = [max(deadline, now + 1)] }
        now = max(now + 1, times.min() ?? now)
        if let connectsAt = network.connectsAt, now >= connectsAt { connect() }
        while let first = network.up.first, first.arrival <= now {
            network.up.removeFirst()
            arriveAtGateway(first.octets)
        }
        while let first = network.down.first, first.arrival <= now {
            network.down.removeFirst()
            observe(first.octets)
            step(.received(first.octets[...]))
        }
        if let commitAt = gateway.commitAt, now >= commitAt { commitGateway() }
        tickGateway()
        if let commitAt = station.commitAt, now >= commitAt { commitStation() }
        while let answer = station.answers.first, answer.time <= now {
            station.answers.removeFirst()
            step(answer.event)
        }
        if let deadline = sender.deadline, now >= deadline { step(.tick) }
    }
}

// MARK: network

/// Messages on their way, in order; a connection takes with it what is on its way.
struct SimulatedNetwork {
    struct Flying {
        let arrival: Int64
        let octets: [UInt8]
    }
    var isOpen = false
    var connectsAt: Int64?
    var isConnected = false
    var up: [Flying] = []
    var down: [Flying] = []
    var lost: [[UInt8]] = []
}

extension LinkSimulator {
    private mutating func delay() -> Int64 { Int64.random(in: 1...300, using: &generator) }

    mutating func sendUp(_ octets: [UInt8]) {
        if octets.count > LinkLimit.message { faults.append("a message of \(octets.count) octets") }
        guard network.isConnected else { return }  // a queue dies with its connection
        let arrival = max(network.up.last?.arrival ?? now, now + delay())
        network.up.append(.init(arrival: arrival, octets: octets))
    }

    mutating func reply(_ message: LinkMessage) {
        guard network.isConnected else { return }
        let arrival = max(network.down.last?.arrival ?? now, now + delay())
        network.down.append(.init(arrival: arrival, octets: message.packed()))
    }

    private mutating func connect() {
        network.connectsAt = nil
        network.isConnected = true
        // what the old connection had not delivered may still come, ahead of everything new
        for octets in network.lost { network.up.append(.init(arrival: now, octets: octets)) }
        network.lost = []
        step(.ready)
    }

    mutating func openSocket() {
        network.isOpen = true
        network.connectsAt = now + Int64.random(in: 1...500, using: &generator)
    }

    mutating func closeSocket() {
        network.isOpen = false
        network.connectsAt = nil
        breakConnection()
    }

    private mutating func breakConnection() {
        if network.isConnected, chance(2) { network.lost = Array(network.up.map(\.octets).prefix(3)) }
        if network.isConnected, chance(4), let last = network.lost.last { network.lost.append(last) }
        network.isConnected = false
        network.up = []
        network.down = []
    }

    mutating func cut() {
        guard network.isConnected else { return }
        breakConnection()
        step(.disconnected)
    }
}
