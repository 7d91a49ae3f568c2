public import PerigeeCore

/// The header of one message. What is nil is unknown. Source: Docs/frame-format.md, section 2.
public struct FrameHeader: Equatable, Sendable {
    /// What a message is.
    public enum Kind: String, Sendable {
        case frame
        /// The source lives; `sequence` is that of its last frame.
        case heartbeat
        /// The run is over; `sequence` is that of its last frame.
        case end
    }

    /// How the samples part is written.
    public enum Encoding: String, Sendable {
        case none
        case zstd
    }

    /// Which sample value means missing.
    public enum Nodata: Equatable, Sendable {
        case asProfile
        case none
        case value(Double)
    }

    /// Type and dimensions of the samples.
    public struct Shape: Equatable, Sendable {
        public var type: SampleType
        public var bands: Int
        public var rows: Int
        public var columns: Int
        /// Octets of the samples, decompressed.
        public var size: Int
    }

    /// The version that this code reads and writes.
    public static let version = 1

    public var kind: Kind
    public var sensor: String
    public var run: String
    /// nil only in heartbeats and ends of sources that have sent nothing.
    public var sequence: Int?
    /// Of a frame; nil for the other kinds.
    public var shape: Shape?
    /// What is known of the frame; its `nodata` is nil where `nodata` below is not a value that the type can hold.
    public var description: FrameDescription
    public var nodata = Nodata.asProfile
    public var encoding = Encoding.none
    /// Of the samples part as it is sent.
    public var checksum: UInt32?

    /// The description with the profile's nodata where the message did not name its own.
    public func description(profileNodata: Double?) -> FrameDescription {
        guard nodata == .asProfile else { return description }
        var resolved = description
        resolved.nodata = profileNodata
        return resolved
    }
}
