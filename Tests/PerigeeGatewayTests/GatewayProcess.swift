import Foundation
import PerigeeArchive
import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

/// The real binary in a folder of its own; killed, if it still runs, with the last reference.
final class GatewayProcess {
    private let process = Process()
    private let errors = Pipe()
    private let log = Locked("")
    /// Where it listens.
    let endpoint: String

    /// Starts it and waits for the line that says where it listens. `words` go before those that every test has. `fileSizeLimit`: no file
    /// may grow beyond so many octets, a disk that is full.
    init(
        folder: String, endpoint: String = "tcp://127.0.0.1:*", words: [String] = [], fileSizeLimit: Int? = nil,
        variables: [String: String] = [:]
    ) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        #if DEBUG
            let build = "debug"
        #else
            let build = "release"
        #endif
        let program = root.appendingPathComponent(".build/\(build)/perigee-gateway")
        process.executableURL = program
        process.arguments =
            words + [
                "--set", "gateway.endpoint=\(endpoint)", "--set", "archive.directory=\(folder)/archive",
                "--set", "status.file=\(folder)/status.json",
            ]
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        if let fileSizeLimit {
            let script = "trap '' XFSZ; ulimit -f \(fileSizeLimit / 512); exec \"$0\" \"$@\""
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script, program.path] + (process.arguments ?? [])
        }
        process.standardError = errors
        try process.run()
        var text = ""
        var found: String?
        while found == nil {
            let data = errors.fileHandleForReading.availableData
            if data.isEmpty {
                process.waitUntilExit()
                throw Failure(code: process.terminationStatus, text: text)
            }
            text += String(decoding: data, as: UTF8.self)
            found = text.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("endpoint=") }.map {
                String($0.dropFirst("endpoint=".count))
            }
        }
        self.endpoint = try #require(found)
        let log = log
        log.withLock { $0 = text }
        errors.fileHandleForReading.readabilityHandler = { handle in
            let more = String(decoding: handle.availableData, as: UTF8.self)
            log.withLock { $0 += more }
        }
    }

    /// It ended instead.
    struct Failure: Error {
        let code: Int32
        let text: String
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// What it said so far.
    var text: String { log.current }

    /// Waits until it ends by itself, and answers how.
    func waitForEnd() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Ends it with a signal and answers how it ended.
    func end(_ signal: Int32) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// A folder of one test's own, gone with it.
final class Folder {
    let path = NSTemporaryDirectory() + "perigee-gateway-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A declaration and `count` frames of one part.
func packets(count: Int, seed: UInt64, size: ClosedRange<Int> = 100...4_000) -> [[UInt8]] {
    var generator = SeededGenerator(seed: seed)
    let stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)
    var packets = [Packet(declaration: 1, body: .declaration(stream)).packed()]
    for frame in 0..<count {
        let payload = (0..<Int.random(in: size, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        packets += Packet.parts(
            of: [payload], metadata: FrameMetadata(), frame: UInt64(frame), declaration: 1, stream: stream
        ).map { $0.packed() }
    }
    return packets
}

/// A client with the patience of a test, and its packets in memory.
struct TestLink {
    let store: MemoryPacketStore
    let link: LinkClient

    var snapshot: LinkClient.Snapshot { link.snapshot }
    /// Packets that are not settled, those that the client has not looked at included.
    var heldPackets: Int { store.current.heldCount }

    func enqueue(_ packet: [UInt8]) -> MemoryPacketStore.EnqueueAnswer { store.enqueue(packet) }

    func enqueue(
        _ packet: [UInt8], timeoutMilliseconds: Int
    ) throws(TransportError) -> MemoryPacketStore.EnqueueAnswer {
        try store.enqueue(packet, timeoutMilliseconds: timeoutMilliseconds)
    }

    func drain(timeoutMilliseconds: Int) throws(TransportError) -> LinkClient.Snapshot {
        store.close()
        return try link.drain(timeoutMilliseconds: timeoutMilliseconds)
    }
}

/// A client of a station that is new. With `fallbacks` it goes back to the first gateway after two seconds.
func client(
    _ station: String, to endpoint: String, context: ZeroMQContext, queueSizeLimit: Int = 64 << 20,
    keys: ClientKeys? = nil, fallbacks: [String] = []
) throws -> TestLink {
    var sender = SenderConfiguration(station: try StationName(station), boot: .random(in: 1...UInt64.max))
    sender.backoffLimitMilliseconds = 1_000
    sender.connectMilliseconds = 2_000
    sender.greetingMilliseconds = 2_000
    sender.refusedBackoffMilliseconds = 200
    sender.refusedBackoffLimitMilliseconds = 1_000
    sender.returnMilliseconds = 2_000
    var addresses = ([endpoint] + fallbacks).map(LinkClient.GatewayAddress.init)
    addresses[0].keys = keys
    let store = try MemoryPacketStore(epoch: .random(), sizeLimit: queueSizeLimit)
    let link = try LinkClient(
        LinkClient.Configuration(gateways: addresses, sender: sender), store: store, context: context)
    store.attach { [weak link] event in link?.deliver(event) }
    return TestLink(store: store, link: link)
}

/// Contents of all frames of a station, by number, and a failure where a frame is there twice or not whole.
func archived(_ folder: Folder, station: String) throws -> [UInt64: [UInt8]] {
    let reader = try ArchiveReader.open(folder.path + "/archive")
    var filter = FrameFilter()
    filter.station = station
    filter.limit = 1_000_000
    var contents: [UInt64: [UInt8]] = [:]
    for frame in try reader.frames(filter) {
        #expect(frame.completeLayers == 1 && frame.partCount == 1)
        let content = try #require(try reader.content(of: frame))
        #expect(contents.updateValue(content.layers[0], forKey: frame.frameDelta) == nil)
    }
    return contents
}
