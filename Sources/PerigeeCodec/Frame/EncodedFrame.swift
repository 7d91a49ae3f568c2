/// One frame as layers of octets, coarse to fine; each layer refines all before it.
public struct EncodedFrame: Equatable, Sendable {
    /// Octets of each layer; a layer may be empty.
    public let layers: [[UInt8]]
    /// Octets that head and validity mask take as they were coded here: what smaller budgets must have room for. A frame with
    /// a fitted basis can be coded in a few octets less; `CodecError.overBudget` names the least size.
    public let smallestSize: Int
    /// Whether the layers have room for every rotation that was used.
    var isComplete = true
    /// Whether the layers refer to the reference that was given: then no decoder can do without it.
    public internal(set) var isPredicted = false

    /// Octets of all layers.
    public var size: Int { layers.reduce(0) { $0 + $1.count } }
}

/// Where the octets of a frame went. Decisions of an arithmetic coder share octets, so their parts are real numbers.
public struct OctetAccount: Equatable, Sendable {
    /// Head of the frame: spectral choice, scale.
    public var head: Double = 0
    /// Records of the spectra of tiles.
    public var records: Double = 0
    /// Tables of lengths of the layers of a frame of several tiles.
    public var tables: Double = 0
    public var mask: Double = 0
    /// How tiles are predicted from history.
    public var prediction: Double = 0
    public var flags: Double = 0
    public var significance: Double = 0
    public var signs: Double = 0
    public var refinement: Double = 0
    /// Verbatim payload.
    public var verbatim: Double = 0
    /// What is missing from the transform's samples, with its head and tables.
    public var residual: Double = 0

    /// An account without entries.
    public init() {}

    public var total: Double {
        head + records + tables + mask + prediction + flags + significance + signs + refinement + verbatim + residual
    }
}
