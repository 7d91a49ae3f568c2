internal import PerigeeJSON
internal import PerigeeMemory

/// Frames that cannot be decoded for want of their references, now, and what became of others since the start.
public struct ReferenceCounts: Equatable, Sendable {
    /// What they were predicted from is not here, and was or will be asked for.
    public var waiting = 0
    /// What is here makes another reference; asked for without.
    public var differing = 0
    /// Nothing more is asked for them: only the next frames of their places help.
    public var lost = 0
    /// Frames whose references came when they were asked for.
    public var fetched = 0
    /// Frames that came once more without references.
    public var replaced = 0
    /// Those that wait, differ or are lost, by station.
    public var byStation: [String: Station] = [:]

    /// Of one station.
    public struct Station: Equatable, Sendable {
        public var waiting = 0
        public var lost = 0
    }

    /// None.
    public init() {}

    mutating func add(_ frame: WaitingFrames.Frame, of station: String) {
        switch (frame.isLost, frame.reason) {
        case (true, _):
            lost += 1
            byStation[station, default: Station()].lost += 1
            return
        case (_, .waitingForReference): waiting += 1
        case (_, .referenceDiffers): differing += 1
        }
        byStation[station, default: Station()].waiting += 1
    }

    var json: JSONValue {
        .object([
            "waiting_for_reference": .integer(waiting), "reference_differs": .integer(differing),
            "given_up": .integer(lost), "fetched": .integer(fetched), "replaced": .integer(replaced),
        ])
    }
}
