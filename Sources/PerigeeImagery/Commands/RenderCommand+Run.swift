import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeProducts
import PerigeeTools

extension RenderCommand {
    static func run(_ arguments: Arguments) throws -> ExitCode {
        let archive = arguments.text("archive") ?? ""
        let isFollowing = arguments.flag("follow")
        guard isFollowing || InstallationFolders.isFolder("\(archive)/segments") else {
            throw CommandFailure(.unavailable, "\(archive) holds no archive: name the folder that holds `segments`")
        }
        let store = try Library(arguments).storeFolder
        let output = arguments.text("output") ?? ""
        try FileOctets.makeFolder(output)
        var options = RenderOptions(
            archiveDirectory: archive, firmwareDirectory: store, productFolder: output, software: Program.releaseVersion
        )
        options.layerCount = arguments.integer("layers")
        options.lanes = arguments.integer("lanes") ?? ProcessorCount.available
        StopSignal.watch()
        let isJSON = arguments.flag("json")
        do {
            if isFollowing {
                try Renderer.follow(
                    options, intervalMilliseconds: arguments.integer("interval") ?? 1_000,
                    isStopped: { StopSignal.isSet }, report: { report($0, isJSON: isJSON) })
                return .ok
            }
            var renderer = try Renderer(options)
            var progress = Progress("render", total: nil, unit: "frames")
            var done = 0
            let summary = try renderer.pass(isStopped: { StopSignal.isSet }) { event in
                report(event, isJSON: isJSON)
                done += 1
                progress.update(done)
            }
            progress.finish()
            if !isJSON { Terminal.print(text(summary), to: .error) }
            return summary.failed > 0 ? .data : .ok
        } catch { throw CommandFailure(.io, "\(error)") }
    }

    private static func text(_ summary: RenderSummary) -> String {
        "\(summary.rendered) products made, \(summary.current) were there, \(summary.waiting) wait for packets, "
            + "\(summary.undecodable) for a firmware, \(summary.failed) failed"
    }

    private static func report(_ event: RenderEvent, isJSON: Bool) {
        guard isJSON else {
            switch event {
            case .rendered(_, let product, let layers):
                Terminal.print("\(product.raster)  \(layers) layers")
            case .current: break
            case .waiting(let frame, let missing):
                Terminal.print("\(name(frame.station, frame.epoch)) waits: \(missing)", to: .error)
            case .undecodable(let frame, let reason), .failed(let frame, let reason):
                Terminal.print("\(name(frame.station, frame.epoch)): \(reason)", to: .error)
            }
            return
        }
        var members: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue) { members.append(JSONValue.Member(key, value)) }
        switch event {
        case .rendered(let frame, let product, let layers):
            add("event", .string("rendered"))
            add("station", .string(frame.station))
            add("epoch", .string(frame.epoch.text))
            add("packet_bytes", .integer(frame.size))
            add("raster", .string(product.raster))
            add("item", .string(product.item))
            add("raster_bytes", .integer(product.size))
            add("layers", .integer(layers))
            add("notes", .array(product.notes.map { .string($0) }))
        case .current(let frame):
            add("event", .string("current"))
            add("station", .string(frame.station))
            add("epoch", .string(frame.epoch.text))
        case .waiting(let frame, let reason):
            add("event", .string("waiting"))
            add("station", .string(frame.station))
            add("epoch", .string(frame.epoch.text))
            add("reason", .string(reason))
        case .undecodable(let frame, let reason):
            add("event", .string("undecodable"))
            add("station", .string(frame.station))
            add("epoch", .string(frame.epoch.text))
            add("reason", .string(reason))
        case .failed(let frame, let reason):
            add("event", .string("failed"))
            add("station", .string(frame.station))
            add("epoch", .string(frame.epoch.text))
            add("reason", .string(reason))
        }
        Terminal.print(JSONValue.object(members).description)
    }

    private static func name(_ station: String, _ epoch: Epoch) -> String { "\(station)/\(epoch.text.prefix(8))" }
}
