import PerigeeArchive
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeMemory
import PerigeeTestSupport

/// Frames with references through the machines of both ends: a station that predicts from what is acknowledged, a link that cuts and says
/// old messages again, an archive, and what it wants when a reference is missing or differs. Store, clock and samples are simulated;
/// a layer's octets stand for it, a hash of such octets for decoded samples. One seed, one history.
struct ReferenceSimulator {
    /// What befalls the two ends besides cuts, crashes, evictions, dropped layers and new epochs.
    enum Fate: UInt64, CaseIterable {
        /// Nothing.
        case calm
        /// The archive loses what it had filed.
        case archiveLoses
        /// The station's memory holds other octets than it sent, and nothing notices.
        case memoryLies
        /// An old copy of the spool comes back: frames that wait go on in another epoch.
        case restored
    }

    /// What all packets refer to; nothing of it matters here.
    static let stream = StreamDeclaration(firmware: 1, profile: .known(index: 0, bands: nil), rows: 1, columns: 1)
    static let name = "sim"

    let fate: Fate
    var generator: SeededGenerator
    var now: Int64 = 0
    var network = SimulatedLine()
    var station: PredictingStation
    var gateway: AskingGateway
    var faults: [String] = []
    /// How often each thing happened, so that a test can say that it did.
    var counts: [String: Int] = [:]
    var scenes = 0

    init(seed: UInt64) throws {
        fate = Fate(rawValue: seed % UInt64(Fate.allCases.count)) ?? .calm
        generator = SeededGenerator(seed: seed)
        station = try PredictingStation(using: &generator)
        gateway = AskingGateway(using: &generator)
    }

    var time: LinkTime { LinkTime(monotonic: now, utc: Timestamp(milliseconds: now)) }

    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    mutating func count(_ event: String) { counts[event, default: 0] += 1 }

    /// Time and chance until so many frames were taken, then without faults until nothing is on its way, and a key of each place.
    mutating func run(frames: Int) {
        step(.store(station.disk.spool.state))
        var left = frames
        while left > 0 {
            if chance(6) {
                encode()
                left -= 1
            }
            stumble()
            advance()
        }
        calmDown()
        for place in 0..<PredictingStation.places { encode(place: place, isPlain: true) }
        calmDown()
        checkEnd()
    }

    private mutating func stumble() {
        if chance(150) { cut() }
        if chance(fate == .archiveLoses ? 60 : 250) { crashGateway() }
        if chance(fate == .restored ? 80 : 200) { crashStation() }
        if chance(150) { station.placesCopy = station.places }
        if chance(100), fate == .restored { station.copy = station.disk }
        if chance(100) { evict() }
        if chance(60) { drop() }
        if chance(60) { takeBack() }
        if chance(40) { refine() }
        if chance(50), fate == .memoryLies { falsify() }
    }

    private mutating func calmDown() {
        var events = 0
        var days = 0
        while true {
            events += 1
            guard events < 30_000 else {
                let open = gateway.ledger.wants.values.filter { !$0.state.isFinal }.map { "\($0.text) \($0.state)" }
                return faults.append(
                    "not quiet: station \(station.isQuiet) \(station.machine.state), line \(network.isQuiet), gateway"
                        + " \(gateway.isQuiet), \(open)")
            }
            advance()
            guard station.isQuiet, network.isQuiet, gateway.isQuiet else { continue }
            let open = gateway.ledger.wants.values.filter { !$0.state.isFinal }
            if open.isEmpty { return }
            // what was promised and dropped never comes: a day is as good as any
            guard open.allSatisfy({ $0.state == .accepted }) else { continue }
            guard days < 100 else { return faults.append("promises that nobody keeps") }
            days += 1
            now += WantLedger.patienceMilliseconds + 1
            turnSoon()
        }
    }

    private mutating func advance() {
        var times = [
            network.connectsAt, network.up.first?.arrival, network.down.first?.arrival, gateway.commitAt,
            gateway.turnAt, station.answers.first?.time, station.commitAt,
        ].compactMap { $0 }
        if let deadline = station.machine.deadline { times.append(deadline) }
        let near = now + Int64.random(in: 1...50, using: &generator)
        now = max(now + 1, min(times.min() ?? near, max(near, times.min() ?? near)))
        if let connectsAt = network.connectsAt, now >= connectsAt { connect() }
        while let first = network.up.first, first.arrival <= now {
            network.up.removeFirst()
            arriveAtGateway(first.octets)
        }
        while let first = network.down.first, first.arrival <= now {
            network.down.removeFirst()
            step(.received(first.octets[...]))
        }
        if let commitAt = gateway.commitAt, now >= commitAt { commitGateway() }
        if let turnAt = gateway.turnAt, now >= turnAt { turnGateway() }
        tickGateway()
        if let commitAt = station.commitAt, now >= commitAt { commitStation() }
        while let answer = station.answers.first, answer.time <= now {
            station.answers.removeFirst()
            step(answer.event)
        }
        if let deadline = station.machine.deadline, now >= deadline { step(.tick) }
    }
}

/// Messages on their way, in order; a connection takes with it what is on its way.
struct SimulatedLine {
    struct Flying {
        let arrival: Int64
        let octets: [UInt8]
    }
    var connectsAt: Int64?
    var isConnected = false
    var up: [Flying] = []
    var down: [Flying] = []
    var lost: [[UInt8]] = []

    var isQuiet: Bool { up.isEmpty && down.isEmpty && isConnected }
}

extension ReferenceSimulator {
    private mutating func arrival(after last: Int64?) -> Int64 {
        max(last ?? now, now + Int64.random(in: 1...300, using: &generator))
    }

    mutating func sendUp(_ octets: [UInt8]) {
        guard network.isConnected else { return }
        network.up.append(.init(arrival: arrival(after: network.up.last?.arrival), octets: octets))
    }

    mutating func reply(_ message: LinkMessage) {
        guard network.isConnected else { return }
        network.down.append(.init(arrival: arrival(after: network.down.last?.arrival), octets: message.packed()))
    }

    private mutating func connect() {
        network.connectsAt = nil
        network.isConnected = true
        // what the old connection had not delivered may still come, ahead of everything new
        network.up = network.lost.map { .init(arrival: now, octets: $0) }
        network.lost = []
        step(.ready)
    }

    mutating func openSocket() { network.connectsAt = now + Int64.random(in: 1...500, using: &generator) }

    mutating func closeSocket() {
        network.connectsAt = nil
        if network.isConnected, chance(2) { network.lost = Array(network.up.map(\.octets).prefix(3)) }
        if network.isConnected, chance(4), let last = network.lost.last { network.lost.append(last) }
        network.isConnected = false
        network.up = []
        network.down = []
    }

    mutating func cut() {
        guard network.isConnected else { return }
        count("cut")
        closeSocket()
        step(.disconnected)
    }
}

/// Stands for the hash of decoded samples.
enum SampleHash {
    static func of(_ layers: some Sequence<[UInt8]>, _ below: [UInt64]) -> UInt64 {
        below.reduce(layers.reduce(1) { $1.reduce($0) { mix($0, UInt64($1)) } }, mix)
    }

    static func claim(_ hashes: [UInt64]) -> UInt32 { UInt32(truncatingIfNeeded: hashes.reduce(2, mix) >> 16) }

    private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 {
        (hash ^ (value &+ 1) &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9 ^ hash >> 29
    }
}
