/// Words of `STATUS=` that both daemons use.
public enum ServiceText {
    /// What waits: `12 packets (3.4 KB) wait`, or `nothing waits`. `size` in octets.
    public static func backlog(packets: Int, size: Int) -> String {
        switch packets {
        case 0: "nothing waits"
        case 1: "1 packet (\(octets(size))) waits"
        default: "\(packets) packets (\(octets(size))) wait"
        }
    }

    private static func octets(_ count: Int) -> String {
        var (value, unit) = (Double(count), "B")
        for larger in ["KB", "MB", "GB", "TB"] where value >= 999.5 { (value, unit) = (value / 1_000, larger) }
        // the first digit behind the point of a small number, as long as it is not of single octets
        return value < 99.95 && unit != "B"
            ? "\((value * 10).rounded() / 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
    }
}
