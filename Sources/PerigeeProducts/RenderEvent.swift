public import PerigeeArchive
import PerigeeCore

/// What a renderer reads and writes.
public struct RenderOptions: Sendable {
    public var archiveDirectory: String
    public var firmwareDirectory: String
    public var productFolder: String
    /// Only the first layers of each frame; nil: all that have come.
    public var layerCount: Int?
    /// Threads that decode the tiles of a frame.
    public var lanes = 1
    /// Octets of the samples of one frame.
    public var sizeLimit = Samples.defaultSizeLimit
    /// Written into each product; a product of another release is made anew.
    public var software: String

    /// Options; see the properties.
    public init(archiveDirectory: String, firmwareDirectory: String, productFolder: String, software: String) {
        self.archiveDirectory = archiveDirectory
        self.firmwareDirectory = firmwareDirectory
        self.productFolder = productFolder
        self.software = software
    }
}

/// What became of one frame.
public enum RenderEvent: Sendable {
    case rendered(ArchivedFrame, ProductWriter.Product, layers: Int)
    /// The product on the disk was made of the same packets.
    case current(ArchivedFrame)
    /// Not enough has come to decode anything; `missing` says what.
    case waiting(ArchivedFrame, missing: String)
    /// What it was predicted from is not here; tried again when more has come.
    case waitingForReference(ArchivedFrame, reason: String)
    /// What is here makes another reference than its own; it is wanted without.
    case referenceDiffers(ArchivedFrame, reason: String)
    /// Its references are not to be had, and this frame (epoch and number) stands in for it.
    case replaced(ArchivedFrame, by: String)
    /// Needs a bundle or a release that is not here; tried again when it may be.
    case undecodable(ArchivedFrame, reason: String)
    /// Damaged, or beyond a limit; tried again only when more of it comes.
    case failed(ArchivedFrame, reason: String)
}

extension RenderEvent {
    var isWaitingForReference: Bool { if case .waitingForReference = self { true } else { false } }
}

/// What one pass did.
public struct RenderSummary: Equatable, Sendable {
    public var rendered = 0
    public var current = 0
    public var waiting = 0
    public var waitingForReference = 0
    public var referenceDiffers = 0
    public var replaced = 0
    public var undecodable = 0
    public var failed = 0

    /// Nothing done.
    public init() {}

    /// Frames that were looked at.
    public var frames: Int {
        rendered + current + waiting + waitingForReference + referenceDiffers + replaced + undecodable + failed
    }

    mutating func count(_ event: RenderEvent) {
        switch event {
        case .rendered: rendered += 1
        case .current: current += 1
        case .waiting: waiting += 1
        case .waitingForReference: waitingForReference += 1
        case .referenceDiffers: referenceDiffers += 1
        case .replaced: replaced += 1
        case .undecodable: undecodable += 1
        case .failed: failed += 1
        }
    }
}

/// Why rendering as a whole cannot go on: the archive cannot be read or the folder of products not be written.
public enum RenderError: Error, Sendable {
    case archive(ArchiveError)
    case product(ProductError)
}

extension RenderError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .archive(let error): "\(error)"
        case .product(let error): "\(error)"
        }
    }
}
