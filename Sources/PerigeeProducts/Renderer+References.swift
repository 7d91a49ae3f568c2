import Glibc
import PerigeeArchive
import PerigeeCodec
import PerigeeCore

/// A frame by its number, which is what references name.
struct FrameName: Hashable {
    let station: String
    let epoch: Epoch
    let number: UInt64
}

/// A frame that could not be decoded.
struct PendingFrame {
    let frame: ArchivedFrame
    let name: FrameName?
    let cause: ProductError

    /// The bundle that it waits for.
    var firmware: UInt32? { cause.firmware }

    /// Whether something that came since may help: any frame where references are missing. What differs goes on to do so, until another frame
    /// stands in.
    func mayHaveChanged(_ replaced: [FrameName: String]) -> Bool {
        guard firmware == nil else { return false }
        return !cause.isDifferingReference || name.flatMap { replaced[$0] } != nil
    }
}

extension Renderer {
    /// What a frame is predicted from, out of the archive.
    mutating func reference(
        of frame: ArchivedFrame, _ content: FrameContent, _ metadata: FrameMetadata, _ known: PendingFrame?
    ) throws(ProductError) -> FrameReference? {
        guard let references = metadata.references else { return nil }
        let file = TokenFile(frame, content, metadata)
        let other = replaced[FrameName(station: frame.station, epoch: frame.epoch, number: file.frame)]
        // one that failed before is not decoded in vain
        if known?.firmware == nil, known != nil, let other { throw .replaced(by: other) }
        var decoder = decoder
        defer { self.decoder = decoder }
        var isDamaged = false
        do throws(ProductError) {
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
                } catch {
                    // the index has what cannot be read: nobody else sees that it is lost
                    if case .format = error { isDamaged = true }
                    return []
                }
            }
        } catch {
            guard error.waitsForReference else { throw error }
            if let other { throw .replaced(by: other) }
            if isDamaged { throw .unreadableReference(of: file.identity, hash: references.hash) }
            throw error
        }
    }

    /// Takes down which frame this one stands in for.
    mutating func note(_ metadata: FrameMetadata, _ facts: ProductFacts) {
        guard let identity = metadata.replaces?.identity(epoch: facts.epoch, number: facts.frame),
            replaced.count < Self.pendingLimit
        else { return }
        let name = FrameName(station: facts.station, epoch: identity.epoch, number: identity.number)
        replaced[name] = "\(facts.epoch.text)-\(facts.frame)"
    }

    /// The number of a frame, which counts from its declaration's.
    func name(of frame: ArchivedFrame) throws(RenderError) -> FrameName? {
        do throws(ArchiveError) {
            guard let base = try reader.declaration(of: frame)?.baseFrame else { return nil }
            return FrameName(station: frame.station, epoch: frame.epoch, number: base &+ frame.frameDelta)
        } catch { throw .archive(error) }
    }

    /// Wants a frame once more without references, once ever; answers what kept it from doing so.
    func wantPlain(_ name: FrameName) -> String? {
        do throws(ArchiveError) {
            guard try !status.hasWanted(station: name.station, epoch: name.epoch, number: name.number) else {
                return nil
            }
            let folder = try WantFolder(options.archiveDirectory)
            let taken = Set(try folder.identities())
            guard taken.count < WantFolder.fileLimit else { return "; it cannot be asked for: too many wants" }
            var identity = UInt32.random(in: 1...UInt32.max)
            while taken.contains(identity) { identity = UInt32.random(in: 1...UInt32.max) }
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            var want = ArchiveWant(
                id: identity, station: name.station, epoch: name.epoch, priority: 2,
                subject: .plain(number: name.number),
                created: Timestamp(milliseconds: Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000))
            want.reason = .referenceDiffers
            try folder.write(want)
            try status.setWanted(station: name.station, epoch: name.epoch, number: name.number)
            return nil
        } catch { return "; it cannot be asked for: \(error)" }
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
