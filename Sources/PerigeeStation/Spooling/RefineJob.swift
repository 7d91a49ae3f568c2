import PerigeeCore
import PerigeeLink

/// What a lane is asked to make of a raw frame: its layers `first` to below `end`, which the gateway wants beyond those that it was sent.
struct RefineJob: Sendable {
    var epoch: Epoch
    var frame: UInt64
    var first: Int
    var end: Int
    var raw: RawFrame
    var declaration: [UInt8]
    var want: LinkMessage.Want
    /// Packets that the ring of finer layers had of them.
    var promised: Int
}

/// What a lane is asked to encode once more, without references, as a new frame: the gateway cannot decode it.
struct PlainJob: Sendable {
    var epoch: Epoch
    var frame: UInt64
    var raw: RawFrame
    /// Layers of it that were sent.
    var layers: Int
    var label: String
    var priority: Int
    /// As it was sent.
    var stream: StreamDeclaration
    var metadata: FrameMetadata
    var want: LinkMessage.Want
}

/// What a lane is given.
enum LaneJob: Sendable {
    case frame(IntakeItem)
    case refine(RefineJob)
    case plain(PlainJob)
}
