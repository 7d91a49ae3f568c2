/// One metric as it is declared: what a scraper, a dashboard and Docs/metrics.md know of it. Values come apart from it.
public struct MetricFamily: Equatable, Sendable {
    /// What kind of values it has (OpenMetrics 1.0, section 5).
    public enum Kind: String, Sendable {
        /// Only grows while the process lives; its samples are named `…_total`.
        case counter
        case gauge
        case histogram
        /// One of several states is 1, the others are 0; the label has the family's name.
        case stateset
        /// Facts as labels of a sample `…_info` that is 1.
        case info
    }

    /// Without `_total`, `_info` and the like.
    public let name: String
    public let kind: Kind
    /// Base unit, the end of the name; empty where it counts things.
    public let unit: String
    /// Names of the labels, in the order of the samples.
    public let labels: [String]
    /// One sentence without a full stop at its end.
    public let help: String

    /// A family; a unit that does not end the name is a programmer's error.
    public init(_ name: String, _ kind: Kind, unit: String = "", labels: [String] = [], _ help: String) {
        if !unit.isEmpty, !name.hasSuffix("_\(unit)") { fatalError("\(name) does not end with its unit \(unit)") }
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }

    /// The name of its samples, as queries use it; a histogram's is that of its buckets.
    public var sampleName: String {
        switch kind {
        case .counter: "\(name)_total"
        case .info: "\(name)_info"
        case .histogram: "\(name)_bucket"
        case .gauge, .stateset: name
        }
    }
}

/// What one family has to say at one moment.
public struct MetricValues: Equatable, Sendable {
    /// The value of one set of labels.
    public struct Sample: Equatable, Sendable {
        /// As many as the family has names for.
        public var labels: [String]
        public var value: Double

        /// See the properties.
        public init(_ labels: [String] = [], _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    public let family: MetricFamily
    /// Of counters, gauges, state sets (the label is the state) and infos (1).
    public var samples: [Sample]
    /// Of histograms.
    public var histogram: Histogram?
    /// Seconds since 1970 when its counting began; nil writes no `_created`.
    public var created: Double?

    /// See the properties.
    public init(_ family: MetricFamily, _ samples: [Sample], created: Double? = nil) {
        self.family = family
        self.samples = samples
        self.created = created
    }

    /// A histogram's.
    public init(_ family: MetricFamily, _ histogram: Histogram, created: Double? = nil) {
        self.family = family
        samples = []
        self.histogram = histogram
        self.created = created
    }

    /// Lines that a scraper makes series of.
    public var seriesCount: Int {
        let created = self.created == nil ? 0 : 1
        if let histogram { return histogram.bounds.count + 3 + created }
        return samples.count * (family.kind == .counter ? 1 + created : 1)
    }
}

/// How often values fell below bounds. A pure value.
public struct Histogram: Equatable, Sendable {
    /// Upper bounds, growing; the last bucket has none.
    public let bounds: [Double]
    /// One more than bounds, each bucket for itself.
    public private(set) var counts: [Int]
    public private(set) var sum = 0.0

    /// Empty.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    /// Counts one value.
    public mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    public var count: Int { counts.reduce(0, +) }
}
