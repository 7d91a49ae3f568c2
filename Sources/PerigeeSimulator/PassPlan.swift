public import PerigeeCore

/// Which places a satellite sees, and when: places along its track some seconds apart, all of them again after each revisit.
public struct PassPlan: Sendable, Equatable {
    /// One frame to make.
    public struct Stop: Sendable, Equatable {
        public let place: Int
        public let datetime: Timestamp
    }

    public var places: Int
    public var visits: Int
    public var start: Timestamp
    public var revisitDays: Int

    /// Milliseconds between two places of one pass.
    private static let spacing: Int64 = 4_096

    /// A plan of `places * visits` frames.
    public init(places: Int, visits: Int, start: Timestamp, revisitDays: Int = 5) {
        self.places = places
        self.visits = visits
        self.start = start
        self.revisitDays = revisitDays
    }

    /// All stops in the order in which they are flown.
    public var stops: [Stop] {
        (0..<visits).flatMap { visit in
            (0..<places).map { place in
                let offset = Int64(visit) * Int64(revisitDays) * 86_400_000 + Int64(place) * Self.spacing
                return Stop(place: place, datetime: Timestamp(milliseconds: start.milliseconds + offset))
            }
        }
    }
}
