internal import Glibc
internal import PerigeeConcurrency
internal import PerigeeLink
internal import PerigeeTransport

/// Lines of `level=… event=… key=value` on descriptor 2; at most one line an event and second, the rest is counted.
public final class GatewayLog: Sendable {
    /// How much a line matters.
    public enum Level: String, Sendable {
        case info, warning, error
    }

    private struct Recent: Sendable {
        var second: Int64
        var suppressed: Int
    }
    private let recent = Locked<[String: Recent]>([:])

    /// A log that was not written to.
    public init() {}

    /// Writes one line. `event` is a fixed word; values with spaces are quoted.
    public func write(_ level: Level, _ event: String, _ values: [(String, String)] = []) {
        let second = currentTime().monotonic / 1_000
        let suppressed = recent.withLock { events -> Int? in
            guard var last = events[event] else {
                events[event] = Recent(second: second, suppressed: 0)
                return 0
            }
            if last.second == second {
                last.suppressed += 1
                events[event] = last
                return nil
            }
            events[event] = Recent(second: second, suppressed: 0)
            return last.suppressed
        }
        guard let suppressed else { return }
        var line = "level=\(level.rawValue) event=\(event)"
        for (key, value) in values { line += " \(key)=\(Self.quoted(value))" }
        if suppressed > 0 { line += " suppressed=\(suppressed)" }
        line += "\n"
        _ = Glibc.write(2, line, line.utf8.count)
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        if isPlain, !value.isEmpty { return value }
        let letters = value.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 0x20: " "
            default: String(scalar)
            }
        }
        return "\"\(letters.joined())\""
    }
}
