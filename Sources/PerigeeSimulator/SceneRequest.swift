public import PerigeeCore

/// What to simulate: which place, when, how large, under which sky.
public struct SceneRequest: Sendable, Equatable {
    public var seed: UInt64
    /// Number of the place; each has its own landscape, latitude and position.
    public var place: Int
    public var datetime: Timestamp
    public var rows: Int
    public var columns: Int
    /// Share of the footprint under clouds, 0 to 1; nil draws one for the date.
    public var cloudCover: Double?
    /// Share of the footprint that the swath reaches; the rest, in the south-east, is nodata.
    public var coverage = 1.0
    public var events: [SceneEvent] = []

    /// A scene of a place at a time.
    public init(seed: UInt64, place: Int, datetime: Timestamp, rows: Int, columns: Int, cloudCover: Double? = nil) {
        self.seed = seed
        self.place = place
        self.datetime = datetime
        self.rows = rows
        self.columns = columns
        self.cloudCover = cloudCover
    }
}

/// A simulated frame, with what is true of it.
public struct SimulatedScene: Sendable {
    public let frame: Frame
    /// `[rows][columns]`: what covers the ground.
    public let landCover: [LandCover]
    /// `[rows][columns]`: tells parcels apart, 0 where there is none.
    public let parcels: [UInt64]
    /// `[rows][columns]`: share of the light that a cloud turns back, 0 to 0.97.
    public let clouds: [Float]

    /// Share of samples that more cloud than ground is seen in.
    public var cloudFraction: Double {
        Double(clouds.count { $0 > 0.5 }) / Double(max(1, clouds.count))
    }
}

/// Why a scene cannot be made. The text ends with the remedy.
public enum SimulatorError: Error, Equatable, Sendable, CustomStringConvertible {
    case noWavelength(band: String, sensor: String)
    case unknownBand(String, sensor: String)
    case outOfRange(field: String, value: Double, expected: String)

    public var description: String {
        switch self {
        case .noWavelength(let band, let sensor):
            "band \(band) of \(sensor) has no centre wavelength: the simulator needs an optical sensor"
        case .unknownBand(let band, let sensor): "\(sensor) has no band \(band): see its profile for the names"
        case .outOfRange(let field, let value, let expected): "\(field) is \(value), must be \(expected)"
        }
    }
}
