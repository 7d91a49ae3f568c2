import PerigeeCommandLine
import PerigeeConfig
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// `perigee replay`: delivers exported packets in the place of their station.
enum ReplayCommand {
    static let command = Command(
        "replay", summary: "Deliver packets that `perigee spool export` wrote to the gateway",
        discussion: [
            "Connects as the station of the configuration, with its keys, and sends each packet under its old epoch and number, so that the "
                + "gateway files none twice: it may be broken off and begun again, and the station may deliver the same packets later.",
            "Stop the station before: a gateway speaks with one session of a station at a time.",
            "Of several gateways it takes the one that the station had last, as the [status] file says, else the first.",
        ],
        options: [
            .value(
                "config", short: "c", .file, as: "FILE", help: "Configuration of the station that the packets are of",
                default: "/etc/perigee/perigeed.toml"),
            .value(
                "gateway", .text, as: "ENDPOINT",
                help: "Deliver to this one: [gateway] endpoint, or the endpoint of a fallback"),
            .value(
                "wait", .integer(1...86_400), as: "SECONDS", help: "End when nothing was acknowledged for so long",
                default: "60"),
            SharedOptions.json,
        ],
        positionals: [Positional("FILE", .file, help: "the exported packets")],
        examples: [
            Example(
                "perigee replay station.packets", "On the station, whose disk has a spool that does not open any more"),
            Example("perigee replay --config rescue/perigeed.toml old.packets", "Elsewhere, with the station's keys"),
        ],
        exitCodes: [.differs, .data, .unavailable, .io, .config])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let file = try PacketExportFile(arguments.positionals[0])
        let configuration: StationConfiguration
        do throws(ConfigurationError) {
            configuration = try StationConfiguration(path: arguments.text("config") ?? "")
        } catch { throw CommandFailure(.config, "\(error)") }
        let isJSON = arguments.flag("json")
        guard !file.epochs.isEmpty else {
            report(file, nil, settled: 0, nil, refused: [], isJSON: isJSON)
            return .ok
        }
        let gateway = try choose(arguments.text("gateway"), configuration)
        let store = ReplayStore(file)
        let link = try connect(configuration, gateway, store: store)
        store.attach { [weak link] event in link?.deliver(event) }
        StopSignal.watch()
        let failure = follow(store, link, total: file.packets, patience: arguments.integer("wait") ?? 60)
        // the last acknowledgements are in: only the goodbye goes out
        let last = (try? link.drain(timeoutMilliseconds: 200)) ?? link.snapshot
        if let failure { throw failure }
        report(file, gateway, settled: store.settledCount, last, refused: store.refused, isJSON: isJSON)
        return store.refused.isEmpty ? .ok : .differs
    }

    /// The gateway of that address; where none is given the one that the station had last.
    private static func choose(
        _ endpoint: String?, _ configuration: StationConfiguration
    ) throws(CommandFailure) -> StationGateway {
        let gateways = configuration.gateways
        guard let endpoint else {
            let octets = try? FileOctets.read(configuration.statusFile, limit: 8 << 20)
            let last = octets.flatMap { try? JSONValue(parsing: $0[...], depthLimit: 16) }?["link"]?["gateway"]?.string
            return gateways.first { $0.endpoint == last } ?? gateways[0]
        }
        guard let gateway = gateways.first(where: { $0.endpoint == endpoint }) else {
            throw CommandFailure(
                .usage,
                "--gateway is \"\(endpoint)\", expected one of \(gateways.map(\.endpoint).joined(separator: ", "))")
        }
        return gateway
    }

    private static func connect(
        _ configuration: StationConfiguration, _ gateway: StationGateway, store: ReplayStore
    ) throws(CommandFailure) -> LinkClient {
        do {
            var address = LinkClient.GatewayAddress(endpoint: gateway.endpoint)
            let servers = try gateway.servers()
            try Endpoint.require(
                keys: !servers.isEmpty, isInsecure: gateway.isInsecure, at: gateway.endpoint, field: gateway.field)
            if !servers.isEmpty {
                address.keys = ClientKeys(own: try KeyFile.readSecret(configuration.secretFile), servers: servers)
            }
            let sender = SenderConfiguration(
                station: try StationName(configuration.stationID), boot: .random(in: 1...UInt64.max))
            return try LinkClient(
                .init(gateways: [address], sender: sender), store: store, context: try ZeroMQContext())
        } catch let error as KeyError {
            throw CommandFailure(.config, "\(error)")
        } catch let error as FormatError {
            throw CommandFailure(.config, "station.id: \(error)")
        } catch {
            throw CommandFailure(.unavailable, "\(error)")
        }
    }

    /// Until all is settled; nil then.
    private static func follow(
        _ store: ReplayStore, _ link: LinkClient, total: Int, patience: Int
    ) -> CommandFailure? {
        var progress = Progress("replay", total: total, unit: "packets")
        defer { progress.finish() }
        var settled = 0
        var deadline = currentTime().monotonic + Int64(patience) * 1_000
        while !store.isDone {
            let count = store.settledCount
            progress.update(count)
            if count > settled { deadline = currentTime().monotonic + Int64(patience) * 1_000 }
            settled = count
            if let conflict = store.conflict {
                return CommandFailure(
                    .data,
                    "the gateway knows other packets of epoch \(conflict.epoch.text), or newer ones: its station went on after "
                        + "the export, so let it deliver by itself, or export again")
            }
            guard !store.hasUnreadable else {
                return CommandFailure(.io, "the file changed, or its disk fails: copy it and try again")
            }
            let rest = "\(total - settled) of \(total) packets are left, and another replay goes on with them"
            if StopSignal.isSet { return CommandFailure(.unavailable, "ended by a signal: \(rest)") }
            guard currentTime().monotonic < deadline else {
                let reason = link.snapshot.lastError ?? "the link is \(link.snapshot.state.rawValue)"
                return CommandFailure(.unavailable, "nothing was acknowledged for \(patience) s, \(rest): \(reason)")
            }
            PauseClock.wait(milliseconds: 20)
        }
        return nil
    }

    private static func report(
        _ file: PacketExportFile, _ gateway: StationGateway?, settled: Int, _ link: LinkClient.Snapshot?,
        refused: [(epoch: Epoch, number: UInt64, field: String)], isJSON: Bool
    ) {
        guard !isJSON else {
            let json = JSONValue.object([
                "gateway": .optional(gateway?.endpoint), "packets": .integer(file.packets),
                "acknowledged": .integer(settled - refused.count),
                "sent": .integer(link?.counters.sent ?? 0), "epochs": .integer(file.epochs.count),
                "link_bytes": .integer(link.map { $0.wireSent + $0.wireReceived } ?? 0),
                "refused": .array(
                    refused.map { packet in
                        .object([
                            "epoch": .string(packet.epoch.text), "number": .integer(Int(clamping: packet.number)),
                            "field": .string(packet.field),
                        ])
                    }),
            ])
            return Terminal.print(json.indented)
        }
        Terminal.print(
            "\(Table.group(settled - refused.count)) of \(Table.group(file.packets)) packets are at "
                + "\(gateway?.endpoint ?? "the gateway"), "
                + "\(Table.group(link?.counters.sent ?? 0)) were sent for it")
        for packet in refused {
            Terminal.print(
                "refused: packet \(packet.number) of epoch \(packet.epoch.text), \(LogText.escaped(packet.field))",
                to: .error)
        }
    }
}
