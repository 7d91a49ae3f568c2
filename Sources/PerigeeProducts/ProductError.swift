public import PerigeeCodec
public import PerigeeCore
public import PerigeeFirmware
public import PerigeeRaster

/// Why a frame did not become a product.
public enum ProductError: Error, Sendable {
    /// No bundle of the store has this identity (yet).
    case unknownFirmware(UInt32)
    /// The frame is predicted from others, and nobody brought them.
    case references(count: Int)
    /// What the frame `of` (epoch and number) is predicted from is not to be had.
    case missingReference(of: String, hash: UInt32)
    /// What is there makes another reference than the one of the frame `of`.
    case differingReference(of: String, hash: UInt32)
    /// What the frame `of` is predicted from is in the archive, and damaged.
    case unreadableReference(of: String, hash: UInt32)
    /// The frame cannot be decoded, and another one (epoch and number) was made of the same samples without references.
    case replaced(by: String)
    /// More predictions lie behind the frame `of` than the format allows.
    case deepReference(of: String, limit: Int)
    /// The octets contradict the firmware, or a limit.
    case format(FormatError)
    case codec(CodecError)
    /// The bundle is there but cannot be used; perhaps it is still being copied.
    case unusableFirmware(UInt32, FirmwareError)
    case raster(RasterError)
    /// The operating system refused; `reason` is its text.
    case file(path: String, operation: String, reason: String)
}

extension ProductError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownFirmware(let id):
            "undecodable: firmware \(Hex.text(id)) is not in the store: put its bundle there"
        case .references(let count):
            "undecodable: the frame is predicted from \(count) earlier ones, which were not given: give the frames that it was encoded with"
        case .missingReference(let frame, let hash):
            "frame \(frame) is predicted from earlier ones (reference \(Hex.text(hash))), which are not here: "
                + "give the frames that it was encoded with"
        case .differingReference(let frame, let hash):
            "frame \(frame) is predicted from reference \(Hex.text(hash)), and the earlier frames that are here make another "
                + "one: give those that it was encoded with, whole"
        case .unreadableReference(let frame, let hash):
            "frame \(frame) is predicted from reference \(Hex.text(hash)), and packets that make it are damaged: put them back from a "
                + "copy of the archive"
        case .replaced(let frame):
            "what the frame is predicted from is not to be had: frame \(frame) stands in for it, without references"
        case .deepReference(let frame, let limit):
            "more than \(limit) predictions lie behind frame \(frame): encode it again from an earlier frame"
        case .format(let error): "\(error)"
        case .codec(let error): "\(error)"
        case .unusableFirmware(let id, let error): "undecodable: firmware \(Hex.text(id)): \(error)"
        case .raster(let error): "\(error)"
        case .file(let path, let operation, let reason):
            "\(path): \(operation) failed: \(reason): check the folder, its rights and the space on the disk"
        }
    }

    /// Whether the frame can be decoded once a bundle or earlier frames are there, so that trying again makes sense.
    public var isUndecodable: Bool { firmware != nil || waitsForReference }

    /// Whether it waits for the frames that it is predicted from.
    var waitsForReference: Bool {
        switch self {
        case .references, .missingReference, .differingReference, .unreadableReference, .replaced: true
        default: false
        }
    }

    /// Whether no layer that may come mends it: the frame is needed without references.
    var isDifferingReference: Bool {
        switch self {
        case .differingReference, .unreadableReference: true
        default: false
        }
    }

    /// The firmware that is waited for.
    var firmware: UInt32? {
        switch self {
        case .unknownFirmware(let id), .unusableFirmware(let id, _): id
        default: nil
        }
    }
}
