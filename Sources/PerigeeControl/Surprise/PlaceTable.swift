public import PerigeeCore

/// What a frame tells of its places.
public struct Surprise: Equatable, Sendable {
    /// Standard deviations: the highest of a cell where there are up to 16, else the one that a sixteenth of them reach; nil
    /// where no cell is known well enough and seen clearly.
    public var score: Double?
    /// The highest of all cells.
    public var highest: Double?
    /// Cells by what came of them.
    public var scored = 0
    /// Those of them that were held against an earlier look.
    public var compared = 0
    public var learned = 0
    public var hidden = 0
    /// Scored cells above the threshold asked for.
    public var above = 0

    /// Nothing seen.
    public init() {}
}

/// What is remembered of all places: a bounded number, the one that was seen longest ago goes first. About 300 octets a
/// place in memory, 256 in the file. Losing it costs some looks of learning, nothing else.
public struct PlaceTable: Sendable {
    public static let placeSize = PlaceState.size
    private static let magic: [UInt8] = Array("PGPL".utf8)
    private static let version: UInt16 = 2
    private static let headSize = 10

    /// Most places that are kept.
    public let limit: Int
    private var places: [UInt64: PlaceState] = [:]
    /// Places that had to go for others.
    public private(set) var evicted = 0

    /// No places yet.
    public init(limit: Int) { self.limit = max(limit, 1) }

    public var count: Int { places.count }

    /// Scores and learns every cell of a frame. `earlier`: what both ends know of these cells. `time` is when it was taken.
    public mutating func look(
        _ cells: [PlaceGrid.Cell: CellView], after earlier: [PlaceGrid.Cell: CellView] = [:], grid: PlaceGrid,
        sensor: String, time: Timestamp, threshold: Double
    ) -> Surprise {
        var surprise = Surprise()
        var scores: [Double] = []
        let seconds = UInt32(clamping: time.milliseconds / 1_000)
        for (cell, view) in cells where view.knownCount > 0 {
            let key = grid.key(cell, sensor: sensor)
            let features = view.values.count
            var state = places[key] ?? PlaceState(key: key, features: features)
            if Int(state.features) != features { state = PlaceState(key: key, features: features) }
            switch PlaceModel.look(view, after: earlier[cell], at: &state) {
            case .scored(let score, let isCompared):
                surprise.scored += 1
                surprise.compared += isCompared ? 1 : 0
                scores.append(score)
            case .learned: surprise.learned += 1
            case .hidden: surprise.hidden += 1
            }
            state.lastSeen = max(state.lastSeen, seconds)
            if places[key] == nil, places.count >= limit { makeRoom() }
            places[key] = state
        }
        scores.sort(by: >)
        surprise.highest = scores.first
        surprise.above = scores.count { $0 > threshold }
        if !scores.isEmpty { surprise.score = scores[(scores.count + 15) / 16 - 1] }
        return surprise
    }

    /// A sixty-fourth at once, so that a full table is not sorted for each new place.
    private mutating func makeRoom() {
        let oldest = places.values.sorted { ($0.lastSeen, $0.key) < ($1.lastSeen, $1.key) }
        for state in oldest.prefix(max(1, limit / 64)) { places[state.key] = nil }
        evicted += min(oldest.count, max(1, limit / 64))
    }
}

extension PlaceTable {
    /// All places as octets with a checksum, sorted, so that equal tables have equal octets.
    public func packed() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(UInt32(places.count))
        for key in places.keys.sorted() { places[key]?.pack(into: &writer) }
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// Reads what `packed` has written; of more places than `limit` the newest are kept.
    public init(parsing bytes: [UInt8], limit: Int) throws(FormatError) {
        self.init(limit: limit)
        var reader = ByteReader(bytes)
        let magic = try reader.read("places magic", count: 4)
        guard Array(magic) == Self.magic else {
            throw .unknown(field: "places magic", value: Hex.text(Array(magic)), expected: Hex.text(Self.magic))
        }
        let version = try reader.read("places version", as: UInt16.self)
        guard version == Self.version else {
            throw .unknown(field: "places version", value: "\(version)", expected: "\(Self.version)")
        }
        let count = Int(try reader.read("places count", as: UInt32.self))
        let size = Self.headSize + count * PlaceState.size + 4
        guard bytes.count == size else {
            throw .mismatch(field: "places", found: "\(bytes.count) octets", expected: "\(size) octets")
        }
        let sum = CRC32C.checksum(bytes[..<(size - 4)])
        var states: [PlaceState] = []
        for _ in 0..<count { states.append(try PlaceState(parsing: &reader)) }
        let stored = try reader.read("places checksum", as: UInt32.self)
        guard stored == sum else {
            throw .mismatch(field: "places checksum", found: "\(stored)", expected: "\(sum)")
        }
        states.sort { ($0.lastSeen, $0.key) > ($1.lastSeen, $1.key) }
        for state in states.prefix(self.limit) { places[state.key] = state }
    }
}
