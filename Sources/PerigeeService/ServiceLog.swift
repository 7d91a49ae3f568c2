import Glibc
import PerigeeConcurrency
import PerigeeCore

/// Lines of `level=… event=… key=value …` on a descriptor. Where that is the journal's, a line begins with the priority that
/// the journal reads (`<4>`); elsewhere with `time=…`, which the journal has itself.
///
/// At most one line a second of each event class; the next line of the class, or `flush`, says how many were left out
/// (`repeated=N`). Control octets of values are escaped.
public final class ServiceLog: Sendable {
    /// How much a line matters.
    public enum Level: String, Comparable, Sendable {
        /// Of each frame: nobody wants it but who looks for something.
        case debug
        case info, notice, warning, error

        public static func < (left: Level, right: Level) -> Bool { left.priority > right.priority }

        /// Of syslog(3).
        fileprivate var priority: Int {
            switch self {
            case .debug: 7
            case .info: 6
            case .notice: 5
            case .warning: 4
            case .error: 3
            }
        }
    }

    /// A class of events.
    private struct Class: Hashable, Sendable {
        let event: String
        let key: String
    }

    private struct Recent: Sendable {
        var time: UInt64
        var level: Level
        var repeated = 0
    }

    private struct State: Sendable {
        var recent: [Class: Recent] = [:]
        /// Lines that the descriptor did not take: a full disk, a reader that is gone.
        var lost = 0
        var level = Level.info
    }

    private static let interval: UInt64 = 1_000_000_000
    /// Classes that are told apart at a time; beyond it an event's keys share one class.
    private static let classLimit = 1_024

    private let state = Locked(State())
    private let descriptor: Int32
    private let isJournal: Bool
    private let nanoseconds: @Sendable () -> UInt64

    /// Writes to a descriptor that stays open. `JOURNAL_STREAM` of the environment says whether it is the journal's.
    public convenience init(descriptor: Int32 = 2) {
        self.init(
            descriptor: descriptor, journal: getenv("JOURNAL_STREAM").map { String(cString: $0) },
            nanoseconds: monotonicNanoseconds)
    }

    /// `journal`: the device and inode of the journal's descriptor, `DEVICE:INODE`; `nanoseconds` of a clock that never goes back.
    package init(descriptor: Int32, journal: String?, nanoseconds: @escaping @Sendable () -> UInt64) {
        self.descriptor = descriptor
        self.nanoseconds = nanoseconds
        var status = stat()
        isJournal = fstat(descriptor, &status) == 0 && journal == "\(status.st_dev):\(status.st_ino)"
    }

    /// Lines of this level and above are written.
    public var level: Level {
        get { state.withLock { $0.level } }
        set { state.withLock { $0.level = newValue } }
    }

    /// Writes a line, where its level is written at all. `event` is a fixed word, the name of the event's class; `key` tells apart what is limited separately, such
    /// as a reason out of a fixed list. Names of fields are fixed words too.
    public func write(_ level: Level, _ event: String, key: String = "", _ fields: KeyValuePairs<String, String> = [:])
    {
        let now = nanoseconds()
        let repeated: Int? = state.withLock { state in
            guard level >= state.level else { return nil }
            var name = Class(event: event, key: key)
            if state.recent[name] == nil, state.recent.count >= Self.classLimit { name = Class(event: event, key: "") }
            if let last = state.recent[name], now &- last.time < Self.interval {
                state.recent[name]?.repeated += 1
                return nil
            }
            let count = state.recent[name]?.repeated ?? 0
            state.recent[name] = Recent(time: now, level: level)
            return count
        }
        guard let repeated else { return }
        put(level, event, fields, repeated: repeated)
    }

    /// Tells of what was left out and is a second old; call it about each second.
    public func flush() {
        let now = nanoseconds()
        let due = state.withLock { state -> [(Class, Recent)] in
            let old = state.recent.filter { now &- $0.value.time >= Self.interval }
            for (name, recent) in old {
                // a class that goes on is told again a second later; one that does not is forgotten
                state.recent[name] = recent.repeated > 0 ? Recent(time: now, level: recent.level) : nil
            }
            return old.filter { $0.value.repeated > 0 }
                .sorted { ($0.key.event, $0.key.key) < ($1.key.event, $1.key.key) }
        }
        for (name, recent) in due {
            put(recent.level, name.event, name.key.isEmpty ? [:] : ["key": name.key], repeated: recent.repeated)
        }
    }

    private func put(_ level: Level, _ event: String, _ fields: KeyValuePairs<String, String>, repeated: Int) {
        var line = isJournal ? "<\(level.priority)>" : "time=\(Self.time) "
        line += "level=\(level.rawValue) event=\(event)"
        for (name, value) in fields { line += " \(name)=\(LogText.quoted(value))" }
        if repeated > 0 { line += " repeated=\(repeated)" }
        let lost = state.withLock { $0.lost }
        if lost > 0 { line += " lost_lines=\(lost)" }
        let octets = Array((line + "\n").utf8)
        let isWritten = Glibc.write(descriptor, octets, octets.count) == octets.count
        state.withLock { $0.lost = isWritten ? max($0.lost - lost, 0) : $0.lost + 1 }
    }

    private static var time: String {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        return Timestamp(milliseconds: Int64(wall.tv_sec) * 1_000 + Int64(wall.tv_nsec) / 1_000_000).rfc3339
    }
}
