import Foundation
import PerigeeCodec
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeService
import PerigeeStation
import PerigeeTestSupport
import PerigeeTransport
import Testing

/// A station in this process with a gateway behind it, both over real sockets.
final class Bench {
    let folder: TemporaryFolder
    let context: ZeroMQContext
    let gateway: TestGateway
    let station: Station
    let bundle: FirmwareBundle
    let log: LogLines
    /// Its configuration.
    private let text: String
    private var source: Socket?

    /// `extra`: more of the configuration. `intake`: sockets besides PULL and SUB. `before`: endpoints of gateways that it prefers. `in`: the folder of a bench that was stopped, to go on from its spool. `firmware`: the folder of the
    /// bundle. `isHeld`: the
    /// gateway says nothing before it is released.
    init(
        _ extra: String = "", spool: String = "", link: String = "", control: String = "", places: String? = nil,
        http: String = "", sensors: String? = nil, intake: String = "", refused: Set<UInt64> = [], isHeld: Bool = false,
        before gateways: [String] = [], in old: TemporaryFolder? = nil,
        firmware: String = SharedData.packageRoot + "/Firmware"
    ) throws {
        folder = try old ?? TemporaryFolder()
        context = try ZeroMQContext()
        gateway = try TestGateway(context: context, refused: refused, isHeld: isHeld)
        log = try LogLines()
        let endpoints = gateways + [gateway.endpoint]
        let text = """
            [intake]
            endpoints = [{ mode = "pull", endpoint = "tcp://127.0.0.1:*" }, { mode = "sub", endpoint = "tcp://127.0.0.1:*", bind = true }\(intake)]
            [sensors]
            directory = "\(sensors ?? SharedData.packageRoot + "/Config/sensors")"
            [firmware]
            directory = "\(firmware)"
            [spool]
            directory = "\(folder.file("spool"))"
            ballast_bytes = 0
            \(spool)
            [gateway]
            endpoint = "\(endpoints[0])"
            fallbacks = [\(endpoints.dropFirst().map { "{ endpoint = \"\($0)\" }" }.joined(separator: ", "))]
            \(link)
            [control]
            places_file = "\(places ?? folder.file("places.bin"))"
            \(control)
            [status]
            file = "\(folder.file("status.json"))"
            [http]
            listen = "\(http)"
            \(extra)
            """
        self.text = text
        try text.write(toFile: folder.file("perigeed.toml"), atomically: true, encoding: .utf8)
        let file = ConfigurationSource(path: folder.file("perigeed.toml"))
        let parts = try StationParts(file.read(StationConfiguration.self), from: file)
        bundle = try FirmwareBundle.load(directory: "\(firmware)/perigee-1")
        station = try Station(parts, log: ServiceLog(descriptor: log.writer))
        var options = SocketOptions()
        options.sendTimeoutMilliseconds = 60_000
        var source = try Socket(.push, context: context, options: options)
        try source.connect(station.endpoints[0])
        self.source = consume source
    }

    func send(_ parts: [[UInt8]]) throws {
        let result = try source?.send(parts, waits: true)
        #expect(result == .sent)
    }

    /// Writes more behind its configuration, and lets the station read it.
    func reload(with more: String) throws -> Bool {
        try (text + "\n" + more).write(toFile: folder.file("perigeed.toml"), atomically: true, encoding: .utf8)
        return station.reload()
    }

    func waitUntilSpooled(_ count: Int) { while station.counters.spooled < count { usleep(5_000) } }

    /// Waits until so many messages have been counted, stops the station, and answers its packets and status.
    func finish(
        received: Int, heartbeats: Int = 0, isDelivered: Bool = true
    ) throws -> (packets: [Packet], status: JSONValue) {
        while station.counters.received < received || station.counters.heartbeats < heartbeats { usleep(5_000) }
        #expect(station.stop() == isDelivered)
        let packets = try gateway.finish().map { try Packet(parsing: $0[...]) }
        let text = try Data(contentsOf: URL(filePath: folder.file("status.json")))
        let status = try JSONValue(parsing: Array(text)[...], depthLimit: 8)
        #expect(status["ledger"]?["balanced"] == .bool(true) && status["ledger"]?["in_work"]?.int == 0)
        #expect(status["state"] == .string("stopped"))
        return (packets, status)
    }
}

/// Puts frames together again from packets, in the order of their numbers.
func frames(_ packets: [Packet], _ bundle: FirmwareBundle) throws -> [(
    description: FrameDescription, samples: Samples, size: Int
)] {
    let model = try CodecModel(tensors: bundle.tensors)
    var streams: [Int: StreamDescription] = [:]
    var found: [UInt64: (stream: StreamDescription, metadata: FrameMetadata, layers: [[UInt8]], size: Int)] = [:]
    for packet in packets {
        switch packet.body {
        case .declaration(let stream):
            streams[packet.declaration] = try StreamDescription(stream, profiles: bundle.profiles)
        case .part(let part):
            let stream = try #require(streams[packet.declaration], "a declaration must come first")
            let number = stream.declaration.baseFrame + part.frameDelta
            let (metadata, payload) = try part.split(declaration: stream.declaration)
            var entry = found[number] ?? (stream, FrameMetadata(), [], 0)
            if let metadata { entry.metadata = metadata }
            while entry.layers.count <= part.layer { entry.layers.append([]) }
            entry.layers[part.layer] += payload
            entry.size += packet.packed().count
            found[number] = entry
        }
    }
    return try found.sorted { $0.key < $1.key }.map { _, frame in
        let decoder = try FrameDecoder(model: model, stream: frame.stream, lanes: 1)
        return (
            frame.stream.frameDescription(frame.metadata), try decoder.decode(layers: frame.layers.map { $0[...] }),
            frame.size
        )
    }
}

func frame(sensor: String, bands: [String], type: SampleType, rows: Int, columns: Int, octet: (Int) -> UInt8)
    throws -> Frame
{
    let size = bands.count * rows * columns * type.size
    return try Frame(
        description: FrameDescription(sensor: sensor, bandNames: bands),
        samples: Samples(type: type, bands: bands.count, rows: rows, columns: columns, bytes: (0..<size).map(octet)))
}
