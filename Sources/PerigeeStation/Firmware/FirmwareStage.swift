import PerigeeCore
import PerigeeFirmware
package import PerigeeLink
package import PerigeeRollout

/// Fetches a bundle that the gateway offers, piece by piece, installs it into the slots, and tells the gateway how far it is.
/// Without threads: its owner gives it what comes, calls `tick`, and sends what it answers.
///
/// After each piece it rests four times as long as the piece took, so that firmware has at most a fifth of the line whatever
/// its speed. What is there of a bundle stays over restarts.
package struct FirmwareStage {
    /// Octets of a piece.
    static let pieceSize = 8 << 10
    /// Times as long as a piece took.
    static let rest: Int64 = 4
    /// Milliseconds without a piece after which it is asked for again; doubled each time up to the greatest.
    static let patience: Int64 = 30_000, greatestPatience: Int64 = 300_000

    /// What goes to the gateway; sessions are filled in by the link.
    package enum Reply: Equatable {
        case fetch(LinkMessage.Fetch)
        case report(LinkMessage.BundleReport)
    }

    private struct Download {
        let offer: LinkMessage.Offer
        let file: IncomingFile
        var received: Int
        /// When the piece that is waited for was asked for; nil while it rests.
        var askedAt: Int64?
        var patience = FirmwareStage.patience
        /// When to ask, or to ask again.
        var due: Int64
    }

    private let slots: SlotStore?
    private let slotsFolder: String
    private let folder: String
    private let check: SlotStore.Check
    private var download: Download?
    /// The bundle of the last offer, by the gateway's name, and what was said of it.
    private var told: (bundle: UInt32, report: LinkMessage.BundleReport)?
    /// Digests that were refused in this run, and why: they are not fetched again.
    private var refused: [[UInt8]: String] = [:]

    /// `slotsFolder`: pieces are put together in its folder `incoming`; both are made where they are missing. `slots`: nil
    /// where nothing may be installed.
    package init(slots: SlotStore?, slotsFolder: String, check: @escaping SlotStore.Check = SelfTest.run) {
        self.slots = slots
        self.slotsFolder = slotsFolder
        folder = slotsFolder + "/incoming"
        self.check = check
    }

    /// Takes an offer: fetches it, or says what became of it.
    package mutating func take(_ offer: LinkMessage.Offer, now: LinkTime) -> [Reply] {
        if let running = download, running.offer.digest == offer.digest {
            // the same octets keep their name, and the session is filled in elsewhere
            return tick(now: now)
        }
        guard let slots else { return [report(offer, .refused, "no firmware keys here")] }
        if let reason = refused[offer.digest] { return [report(offer, .refused, reason)] }
        guard let state = try? slots.read() else { return [report(offer, .refused, "the slots cannot be read")] }
        if let known = ReceivedBundle(folder: folder), known.digest == offer.digest {
            let (stage, reason) = known.stage(state)
            return [report(offer, stage, reason)]
        }
        guard state.trial == nil else { return [] }  // it will be offered again
        if let problem = problem(offer, state, slots.keys) { return [refuse(offer, problem)] }
        return begin(offer, now)
    }

    private func problem(_ offer: LinkMessage.Offer, _ state: SlotState, _ keys: TrustedKeys) -> String? {
        guard offer.size <= PackedBundle.sizeLimit else {
            return "\(offer.size) octets, at most \(PackedBundle.sizeLimit)"
        }
        let least = keys.keys.map { state.accepted[$0.id] ?? 0 }.min() ?? 0
        guard offer.version > least else { return "version \(offer.version), \(least) was kept" }
        if let space = IncomingFile.freeSpace(slotsFolder), space < 4 * offer.size {
            return "\(space) octets free, \(4 * offer.size) needed"
        }
        return nil
    }

    private mutating func begin(_ offer: LinkMessage.Offer, _ now: LinkTime) -> [Reply] {
        let name = Hex.text(offer.digest)
        let files = DiskFiles(directory: folder)
        do throws(FirmwareError) {
            try DiskFiles(directory: slotsFolder).makeFolder("")
            try files.makeFolder("")
            for other in try files.names(in: "") where other.hasSuffix(".part") && other != "\(name).part" {
                try files.remove(other)
            }
        } catch { return [refuse(offer, "the disk cannot be written")] }
        let file = IncomingFile(path: "\(folder)/\(name).part")
        if file.size > offer.size { file.remove() }
        download = Download(offer: offer, file: file, received: file.size, due: now.monotonic)
        let first = report(offer, .fetching)
        if file.size == offer.size { return [first] + finish(now) }
        return [first] + tick(now: now)
    }

    /// Takes a piece. One that was not asked for is passed over.
    package mutating func take(_ piece: LinkMessage.Piece, now: LinkTime) -> [Reply] {
        guard var running = download, let askedAt = running.askedAt, piece.bundle == running.offer.bundle,
            piece.offset == running.received, piece.octets.count <= running.offer.size - running.received
        else { return [] }
        guard running.file.append(piece.octets, at: running.received) else {
            let offer = running.offer
            download = nil
            return [refuse(offer, "the disk cannot be written")]
        }
        running.received += piece.octets.count
        running.askedAt = nil
        running.patience = Self.patience
        running.due = now.monotonic + Self.rest * max(0, now.monotonic - askedAt)
        download = running
        return running.received == running.offer.size ? finish(now) : tick(now: now)
    }

    /// Asks for the next piece when it is time, and tells what became of a bundle since.
    package mutating func tick(now: LinkTime) -> [Reply] {
        guard var running = download else { return news() }
        guard now.monotonic >= running.due else { return [] }
        if running.askedAt != nil { running.patience = min(running.patience * 2, Self.greatestPatience) }
        running.askedAt = now.monotonic
        running.due = now.monotonic + running.patience
        download = running
        return [
            .fetch(
                .init(
                    session: 0, bundle: running.offer.bundle, offset: running.received,
                    size: min(Self.pieceSize, running.offer.size - running.received)))
        ]
    }

    /// When `tick` has something to ask next; nil where nothing is fetched.
    package var due: Int64? { download?.due }

    /// A stage that changed without a message: a trial that began or was decided.
    private mutating func news() -> [Reply] {
        guard let told, [.staged, .trial].contains(told.report.stage), let slots, let state = try? slots.read(),
            let known = ReceivedBundle(folder: folder)
        else { return [] }
        let (stage, reason) = known.stage(state)
        guard stage != told.report.stage else { return [] }
        return [report(told.bundle, stage, reason)]
    }

    /// Everything is there: checks and installs it.
    private mutating func finish(_ now: LinkTime) -> [Reply] {
        guard let running = download, let slots else { return [] }
        download = nil
        defer { running.file.remove() }
        do throws(RolloutError) {
            let packed: PackedBundle
            do throws(FirmwareError) { packed = try PackedBundle(file: running.file.path) } catch {
                throw .firmware(error)
            }
            guard packed.digest == running.offer.digest else {
                return [refuse(running.offer, "not the octets that were offered")]
            }
            let release = try slots.install(
                packed, allowsDowngrade: false, refusesFailed: true, now: now.utc, check: check)
            ReceivedBundle(digest: running.offer.digest, firmware: release.id).write(folder: folder)
            return [report(running.offer, .staged)]
        } catch {
            return [refuse(running.offer, "\(error)")]
        }
    }

    private mutating func refuse(_ offer: LinkMessage.Offer, _ reason: String) -> Reply {
        // a gateway that goes through offers does not fill the memory
        if refused.count >= 64 { refused = [:] }
        refused[offer.digest] = reason
        return report(offer, .refused, reason)
    }

    private mutating func report(_ offer: LinkMessage.Offer, _ stage: BundleStage, _ reason: String = "") -> Reply {
        report(offer.bundle, stage, reason)
    }

    private mutating func report(_ bundle: UInt32, _ stage: BundleStage, _ reason: String) -> Reply {
        let report = LinkMessage.BundleReport(
            session: 0, bundle: bundle, stage: stage, reason: Self.short(reason))
        told = (bundle, report)
        return .report(report)
    }

    /// As much of a text as a report takes.
    private static func short(_ text: String) -> String {
        var short = text
        while short.utf8.count > LinkLimit.text { short.removeLast() }
        return short
    }
}
