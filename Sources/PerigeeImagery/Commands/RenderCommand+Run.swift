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
        var text =
            "\(summary.rendered) products made, \(summary.current) were there, \(summary.waiting) wait for packets, "
            + "\(summary.undecodable) for a firmware, \(summary.failed) failed"
        if summary.waitingForReference + summary.referenceDiffers + summary.replaced > 0 {
            text +=
                "; of predicted frames \(summary.waitingForReference) wait for a reference, "
                + "\(summary.referenceDiffers) have another one, \(summary.replaced) were replaced by plain ones"
        }
        return text
    }

    private static func report(_ event: RenderEvent, isJSON: Bool) {
        let line = RenderLine(event)
        guard isJSON else {
            switch event {
            case .rendered(_, let product, let layers): Terminal.print("\(product.raster)  \(layers) layers")
            case .current: break
            case .waiting: Terminal.print("\(name(line.frame)) waits: \(line.reason ?? "")", to: .error)
            case .waitingForReference, .referenceDiffers, .replaced, .undecodable, .failed:
                Terminal.print("\(name(line.frame)): \(line.reason ?? "")", to: .error)
            }
            return
        }
        var members: [JSONValue.Member] = [
            .init("event", .string(line.event)), .init("station", .string(line.frame.station)),
            .init("epoch", .string(line.frame.epoch.text)),
        ]
        if case .rendered(let frame, let product, let layers) = event {
            members += [
                .init("packet_bytes", .integer(frame.size)), .init("raster", .string(product.raster)),
                .init("item", .string(product.item)), .init("raster_bytes", .integer(product.size)),
                .init("layers", .integer(layers)), .init("notes", .array(product.notes.map { .string($0) })),
            ]
        }
        if let reason = line.reason { members.append(.init("reason", .string(reason))) }
        Terminal.print(JSONValue.object(members).description)
    }

    private static func name(_ frame: ArchivedFrame) -> String { "\(frame.station)/\(frame.epoch.text.prefix(8))" }
}

/// What all events say.
private struct RenderLine {
    let event: String
    let frame: ArchivedFrame
    var reason: String?

    init(_ event: RenderEvent) {
        switch event {
        case .rendered(let frame, _, _): (self.event, self.frame) = ("rendered", frame)
        case .current(let frame): (self.event, self.frame) = ("current", frame)
        case .waiting(let frame, let missing): (self.event, self.frame, reason) = ("waiting", frame, missing)
        case .waitingForReference(let frame, let reason):
            (self.event, self.frame, self.reason) = ("waiting_for_reference", frame, reason)
        case .referenceDiffers(let frame, let reason):
            (self.event, self.frame, self.reason) = ("reference_differs", frame, reason)
        case .replaced(let frame, let other):
            (self.event, self.frame, reason) = ("replaced", frame, "\(ProductError.replaced(by: other))")
        case .undecodable(let frame, let reason): (self.event, self.frame, self.reason) = ("undecodable", frame, reason)
        case .failed(let frame, let reason): (self.event, self.frame, self.reason) = ("failed", frame, reason)
        }
    }
}
