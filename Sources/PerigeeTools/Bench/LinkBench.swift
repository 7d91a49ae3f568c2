import FoundationEssentials
import Glibc
import PerigeeCommandLine
import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeTransport

/// Measures the real client of the link and a real gateway with a line of a certain rate between them.
struct LinkBench {
    /// A line that is measured.
    struct Line {
        /// Octets a second each way.
        var rate: Int
        var delayMilliseconds: Int
        var seconds: Double
    }

    /// How fast a backlog went over a line.
    struct CatchUp {
        var line: Line
        var packets = 0
        /// Octets of packets, and of the wire as the relay saw it, each way.
        var payload = 0
        var up = 0
        var down = 0
        var seconds = 0.0
        var sessions = 0
        var resent = 0

        /// Octets of packets a second, as a share of the line's rate.
        var share: Double { Double(payload) / seconds / Double(line.rate) }
    }

    struct Result {
        var catchUps: [CatchUp] = []
        var frameSize = 0
        /// Milliseconds from giving a frame's first packet until the store heard that all are durable, ascending.
        var latencies: [Double] = []
    }

    static let packetSizes = 300...1_400
    static let framePackets = 3

    let directory: String
    let lines: [Line]
    let frames: Int

    func run() throws -> Result {
        var result = Result()
        for (index, line) in lines.enumerated() {
            guard !StopSignal.isSet else { break }
            result.catchUps.append(try catchUp(line, folder: "\(directory)/line-\(index)"))
        }
        try measureLatency(&result)
        return result
    }

    /// A gateway of its own, a relay before it, and a client with what it has to send.
    private func withLink<Value>(
        _ line: Line, folder: String, packets: [[UInt8]],
        _ body: (MemoryPacketStore, LinkClient, LineRelay) throws -> Value
    ) throws -> Value {
        try FileOctets.makeFolder(folder)
        let log = "\(folder)/gateway.log"
        let gateway = try DaemonProcess(
            "perigee-gateway",
            [
                "--set", "gateway.endpoint=tcp://127.0.0.1:*", "--set", "archive.directory=\(folder)/archive",
                "--set", "status.file=\(folder)/status.json",
            ],
            log: log)
        defer { gateway.stop(patience: 10) }
        let port = try Self.port(gateway, log: log)
        guard let relay = LineRelay(to: port, rate: line.rate, delayMilliseconds: line.delayMilliseconds) else {
            throw CommandFailure(.unavailable, "no port for the line of the bench: look for a limit of sockets")
        }
        defer { relay.stop() }
        let store = try MemoryPacketStore(epoch: .random(), sizeLimit: 1 << 30)
        for packet in packets { _ = store.enqueue(packet) }
        let sender = SenderConfiguration(station: try StationName("bench"), boot: .random(in: 1...UInt64.max))
        let link = try LinkClient(
            .init(gateways: [.init(endpoint: "tcp://127.0.0.1:\(relay.port)")], sender: sender), store: store,
            context: try ZeroMQContext())
        store.attach { [weak link] event in link?.deliver(event) }
        defer { _ = try? link.drain(timeoutMilliseconds: 500) }
        return try body(store, link, relay)
    }

    private static func port(_ gateway: DaemonProcess, log: String) throws(CommandFailure) -> UInt16 {
        for _ in 0..<3_000 {
            try gateway.check()
            let words = (FileOctets.text(log) ?? "").split(whereSeparator: \.isWhitespace)
            if let word = words.first(where: { $0.hasPrefix("endpoint=") }),
                let port = word.split(separator: ":").last.flatMap({ UInt16($0) })
            {
                return port
            }
            usleep(10_000)
        }
        throw CommandFailure(.unavailable, "perigee-gateway does not say where it listens: see \(log)")
    }

    private func catchUp(_ line: Line, folder: String) throws -> CatchUp {
        var generator = SystemRandomNumberGenerator()
        var packets: [[UInt8]] = []
        var size = 0
        while Double(size) < Double(line.rate) * line.seconds {
            let packet = Self.packet(
                UInt64(packets.count), size: Int.random(in: Self.packetSizes, using: &generator), using: &generator)
            packets.append(packet)
            size += packet.count
        }
        return try withLink(line, folder: folder, packets: packets) { store, link, relay in
            try Self.wait { link.snapshot.counters.sessions > 0 }
            var result = CatchUp(line: line, packets: packets.count, payload: size)
            let start = ContinuousClock.now
            try Self.wait { store.current.heldCount == 0 }
            result.seconds = Self.elapsed(start)
            (result.up, result.down) = relay.carried
            result.sessions = link.snapshot.counters.sessions
            result.resent = link.snapshot.counters.resent
            return result
        }
    }

    /// Frames one after the other, each given when the one before is durable and a moment has passed.
    private func measureLatency(_ result: inout Result) throws {
        var generator = SystemRandomNumberGenerator()
        let line = Line(rate: 1_250_000, delayMilliseconds: 0, seconds: 0)
        result.frameSize = Self.framePackets * 1_000
        result.latencies = try withLink(line, folder: "\(directory)/latency", packets: []) { store, link, _ in
            try Self.wait { link.snapshot.counters.sessions > 0 }
            var latencies: [Double] = []
            for frame in 0..<frames where !StopSignal.isSet {
                let packets = (0..<Self.framePackets).map {
                    Self.packet(UInt64(frame * Self.framePackets + $0), size: 1_000, using: &generator)
                }
                usleep(UInt32.random(in: 5_000...50_000, using: &generator))
                let start = ContinuousClock.now
                for packet in packets { _ = store.enqueue(packet) }
                try Self.wait { store.current.heldCount == 0 }
                latencies.append(Self.elapsed(start) * 1_000)
            }
            return latencies.sorted()
        }
    }

    /// A packet of exactly `size` octets that the gateway takes.
    private static func packet(_ index: UInt64, size: Int, using generator: inout some RandomNumberGenerator) -> [UInt8]
    {
        let content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        func packed(_ count: Int) -> [UInt8] {
            let part = Packet.Part(
                frameDelta: index, part: 0, layer: 0, isLastOfLayer: true, content: content[..<count])
            return Packet(declaration: 1, body: .part(part)).packed()
        }
        return packed(size - (packed(size).count - size))
    }

    private static func wait(until isDone: () -> Bool) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(600))
        while !isDone() {
            guard !StopSignal.isSet, ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .unavailable, "the link did not get through in time: see gateway.log and try again")
            }
            usleep(200)
        }
    }

    private static func elapsed(_ start: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - start).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}
