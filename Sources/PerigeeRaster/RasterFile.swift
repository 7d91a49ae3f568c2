public import PerigeeCore

/// A frame out of a GeoTIFF, with what the file says beside it.
public struct RasterFile: Equatable, Sendable {
    /// Sensor is the file's own word (metadata item `sensor`), "unknown" where it has none: name a profile instead.
    public var frame: Frame
    /// False where the file names no bands: they are called `band1`, `band2` …, and a profile's order may be assumed.
    public var hasBandNames: Bool
    /// Metadata items of the default domain as they stand in the file, at most 256.
    public var metadata: [String: String]
    /// What the file says and a frame cannot hold, as sentences for the log; empty where nothing was lost.
    public var notes: [String]
}

/// What a reader accepts; everything beyond is refused before it is allocated.
public struct RasterLimits: Equatable, Sendable {
    /// Octets of the samples of one frame.
    public var size: Int
    /// Bands of one frame.
    public var bands: Int

    /// Limits; by default 256 MiB and what a declaration can hold.
    public init(size: Int = Samples.defaultSizeLimit, bands: Int = DeclarationLimit.bands) {
        self.size = size
        self.bands = bands
    }
}
