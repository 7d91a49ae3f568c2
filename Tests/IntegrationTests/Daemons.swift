import Foundation
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// A gateway and a station of one test: own sockets, own state, ended by their ids.
final class Daemons {
    let folder: TemporaryFolder
    private let sockets: TemporaryFolder
    private var gateway: Process?
    private var station: Process?

    var frames: String { "ipc://\(sockets.path)/f" }
    let link: String
    var archive: String { folder.file("archive") }

    /// Writes configurations; nothing runs yet. `subscribes`: frames come from a PUB that listens at `frames`. `hasSources`: only
    /// those may send whose keys are in the folder `sources`. `acknowledges`: sources hear of each frame that is stored. Daemons
    /// find their keys in the folder `keys`, if it is there. `http`: where both serve their pages. `line`: where the station connects
    /// to, and where the gateway listens. `more`: further lines of the station's.
    init(
        target: String = "300x", frameLimit: Int = 64 << 20, subscribes: Bool = false, acknowledges: Bool = false,
        hasSources: Bool = false, http: String = "", line: (station: String, gateway: String)? = nil, more: String = ""
    ) throws {
        folder = try TemporaryFolder()
        sockets = try TemporaryFolder()
        link = line?.station ?? "ipc://\(sockets.path)/l"
        let bundles = SharedData.packageRoot + "/Firmware"
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: bundles).sorted().first { !$0.hasPrefix(".") })
        let sources = hasSources ? ", sources = \"sources\"" : ""
        let endpoint =
            "{ mode = \"\(subscribes ? "sub" : acknowledges ? "acknowledged" : "pull")\", endpoint = \"\(frames)\"\(sources) }"
        try """
        [station]
        id = "test"
        [intake]
        endpoints = [ \(endpoint) ]
        [limits]
        frame_bytes = \(frameLimit)
        [encoder]
        target = "\(target)"
        lanes = 2
        [sensors]
        directory = "\(SharedData.packageRoot)/Config/sensors"
        [firmware]
        directory = "\(bundles)"
        name = "\(name)"
        slots = "slots"
        [spool]
        directory = "spool"
        [gateway]
        endpoint = "\(link)"
        [control]
        places_file = "places.bin"
        [status]
        file = "perigeed.json"
        [http]
        listen = "\(http)"
        \(more)
        """.write(toFile: folder.file("perigeed.toml"), atomically: true, encoding: .utf8)
        try """
        [gateway]
        endpoint = "\(line?.gateway ?? link)"
        [archive]
        directory = "archive"
        [status]
        file = "gateway.json"
        [http]
        listen = "\(http)"
        """.write(toFile: folder.file("gateway.toml"), atomically: true, encoding: .utf8)
    }

    /// Gives the station another gateway, which does not exist, before the one there is; answers its address. Call it before the start.
    func preferAnotherGateway() throws -> String {
        let nobody = "ipc://\(sockets.path)/nobody"
        let text = try String(contentsOfFile: folder.file("perigeed.toml"), encoding: .utf8)
        let fallback = "endpoint = \"\(nobody)\"\nfallbacks = [{ endpoint = \"\(link)\" }]"
        try text.replacing("endpoint = \"\(link)\"", with: fallback)
            .write(toFile: folder.file("perigeed.toml"), atomically: true, encoding: .utf8)
        return nobody
    }

    deinit {
        for process in [station, gateway].compactMap({ $0 }) where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    func startGateway() throws { gateway = try start("perigee-gateway", "gateway.toml", log: "gateway.log") }

    func startStation() throws { station = try start("perigeed", "perigeed.toml", log: "perigeed.log") }

    /// Starts `perigee render --follow`; the caller ends it.
    func startRenderer(products: String) throws -> Process {
        try start(
            "perigee", words: ["render", "--archive", archive, "-o", products, "--follow", "--interval", "50"],
            log: "render.log")
    }

    private func start(_ name: String, _ configuration: String, log: String) throws -> Process {
        try start(name, words: ["--config", folder.file(configuration)], log: log)
    }

    private func start(_ name: String, words: [String], log: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: Programs.folder + "/" + name)
        process.arguments = words
        var variables = ProcessInfo.processInfo.environment
        variables["PERIGEE_HOME"] = SharedData.packageRoot
        process.environment = variables
        let output = try Programs.writable(folder.file(log))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        return process
    }

    /// The gateway loses its life without a word.
    func killGateway() {
        guard let gateway else { return }
        kill(gateway.processIdentifier, SIGKILL)
        gateway.waitUntilExit()
    }

    /// The station loses its life without a word.
    func killStation() {
        guard let station else { return }
        kill(station.processIdentifier, SIGKILL)
        station.waitUntilExit()
    }

    /// Makes both read their configuration anew.
    func reload() {
        for process in [gateway, station].compactMap({ $0 }) { kill(process.processIdentifier, SIGHUP) }
    }

    var isStationRunning: Bool { station?.isRunning ?? false }

    /// Ends the station in order; answers its exit code.
    func stopStation() -> Int32 {
        guard let station else { return -1 }
        station.terminate()
        station.waitUntilExit()
        return station.terminationStatus
    }

    /// What `perigeed.json` says; nil before it is there.
    var status: JSONValue? {
        guard let data = FileManager.default.contents(atPath: folder.file("perigeed.json")) else { return nil }
        return try? JSONValue(parsing: Array(data)[...], depthLimit: 16)
    }

    var log: String { (try? String(contentsOfFile: folder.file("perigeed.log"), encoding: .utf8)) ?? "" }

    /// What `gateway.json` says; nil before it is there.
    private var gatewayStatus: JSONValue? {
        guard let data = FileManager.default.contents(atPath: folder.file("gateway.json")) else { return nil }
        return try? JSONValue(parsing: Array(data)[...], depthLimit: 16)
    }

    private var gatewayLog: String {
        (try? String(contentsOfFile: folder.file("gateway.log"), encoding: .utf8)) ?? "no log"
    }

    /// Waits until the status says what is asked for; gives up after a minute or so, with the status in the failure.
    func wait(_ what: String, seconds: Int = 60, until isTrue: (JSONValue) -> Bool) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        while ContinuousClock.now < deadline {
            if let status, isTrue(status) { return }
            try #require(isStationRunning, "the station ended: \(log)")
            try await Task.sleep(for: .milliseconds(50))
        }
        // the last sleep may have lasted long: other tests hold the threads
        if let status, isTrue(status) { return }
        Issue.record(
            "waited in vain for \(what): \(status?.description ?? "no status"); \(log); gateway: \(gatewayLog)")
        throw CancellationError()
    }

    /// Waits until the gateway's status says what is asked for; gives up after a minute.
    func waitForGateway(_ what: String, until isTrue: (JSONValue) -> Bool) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < deadline {
            if let status = gatewayStatus, isTrue(status) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        // as above
        if let status = gatewayStatus, isTrue(status) { return }
        let last = gatewayStatus?.description ?? "no status"
        let isRunning = gateway?.isRunning == true
        Issue.record("waited in vain for \(what), gateway \(isRunning ? "runs" : "ended"): \(last); \(gatewayLog)")
        throw CancellationError()
    }

    /// Waits until so many frames were taken, and every packet is acknowledged.
    func waitForDelivery(_ count: Int) async throws {
        try await wait("\(count) frames delivered") { status in
            let link = status["link"]
            return status["ledger"]?["spooled"]?.int == count && link?["held_packets"]?.int == 0
                && link?["packets_acknowledged"]?.int == link?["packets_queued"]?.int
        }
    }
}
