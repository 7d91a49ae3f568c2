internal import PerigeeCore
internal import PerigeeJSON

/// What `perigee spool discard` asks of the daemon that holds a spool: a file in the spool's folder, which only the daemon's user and
/// root can write to. Source: Docs/spool.md section 8.
public struct DiscardRequest: Equatable, Sendable {
    /// Tells the answer from that to another request.
    public var id: UInt64
    public var choice: FrameChoice
    /// Counts what would go, and leaves it.
    public var isTrial: Bool

    public init(id: UInt64, choice: FrameChoice, isTrial: Bool) {
        (self.id, self.choice, self.isTrial) = (id, choice, isTrial)
    }

    private static let sizeLimit = 4_096

    /// Where it is put.
    public static func path(_ directory: String) -> String { directory + "/discard" }

    /// Takes what was put there, so that nobody else does it; nil where there is nothing, or nothing that can be read.
    public static func take(_ directory: String) -> DiscardRequest? {
        guard SystemFiles.exists(path(directory)) else { return nil }
        let octets = SystemFiles.read(path(directory), limit: sizeLimit)
        SystemFiles.remove(path(directory))
        return octets.flatMap { DiscardRequest($0) }
    }

    public init?(_ octets: [UInt8]) {
        guard let json = try? JSONValue(parsing: octets[...], depthLimit: 4), let text = json["id"]?.string,
            let id = UInt64(text), case .bool(let isTrial)? = json["trial"]
        else { return nil }
        var numbers: ClosedRange<UInt64>?
        if let first = json["first"]?.int, let last = json["last"]?.int {
            guard first >= 0, first <= last else { return nil }
            numbers = UInt64(first)...UInt64(last)
        }
        let before = json["stored_before"]?.string
        let moment = before.flatMap { Timestamp(rfc3339: $0) }
        guard (before == nil) == (moment == nil) else { return nil }
        self.init(
            id: id,
            choice: FrameChoice(sensor: json["sensor"]?.string, storedBefore: moment, numbers: numbers),
            isTrial: isTrial)
    }

    public var octets: [UInt8] {
        var fields: [String: JSONValue] = ["id": .string(String(id)), "trial": .bool(isTrial)]
        if let sensor = choice.sensor { fields["sensor"] = .string(sensor) }
        if let before = choice.storedBefore { fields["stored_before"] = .string(before.rfc3339) }
        if let numbers = choice.numbers {
            fields["first"] = .integer(Int(clamping: numbers.lowerBound))
            fields["last"] = .integer(Int(clamping: numbers.upperBound))
        }
        return Array(JSONValue.sorted(fields).description.utf8)
    }
}

/// What the daemon did, or counted.
public struct DiscardAnswer: Equatable, Sendable {
    public var id: UInt64
    public var frames = 0
    public var packets = 0
    /// Octets of the packets.
    public var size = 0
    /// False while more is to come.
    public var isComplete = false

    public init(id: UInt64) { self.id = id }

    public static func path(_ directory: String) -> String { directory + "/discard.answer" }

    /// Puts it where the command looks for it.
    public func write(_ directory: String) throws(SpoolError) {
        let json = JSONValue.object([
            "id": .string(String(id)), "frames": .integer(frames), "packets": .integer(packets),
            "bytes": .integer(size), "complete": .bool(isComplete),
        ])
        try SystemFiles.replace(Self.path(directory), with: Array(json.description.utf8), directory: directory)
    }

    /// Nil where there is none, or none that can be read.
    public static func read(_ directory: String) -> DiscardAnswer? {
        guard let octets = SystemFiles.read(path(directory), limit: 4_096),
            let json = try? JSONValue(parsing: octets[...], depthLimit: 4),
            let id = json["id"]?.string.flatMap({ UInt64($0) }), let frames = json["frames"]?.int,
            let packets = json["packets"]?.int, let size = json["bytes"]?.int,
            case .bool(let isComplete)? = json["complete"]
        else { return nil }
        var answer = DiscardAnswer(id: id)
        (answer.frames, answer.packets, answer.size, answer.isComplete) = (frames, packets, size, isComplete)
        return answer
    }
}

extension SpoolInspection {
    /// Whether a process, the daemon, holds the spool in `directory`; nil where it cannot be asked.
    public static func isHeld(_ directory: String) -> Bool? { SpoolLock.isHeld(directory) }
}
