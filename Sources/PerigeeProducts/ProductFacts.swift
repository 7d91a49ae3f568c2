public import PerigeeCore

/// What the archive knows of a frame beside its tokens.
public struct ProductFacts: Equatable, Sendable {
    /// Who sent it.
    public var station: String
    public var epoch: Epoch
    /// Number of the frame in its epoch.
    public var frame: UInt64
    /// When its first and its last packet were received.
    public var received: ClosedRange<Timestamp>
    /// Packets at hand, and their octets, headers included.
    public var packetCount: Int
    public var packetSize: Int
    /// The most layers that are used, where somebody limits them.
    public var layerLimit: Int?
    /// Release that makes the product.
    public var software: String

    /// See the properties.
    public init(
        station: String, epoch: Epoch, frame: UInt64, received: ClosedRange<Timestamp>, packetCount: Int,
        packetSize: Int, software: String
    ) {
        self.station = station
        self.epoch = epoch
        self.frame = frame
        self.received = received
        self.packetCount = packetCount
        self.packetSize = packetSize
        self.software = software
    }
}

/// Where the files of one frame lie below the folder of products. Only digits, fixed letters and sanitised names: no text
/// from outside can name another folder.
public struct ProductName: Hashable, Sendable {
    /// `STATION/EPOCH`, below the folder of products.
    public let folder: String
    /// `TIME_FRAME`: the time as in 20180615T105401Z, "undated" where nobody said it, and twelve digits or more.
    public let base: String

    public var raster: String { base + ".tif" }
    public var item: String { base + ".json" }
    /// A note that stands here while the frame cannot be decoded.
    public var note: String { base + ".undecodable.json" }

    /// The name of a frame; it depends on what never changes, not on the layers at hand.
    public init(_ facts: ProductFacts, metadata: FrameMetadata) {
        folder = "\(Self.plain(facts.station))/\(facts.epoch.text)"
        let digits = String(facts.frame)
        let number = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        if case .acquired(let time) = metadata.time {
            base = "\(Self.compact(time))_\(number)"
        } else {
            base = "undated_\(number)"
        }
    }

    /// Identity of the STAC item: sensor, time, half of the epoch, frame.
    func identifier(sensor: String) -> String {
        let epoch = folder.suffix(32).prefix(16)
        return "\(Self.plain(sensor))_\(base)_\(epoch)"
    }

    static func compact(_ time: Timestamp) -> String {
        time.rfc3339.filter { $0 != "-" && $0 != ":" && $0 != "." }
    }

    /// Lower-case letters, digits and dashes; everything else becomes a dash. At most 48 octets, never empty.
    static func plain(_ text: String) -> String {
        let kept = text.lowercased().utf8.prefix(48).map { octet -> UInt8 in
            switch octet {
            case 0x30...0x39, 0x61...0x7A: octet
            default: 0x2D
            }
        }
        return kept.isEmpty ? "unnamed" : String(decoding: kept, as: UTF8.self)
    }
}
