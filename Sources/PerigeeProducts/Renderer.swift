import PerigeeArchive
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeRaster

/// Makes products of the frames of an archive. Passes are idempotent: what is there already, made of the same packets, stays
/// as it is; a finer layer makes a product anew. Calls block; it belongs to one thread at a time.
public struct Renderer: ~Copyable {
    let options: RenderOptions
    let reader: ArchiveReader
    let status: FrameStatus
    private let writer: ProductWriter
    private let store: FirmwareStore
    var decoder: StreamDecoder
    /// Everything up to here in the archive's feed of changes was looked at.
    private var cursor: Int64 = 0
    /// Frames that cannot be decoded and what they wait for, by identity.
    private var pending: [Identity: PendingFrame] = [:]
    /// Frames that a plain one stands in for, and what that is called.
    var replaced: [FrameName: String] = [:]
    /// Where the archive's feed stood when frames that wait for others were tried last.
    private var tried: Int64 = 0
    static let pendingLimit = 100_000
    private static let batch = 100

    private struct Identity: Hashable {
        let station: String
        let epoch: Epoch
        let declaration: Int
        let frameDelta: UInt64

        init(_ frame: ArchivedFrame) {
            (station, epoch) = (frame.station, frame.epoch)
            (declaration, frameDelta) = (frame.declaration, frame.frameDelta)
        }
    }

    /// Opens the archive; nothing is rendered yet.
    public init(_ options: RenderOptions) throws(RenderError) {
        do throws(ArchiveError) {
            let reader = try ArchiveReader.open(options.archiveDirectory)
            let status = try FrameStatus(options.archiveDirectory)
            self.reader = reader
            self.status = status
        } catch { throw .archive(error) }
        self.options = options
        writer = ProductWriter(folder: options.productFolder)
        store = FirmwareStore(directory: options.firmwareDirectory)
        decoder = StreamDecoder(store: store, lanes: options.lanes, sizeLimit: options.sizeLimit)
    }

    /// Looks at every frame that changed since the last pass, and at those whose firmware may have come. The first pass looks
    /// at all. `report` hears of each frame; `isStopped` is asked between frames.
    public mutating func pass(
        isStopped: () -> Bool = { false }, report: (RenderEvent) -> Void
    ) throws(RenderError) -> RenderSummary {
        var summary = RenderSummary()
        try retry(&summary, isStopped, report)
        defer { tried = cursor }
        while !isStopped() {
            var filter = FrameFilter()
            filter.changedAfter = cursor
            filter.limit = Self.batch
            let frames: [ArchivedFrame]
            do throws(ArchiveError) { frames = try reader.frames(filter) } catch { throw .archive(error) }
            guard !frames.isEmpty else { break }
            for frame in frames where !isStopped() {
                let event = try render(frame)
                summary.count(event)
                report(event)
                cursor = max(cursor, frame.changed)
            }
        }
        if cursor > tried {
            let replaced = replaced
            try retry(&summary, isStopped, report) { $0.mayHaveChanged(replaced) }
        }
        return summary
    }

    /// Frames that waited for a firmware which can be loaded now.
    private mutating func retry(
        _ summary: inout RenderSummary, _ isStopped: () -> Bool, _ report: (RenderEvent) -> Void
    ) throws(RenderError) {
        let firmware = Set(pending.values.compactMap(\.firmware))
        guard !firmware.isEmpty, let listing = try? store.list() else { return }
        for firmware in firmware.intersection(listing.bundles.map(\.manifest.id)).sorted()
        where decoder.canLoad(firmware) {
            try retry(&summary, isStopped, report) { $0.firmware == firmware }
        }
    }

    private mutating func retry(
        _ summary: inout RenderSummary, _ isStopped: () -> Bool, _ report: (RenderEvent) -> Void,
        _ isWorthIt: (PendingFrame) -> Bool
    ) throws(RenderError) {
        let entries = pending.values.filter(isWorthIt)
        for entry in entries.sorted(by: { $0.frame.changed < $1.frame.changed }) where !isStopped() {
            let event = try render(entry.frame)
            if entry.firmware == nil, event.isWaitingForReference { continue }  // as before: that was reported
            summary.count(event)
            report(event)
        }
    }

    private mutating func render(_ frame: ArchivedFrame) throws(RenderError) -> RenderEvent {
        let known = pending.removeValue(forKey: Identity(frame))
        do throws(RenderError) {
            return try makeProduct(frame, known)
        } catch {
            switch error {
            case .product(.replaced(let other)):
                try mark(frame, "\(ProductError.replaced(by: other))")
                return .replaced(frame, by: other)
            case .product(let cause) where cause.isUndecodable:
                try mark(frame, "\(cause)")
                let name = try name(of: frame)
                if pending.count < Self.pendingLimit {
                    var marked = frame
                    marked.undecodable = "\(cause)"
                    pending[Identity(frame)] = PendingFrame(frame: marked, name: name, cause: cause)
                }
                if cause.firmware != nil { return .undecodable(frame, reason: "\(cause)") }
                guard cause.isDifferingReference else { return .waitingForReference(frame, reason: "\(cause)") }
                var reason = "\(cause)"
                if let name, let obstacle = wantPlain(name) { reason += obstacle }
                return .referenceDiffers(frame, reason: reason)
            case .product(.file), .product(.raster(.unwritable)), .archive(.index):
                throw error
            case .product(let cause):
                try mark(frame, "\(cause)")
                return .failed(frame, reason: "\(cause)")
            case .archive(let cause):
                try mark(frame, "\(cause)")
                return .failed(frame, reason: "\(cause)")
            }
        }
    }

    private mutating func makeProduct(
        _ frame: ArchivedFrame, _ known: PendingFrame?
    ) throws(RenderError) -> RenderEvent {
        // Part 0 alone says what the product is called and whether it is current.
        guard let start = try content(frame, sizeLimit: Packet.sizeLimit) else {
            return .waiting(frame, missing: "declaration \(frame.declaration)")
        }
        guard let metadata = start.metadata, frame.completeLayers > 0 else {
            return .waiting(frame, missing: start.metadata == nil ? "part 0" : "the rest of layer 0")
        }
        var facts = ProductFacts(
            station: frame.station, epoch: frame.epoch, frame: start.declaration.baseFrame &+ frame.frameDelta,
            received: min(frame.first, frame.last)...max(frame.first, frame.last), packetCount: frame.partCount,
            packetSize: frame.size, software: options.software)
        facts.layerLimit = options.layerCount
        note(metadata, facts)
        if writer.isCurrent(facts, metadata: metadata) {
            if frame.undecodable != nil { try mark(frame, nil) }
            return .current(frame)
        }
        guard let content = try content(frame, sizeLimit: options.sizeLimit) else {
            return .waiting(frame, missing: "declaration \(frame.declaration)")
        }
        let event: RenderEvent
        do throws(ProductError) {
            event = try makeProduct(frame, content, metadata, facts, known)
        } catch { throw .product(error) }
        if frame.undecodable != nil { try mark(frame, nil) }
        return event
    }

    private mutating func makeProduct(
        _ frame: ArchivedFrame, _ content: FrameContent, _ metadata: FrameMetadata, _ facts: ProductFacts,
        _ known: PendingFrame?
    ) throws(ProductError) -> RenderEvent {
        let layers = content.layers.prefix(options.layerCount ?? content.layers.count).map { $0[...] }
        do throws(ProductError) {
            let reference = try reference(of: frame, content, metadata, known)
            let decoded = try decoder.decode(
                content.declaration, metadata: metadata, layers: Array(layers), reference: reference)
            return .rendered(frame, try writer.write(decoded, facts), layers: layers.count)
        } catch {
            if error.isUndecodable {
                _ = try writer.writeNote(error, facts, declaration: content.declaration, metadata: metadata)
            }
            throw error
        }
    }

    private func content(_ frame: ArchivedFrame, sizeLimit: Int) throws(RenderError) -> FrameContent? {
        do throws(ArchiveError) {
            return try reader.content(of: frame, sizeLimit: sizeLimit)
        } catch { throw .archive(error) }
    }

    private func mark(_ frame: ArchivedFrame, _ reason: String?) throws(RenderError) {
        do throws(ArchiveError) {
            try status.setUndecodable(reason, frame: frame)
        } catch { throw .archive(error) }
    }
}
