/// Says on standard error how far long work is: one line that is written over on a terminal, else a line every ten
/// seconds. Nothing at all while work is shorter than half a second.
public struct Progress {
    private let label: String
    private let total: Int?
    private let unit: String
    private let isInteractive: Bool
    private let isSilent: Bool
    private let start = ContinuousClock.now
    private var lastShown: ContinuousClock.Instant
    private var hasLine = false

    /// Progress of `total` units; an unknown total is nil. `isSilent` keeps it quiet (with --json on a terminal, in tests).
    public init(_ label: String, total: Int?, unit: String, isSilent: Bool = false) {
        self.label = label
        self.total = total
        self.unit = unit
        self.isSilent = isSilent
        isInteractive = Terminal.isInteractive(.error)
        lastShown = start
    }

    /// Says that `count` units are done; cheap to call often.
    public mutating func update(_ count: Int, note: String = "") {
        guard !isSilent else { return }
        let now = ContinuousClock.now
        let interval: Duration = isInteractive ? .milliseconds(hasLine ? 100 : 500) : .seconds(10)
        guard lastShown.duration(to: now) >= interval else { return }
        lastShown = now
        let line =
            Self.line(label: label, count: count, total: total, unit: unit, elapsed: start.duration(to: now))
            + (note.isEmpty ? "" : "  \(note)")
        if isInteractive {
            hasLine = true
            Terminal.write("\r\u{1B}[2K" + String(line.prefix(Terminal.width - 1)), to: .error)
        } else {
            Terminal.print(line, to: .error)
        }
    }

    /// Takes the line away.
    public mutating func finish() {
        if hasLine { Terminal.write("\r\u{1B}[2K", to: .error) }
        hasLine = false
    }

    /// One line of progress, for example `encode  12/40 frames  30 %  0:07 left`.
    static func line(label: String, count: Int, total: Int?, unit: String, elapsed: Duration) -> String {
        guard let total, total > 0 else { return "\(label)  \(count) \(unit)  \(clock(elapsed.components.seconds))" }
        var line = "\(label)  \(count)/\(total) \(unit)  \(count * 100 / total) %"
        if count > 0, count < total {
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
            line += "  \(clock(Int64(seconds * Double(total - count) / Double(count)))) left"
        }
        return line
    }

    private static func clock(_ seconds: Int64) -> String {
        "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
    }
}
