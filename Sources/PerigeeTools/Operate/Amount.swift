import PerigeeCommandLine

/// Figures as people read them, in few letters.
enum Amount {
    /// `1.2 MB`, in thousands.
    static func octets(_ count: Int?) -> String {
        guard let count else { return "-" }
        guard count.magnitude >= 1_000 else { return "\(count) B" }
        return scaled(Double(count), ["kB", "MB", "GB", "TB", "PB"])
    }

    /// `128 kbit/s`.
    static func rate(bitsPerSecond: Double?) -> String {
        guard let bitsPerSecond, bitsPerSecond.isFinite else { return "-" }
        guard bitsPerSecond >= 1_000 else { return "\(Table.number(bitsPerSecond, digits: 0)) bit/s" }
        return scaled(bitsPerSecond, ["kbit/s", "Mbit/s", "Gbit/s"])
    }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        var value = value / 1_000
        var index = 0
        while value >= 999.95, index < units.count - 1 {
            value /= 1_000
            index += 1
        }
        return "\(Table.number(value, digits: value < 10 ? 1 : 0)) \(units[index])"
    }

    /// `3 d 4 h`, `12 min`, `0.4 s`: two units at most.
    static func duration(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite else { return "-" }
        guard seconds >= 10 else { return "\(Table.number(max(seconds, 0), digits: 1)) s" }
        let total = seconds < 9e15 ? Int(seconds) : Int.max
        if total < 120 { return "\(total) s" }
        if total < 7_200 { return "\(total / 60) min" }
        if total < 172_800 {
            let minutes = total / 60 % 60
            return "\(total / 3_600) h" + (minutes > 0 ? " \(minutes) min" : "")
        }
        let hours = total / 3_600 % 24
        return "\(total / 86_400) d" + (hours > 0 ? " \(hours) h" : "")
    }

    /// `312x`.
    static func ratio(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        return "\(Table.number(value, digits: value < 100 ? 1 : 0))x"
    }
}
