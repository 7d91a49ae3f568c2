/// A metric and where its values come from: declared once, for the text, the documentation and the tests.
public struct MetricEntry<Source>: Sendable {
    public let family: MetricFamily
    private let read: @Sendable (Source) -> MetricValues

    init(_ family: MetricFamily, _ read: @escaping @Sendable (Source) -> MetricValues) {
        self.family = family
        self.read = read
    }

    /// What it has to say of `source`.
    public func values(_ source: Source) -> MetricValues { read(source) }
}

/// Makes the entries of one table: names get its prefix, and counters the time when their counting began.
public struct MetricTable<Source>: Sendable {
    /// One set of labels and its value.
    public typealias Sample = MetricValues.Sample

    private let prefix: String
    private let began: (@Sendable (Source) -> Double)?

    /// `began`: seconds since 1970, when counting began; nil where another metric says so for all.
    public init(prefix: String, began: (@Sendable (Source) -> Double)? = nil) {
        self.prefix = prefix
        self.began = began
    }

    /// A gauge without labels; no sample where the value is unknown.
    public func gauge(
        _ name: String, unit: String = "", _ help: String, _ value: @escaping @Sendable (Source) -> Double?
    ) -> MetricEntry<Source> {
        gauges(name, unit: unit, labels: [], help) { source in value(source).map { [Sample([], $0)] } ?? [] }
    }

    /// A gauge with labels.
    public func gauges(
        _ name: String, unit: String = "", labels: [String], _ help: String,
        _ samples: @escaping @Sendable (Source) -> [Sample]
    ) -> MetricEntry<Source> { entry(MetricFamily(prefix + name, .gauge, unit: unit, labels: labels, help), samples) }

    /// A counter without labels.
    public func counter(
        _ name: String, unit: String = "", _ help: String, _ value: @escaping @Sendable (Source) -> Int
    ) -> MetricEntry<Source> {
        counters(name, unit: unit, labels: [], help) { [Sample([], Double(value($0)))] }
    }

    /// A counter with labels. `isDated`: each sample says when its counting began, which doubles the series.
    public func counters(
        _ name: String, unit: String = "", labels: [String], isDated: Bool = true, _ help: String,
        _ samples: @escaping @Sendable (Source) -> [Sample]
    ) -> MetricEntry<Source> {
        let began = isDated ? began : nil
        let family = MetricFamily(prefix + name, .counter, unit: unit, labels: labels, help)
        return MetricEntry(family) { MetricValues(family, samples($0), created: began?($0)) }
    }

    /// Facts as labels.
    public func info(
        _ name: String, labels: [String], _ help: String, _ values: @escaping @Sendable (Source) -> [String]
    ) -> MetricEntry<Source> {
        entry(MetricFamily(prefix + name, .info, labels: labels, help)) { [Sample(values($0), 1)] }
    }

    /// States, one of which is true.
    public func states(
        _ name: String, _ states: [String], _ help: String, _ current: @escaping @Sendable (Source) -> String
    ) -> MetricEntry<Source> {
        entry(MetricFamily(prefix + name, .stateset, labels: [prefix + name], help)) { source in
            let current = current(source)
            return states.map { Sample([$0], $0 == current ? 1 : 0) }
        }
    }

    /// Durations in seconds.
    public func durations(
        _ name: String, _ help: String, _ histogram: @escaping @Sendable (Source) -> Histogram
    ) -> MetricEntry<Source> {
        let family = MetricFamily("\(prefix)\(name)_seconds", .histogram, unit: "seconds", help)
        let began = began
        return MetricEntry(family) { MetricValues(family, histogram($0), created: began?($0)) }
    }

    private func entry(
        _ family: MetricFamily, _ samples: @escaping @Sendable (Source) -> [Sample]
    ) -> MetricEntry<Source> {
        MetricEntry(family) { MetricValues(family, samples($0)) }
    }
}

extension MetricText {
    /// A table of Markdown rows, one a metric, for the documentation.
    public static func documentation(_ families: [MetricFamily]) -> String {
        let rows = families.map { family in
            let labels = family.kind == .stateset ? [] : family.labels
            let shown = labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}"
            return "| `\(family.sampleName)\(shown)` | \(family.kind.rawValue) | \(family.help) |"
        }
        return (["| sample | kind | meaning |", "|---|---|---|"] + rows).joined(separator: "\n") + "\n"
    }
}
