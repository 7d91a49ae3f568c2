import Glibc
import PerigeeConcurrency
import PerigeeCore

/// Lines of `time level event key=value …` on descriptor 2. At most one line a second of each event; what was left out is
/// counted and told by the next one.
public final class StationLog: Sendable {
    /// How much a line matters.
    public enum Level: String, Sendable {
        case info
        case notice
        case warning
        case error
    }

    private struct Event: Sendable {
        var time: UInt64
        var suppressed = 0
    }

    private let events = Locked<[String: Event]>([:])
    private let descriptor: Int32

    /// Writes to a descriptor that stays open.
    public init(descriptor: Int32 = 2) { self.descriptor = descriptor }

    /// Writes a line. `event` is a fixed text, the name of the event's class; `key` tells apart what is limited separately,
    /// such as a reason out of a fixed list.
    public func write(_ level: Level, _ event: String, key: String = "", _ fields: KeyValuePairs<String, String> = [:])
    {
        let now = monotonicNanoseconds()
        let suppressed: Int? = events.withLock { events in
            let name = key.isEmpty ? event : "\(event) \(key)"
            if let last = events[name], level != .error, now &- last.time < 1_000_000_000 {
                events[name]?.suppressed += 1
                return nil
            }
            let count = events[name]?.suppressed ?? 0
            events[name] = Event(time: now)
            return count
        }
        guard let suppressed else { return }
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        let time = Timestamp(milliseconds: Int64(wall.tv_sec) * 1_000 + Int64(wall.tv_nsec) / 1_000_000)
        var line = "\(time.rfc3339) \(level.rawValue) \(event)"
        for (name, value) in fields { line += " \(name)=\(Self.quoted(value))" }
        if suppressed > 0 { line += " suppressed=\(suppressed)" }
        let octets = Array((line + "\n").utf8)
        _ = Glibc.write(descriptor, octets, octets.count)
    }

    /// A value as it is, or in quotation marks where it holds spaces or characters that would break the line.
    package static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy {
                $0.value > 32 && $0 != "\"" && $0 != "=" && $0 != "\\" && $0.value != 127
            }
        if isPlain { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            case _ where scalar.value < 32 || scalar.value == 127: text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
