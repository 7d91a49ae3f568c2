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

    /// Puts it there whole, for the daemon to take.
    public func put(_ directory: String) throws(SpoolError) {
        let fresh = "\(Self.path(directory)).\(id)"
        try SystemFiles.write(fresh, shared: octets)
        do throws(SpoolError) { try SystemFiles.rename(fresh, to: Self.path(directory)) } catch {
            SystemFiles.remove(fresh)
            throw error
        }
    }

    /// Takes it back, where the daemon has not taken it; it must not do so later.
    public static func withdraw(_ directory: String) { SystemFiles.remove(path(directory)) }

    /// Nil for whatever is not understood as a whole: less of it would choose more frames.
    init?(_ octets: [UInt8]) {
        guard case .object(let members)? = try? JSONValue(parsing: octets[...], depthLimit: 4) else { return nil }
        var id: UInt64?
        var isTrial: Bool?
        var choice = FrameChoice()
        var ends: (first: UInt64?, last: UInt64?)
        for member in members {
            switch (member.name, member.value) {
            case ("id", .string(let text)): id = UInt64(text)
            case ("trial", .bool(let flag)): isTrial = flag
            case ("sensor", .string(let text)): choice.sensor = text
            case ("stored_before", .string(let text)):
                guard let moment = Timestamp(rfc3339: text) else { return nil }
                choice.storedBefore = moment
            case ("first", .integer(let number)) where number >= 0: ends.first = UInt64(number)
            case ("last", .integer(let number)) where number >= 0: ends.last = UInt64(number)
            default: return nil
            }
        }
        switch ends {
        case (nil, nil): break
        case (let first?, let last?) where first <= last: choice.numbers = first...last
        default: return nil
        }
        guard let id, let isTrial else { return nil }
        self.init(id: id, choice: choice, isTrial: isTrial)
    }

    private var octets: [UInt8] {
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
