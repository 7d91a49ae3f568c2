/// Why a frame has no history.
public enum HistoryIneligibility: String, CaseIterable, Error, Sendable {
    /// Neither a grid with an origin nor a place.
    case position
    /// Its pixels are not square and north-up.
    case grid
    /// Its pixels lie more than 2^30 from the origin of their grid.
    case distance
    /// It travels as it is, without a transform.
    case verbatim
}
