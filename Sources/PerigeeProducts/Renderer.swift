import PerigeeArchive
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeRaster

/// Makes products of the frames of an archive. Passes are idempotent: what is there already, made of the same packets, stays
/// as it is; a finer layer makes a product anew. Calls block; it belongs to one thread at a time.
public struct Renderer: ~Copyable {
    private let options: RenderOptions
    private let reader: ArchiveReader
    private let status: FrameStatus
    private let writer: ProductWriter
    private let store: FirmwareStore
    private var decoder: StreamDecoder
    /// Everything up to here in the archive's feed of changes was looked at.
    private var cursor: Int64 = 0
    /// Frames that wait for a firmware, by identity, with its identity; nil for earlier frames.
    private var pending: [Identity: (frame: ArchivedFrame, firmware: UInt32?)] = [:]
    /// Where the archive's feed stood when frames that wait for others were tried last.
    private var tried: Int64 = 0
    private static let pendingLimit = 100_000
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
        if cursor > tried { try retry(waitingFor: nil, &summary, isStopped, report) }
        return summary
    }

    /// Frames that waited for a firmware which can be loaded now.
    private mutating func retry(
        _ summary: inout RenderSummary, _ isStopped: () -> Bool, _ report: (RenderEvent) -> Void
    ) throws(RenderError) {
        guard pending.values.contains(where: { $0.firmware != nil }), let listing = try? store.list() else { return }
        let wanted = Set(pending.values.compactMap(\.firmware)).intersection(listing.bundles.map(\.manifest.id))
        for firmware in wanted.sorted() where decoder.canLoad(firmware) {
            try retry(waitingFor: firmware, &summary, isStopped, report)
        }
    }

    /// Frames that wait for this firmware, or for earlier frames.
    private mutating func retry(
        waitingFor firmware: UInt32?, _ summary: inout RenderSummary, _ isStopped: () -> Bool,
        _ report: (RenderEvent) -> Void
    ) throws(RenderError) {
        let frames = pending.values.filter { $0.firmware == firmware }.map(\.frame)
        for frame in frames.sorted(by: { $0.changed < $1.changed }) where !isStopped() {
            let event = try render(frame)
            summary.count(event)
            report(event)
        }
    }

    private mutating func render(_ frame: ArchivedFrame) throws(RenderError) -> RenderEvent {
        pending[Identity(frame)] = nil
        do throws(RenderError) {
            return try makeProduct(frame)
        } catch {
            switch error {
            case .product(let cause) where cause.isUndecodable:
                if pending.count < Self.pendingLimit {
                    var marked = frame
                    marked.undecodable = "\(cause)"
                    pending[Identity(frame)] = (marked, cause.firmware)
                }
                try mark(frame, "\(cause)")
                return .undecodable(frame, reason: "\(cause)")
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

    private mutating func makeProduct(_ frame: ArchivedFrame) throws(RenderError) -> RenderEvent {
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
        if writer.isCurrent(facts, metadata: metadata) {
            if frame.undecodable != nil { try mark(frame, nil) }
            return .current(frame)
        }
        guard let content = try content(frame, sizeLimit: options.sizeLimit) else {
            return .waiting(frame, missing: "declaration \(frame.declaration)")
        }
        let event: RenderEvent
        do throws(ProductError) {
            event = try makeProduct(frame, content, metadata, facts)
        } catch { throw .product(error) }
        if frame.undecodable != nil { try mark(frame, nil) }
        return event
    }

    private mutating func makeProduct(
        _ frame: ArchivedFrame, _ content: FrameContent, _ metadata: FrameMetadata, _ facts: ProductFacts
    ) throws(ProductError) -> RenderEvent {
        let layers = content.layers.prefix(options.layerCount ?? content.layers.count).map { $0[...] }
        do throws(ProductError) {
            let reference = try reference(of: frame, content, metadata)
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

    /// What a frame is predicted from, out of the archive.
    private mutating func reference(
        of frame: ArchivedFrame, _ content: FrameContent, _ metadata: FrameMetadata
    ) throws(ProductError) -> FrameReference? {
        guard metadata.references != nil else { return nil }
        var decoder = decoder
        defer { self.decoder = decoder }
        let file = TokenFile(frame, content, metadata)
        return try decoder.reference(of: file) { reference, file throws(ProductError) in
            guard reference.back > 0, reference.back <= file.frame else { return [] }
            do throws(ArchiveError) {
                guard
                    let earlier = try reader.frame(
                        station: frame.station, epoch: frame.epoch, number: file.frame - reference.back),
                    let content = try reader.content(of: earlier, sizeLimit: options.sizeLimit),
                    let metadata = content.metadata, content.completeLayers >= reference.layers
                else { return [] }
                return [TokenFile(earlier, content, metadata)]
            } catch { return [] }
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

extension TokenFile {
    /// A frame of the archive with all its layers that are there.
    fileprivate init(_ frame: ArchivedFrame, _ content: FrameContent, _ metadata: FrameMetadata) {
        self.init(
            epoch: frame.epoch, declaration: content.declaration,
            frame: content.declaration.baseFrame &+ frame.frameDelta, metadata: metadata,
            layers: content.layers.prefix(TokenFile.layerLimit).map { $0[...] })
    }
}
