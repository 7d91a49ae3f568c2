import PerigeeCommandLine
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeProducts
import PerigeeTools
import PerigeeTransport

/// One configuration of the demo: both daemons, one pass through them, products.
struct DemoPass {
    /// What the daemons counted, and where the products lie.
    struct Outcome {
        var rawSize: Int
        /// Octets on the wire of the link, both ways, framing included.
        var linkSize: Int
        var packetSize: Int
        /// What lossless zstd needs for the same frames; nil where the station did not say.
        var losslessSize: Int?
        var products: [String]
    }

    private static let patienceSeconds = 60
    private static let statusLimit = 1 << 20

    let ratio: Int
    let folder: String
    let library: Library

    /// Flies the frames through fresh daemons and renders what arrived.
    func fly(_ frames: [Frame], progress: (Int) -> Void) async throws -> Outcome {
        DemoFolder.empty(folder)
        try FileOctets.makeFolder(folder)
        let sockets = try SocketFolder()
        try makeKeys()
        try writeConfigurations(sockets.path)
        let gateway = try DaemonProcess(
            "perigee-gateway", ["--config", "\(folder)/perigee-gateway.toml"], log: "\(folder)/perigee-gateway.log")
        defer { gateway.stop(patience: 10) }
        let station = try DaemonProcess(
            "perigeed", ["--config", "\(folder)/perigeed.toml"], log: "\(folder)/perigeed.log")
        defer { station.stop(patience: 15) }
        var settings = FramePublisher.Settings()
        settings.endpoint = "ipc://\(sockets.path)/frames"
        settings.run = "demo-\(ratio)x"
        var publisher = try FramePublisher(settings)
        for (index, frame) in frames.enumerated() {
            try station.check()
            try await publisher.send(frame)
            progress(index + 1)
        }
        try publisher.finish()
        try await waitForDelivery(frames.count, gateway, station)
        station.stop(patience: 15)
        gateway.stop(patience: 10)
        let status = try status()
        try render()
        let bytes = status["bytes"]
        return Outcome(
            rawSize: bytes?["raw_acknowledged"]?.int ?? 0, linkSize: bytes?["link"]?.int ?? 0,
            packetSize: bytes?["packets_acknowledged"]?.int ?? 0, losslessSize: bytes?["zstd_acknowledged"]?.int,
            products: DemoFolder.rasters("\(folder)/products"))
    }

    /// Fresh keys for both daemons, as `perigee keys gen` and `allow` make them.
    private func makeKeys() throws(CommandFailure) {
        do throws(KeyError) {
            _ = try KeyWork(folder: "\(folder)/keys", name: "gateway").generate()
            _ = try KeyWork(folder: "\(folder)/keys", name: "station").generate()
            _ = try KeyWork(folder: "\(folder)/keys", name: "demo").allow("\(folder)/keys/station.pub")
        } catch { throw CommandFailure(.io, "\(error)") }
    }

    private func writeConfigurations(_ sockets: String) throws(CommandFailure) {
        let bundle = try library.bundleFolder()
        let (store, name) = Self.split(try Self.absolute(bundle))
        let sensors = try Self.absolute(library.sensorsFolder)
        let station = """
            [station]
            id = "demo"
            [intake]
            endpoints = [ { mode = "pull", endpoint = "ipc://\(sockets)/frames" } ]
            [encoder]
            target = "\(ratio)x"
            baseline_every = 1
            [sensors]
            directory = "\(sensors)"
            [firmware]
            directory = "\(store)"
            name = "\(name)"
            [spool]
            directory = "spool"
            [gateway]
            endpoint = "ipc://\(sockets)/link"
            [keys]
            secret = "keys/station.secret"
            gateway = "keys/gateway.pub"
            [control]
            places_file = "places.bin"
            [status]
            file = "perigeed.json"
            [http]
            listen = ""

            """
        let gateway = """
            [gateway]
            endpoint = "ipc://\(sockets)/link"
            [keys]
            secret = "keys/gateway.secret"
            stations = "keys/stations"
            [archive]
            directory = "archive"
            [status]
            file = "perigee-gateway.json"
            [http]
            listen = ""

            """
        try FileOctets.write(Array(station.utf8), to: "\(folder)/perigeed.toml")
        try FileOctets.write(Array(gateway.utf8), to: "\(folder)/perigee-gateway.toml")
    }

    /// Until every frame is encoded and every packet acknowledged.
    private func waitForDelivery(
        _ count: Int, _ gateway: DaemonProcess, _ station: DaemonProcess
    ) async throws {
        let start = ContinuousClock.now
        while start.duration(to: .now) < .seconds(Self.patienceSeconds) {
            try gateway.check()
            try station.check()
            if StopSignal.isSet { throw CommandFailure(.unavailable, "stopped by a signal") }
            if let status = try? status(), let ledger = status["ledger"], let link = status["link"] {
                let isSent = link["held_packets"]?.int == 0 && (link["packets_acknowledged"]?.int ?? 0) > 0
                if ledger["spooled"]?.int == count, isSent { return }
                if ledger["received"]?.int == count, ledger["in_work"]?.int == 0, ledger["spooled"]?.int != count {
                    throw CommandFailure(.internal, "perigeed did not encode every frame: see \(folder)/perigeed.log")
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandFailure(
            .unavailable, "not everything was acknowledged within \(Self.patienceSeconds) s: see the logs in \(folder)")
    }

    private func status() throws -> JSONValue {
        let octets = try FileOctets.read("\(folder)/perigeed.json", limit: Self.statusLimit)
        return try JSONValue(parsing: octets[...], depthLimit: 16)
    }

    private func render() throws {
        var options = RenderOptions(
            archiveDirectory: "\(folder)/archive", firmwareDirectory: library.storeFolder,
            productFolder: "\(folder)/products", software: Program.releaseVersion)
        options.lanes = ProcessorCount.available
        var renderer = try Renderer(options)
        var problem: String?
        _ = try renderer.pass(isStopped: { StopSignal.isSet }) { event in
            switch event {
            case .failed(_, let reason), .undecodable(_, let reason), .waiting(_, let reason),
                .waitingForReference(_, let reason), .referenceDiffers(_, let reason):
                problem = reason
            case .rendered, .current, .replaced: break
            }
        }
        if let problem { throw CommandFailure(.internal, "a frame could not be rendered: \(problem)") }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Daemons see relative paths from the folder of their configuration.
    private static func absolute(_ path: String) throws(CommandFailure) -> String {
        guard let resolved = FileOctets.resolve(path) else {
            throw CommandFailure(.config, "\(path) cannot be found: check --home and --firmware")
        }
        return resolved
    }
}
