/// The text that a scraper reads. Source: OpenMetrics 1.0.0, and the older Prometheus text format 0.0.4 for who asks for nothing else.
public enum MetricText {
    /// Which of both.
    public enum Format: Sendable {
        case openMetrics, plain

        /// What HTTP calls it.
        public var contentType: String {
            switch self {
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            case .plain: "text/plain; version=0.0.4; charset=utf-8"
            }
        }

        /// The one that a scraper with this `Accept` understands best.
        public init(accept: String?) {
            self = accept?.contains("application/openmetrics-text") ?? false ? .openMetrics : .plain
        }
    }

    /// All families, in their order.
    public static func text(_ families: [MetricValues], _ format: Format) -> String {
        var text = ""
        text.reserveCapacity(families.reduce(64) { $0 + 200 + 80 * $1.seriesCount })
        for family in families { write(family, format, to: &text) }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private static func write(_ values: MetricValues, _ format: Format, to text: inout String) {
        let family = values.family
        // the older format knows no families: what describes a sample has the sample's name, and the kinds are fewer
        let isPlain = format == .plain
        let name = isPlain && family.kind != .histogram ? family.sampleName : family.name
        let kind = isPlain && (family.kind == .info || family.kind == .stateset) ? .gauge : family.kind
        text += "# TYPE \(name) \(kind.rawValue)\n"
        if !isPlain, !family.unit.isEmpty { text += "# UNIT \(name) \(family.unit)\n" }
        text += "# HELP \(name) \(escaped(family.help))\n"
        if let histogram = values.histogram { write(histogram, family.name, to: &text) }
        let names = family.kind == .stateset ? [family.name] : family.labels
        for sample in values.samples {
            text += "\(family.sampleName)\(labels(names, sample.labels)) \(number(sample.value))\n"
            if let created = values.created, !isPlain, family.kind == .counter {
                text += "\(family.name)_created\(labels(names, sample.labels)) \(number(created))\n"
            }
        }
        if let created = values.created, !isPlain, values.histogram != nil {
            text += "\(family.name)_created \(number(created))\n"
        }
    }

    private static func write(_ histogram: Histogram, _ name: String, to text: inout String) {
        var count = 0
        for (index, bound) in histogram.bounds.enumerated() {
            count += histogram.counts[index]
            text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_bucket{le=\"+Inf\"} \(histogram.count)\n"
        text += "\(name)_count \(histogram.count)\n\(name)_sum \(number(histogram.sum))\n"
    }

    private static func labels(_ names: [String], _ values: [String]) -> String {
        guard !names.isEmpty else { return "" }
        let pairs = zip(names, values).map { "\($0)=\"\(escaped($1))\"" }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// Whole numbers as such: a count of 2^53 must not look like an estimate.
    static func number(_ value: Double) -> String {
        if let whole = Int(exactly: value) { return "\(whole)" }
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    /// Outside strings must not end their quotation mark or their line.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
