/// What covers the ground at a point, as a map would say it.
public enum LandCover: UInt8, CaseIterable, Sendable {
    case field, grassland, broadleafForest, coniferForest, water, town, road
}

/// Something that happens to a landscape on a day.
public struct SceneEvent: Sendable, Equatable {
    /// What it is.
    public enum Kind: String, Sendable, CaseIterable {
        /// Burns vegetation around a point; grows for three days, greens again over a year.
        case fire
        /// Turbid water over the lowest ground along rivers and around a point; falls over two weeks.
        case flood
    }

    public var kind: Kind
    /// Milliseconds since 1970 at which it begins.
    public var start: Int64
    /// Metres east and south of the place's north-west corner.
    public var x: Double
    public var y: Double
    /// Metres.
    public var radius: Double

    /// An event; see the properties.
    public init(kind: Kind, start: Int64, x: Double, y: Double, radius: Double) {
        self.kind = kind
        self.start = start
        self.x = x
        self.y = y
        self.radius = radius
    }
}
