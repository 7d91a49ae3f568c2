public import PerigeeCore
public import PerigeeJSON

/// Something that an operator should know of, as a rule finds it now. Names: Docs/status.md section 3.
public struct Alert: Equatable, Sendable {
    /// Who is told.
    public enum Severity: String, Sendable {
        /// Somebody, now.
        case page
        /// Somebody, at the next occasion.
        case ticket
    }

    public var name: String
    public var severity: Severity
    /// One sentence with the figures.
    public var text: String
    /// What to do.
    public var remedy: String
    /// Whom it concerns, where there are several: the text names it.
    public var subject: String?

    /// See the properties.
    public init(_ name: String, _ severity: Severity, _ text: String, remedy: String, subject: String? = nil) {
        self.subject = subject
        self.name = name
        self.severity = severity
        self.text = text
        self.remedy = remedy
    }
}

/// Which alerts there are, and since when. A pure value.
public struct AlertBook: Equatable, Sendable {
    private struct Key: Hashable {
        let name: String
        let subject: String?

        init(_ alert: Alert) {
            name = alert.name
            subject = alert.subject
        }
    }

    /// An alert that lasts.
    public struct Entry: Equatable, Sendable {
        public var alert: Alert
        public var since: Timestamp

        public var json: JSONValue {
            .object([
                "name": .string(alert.name), "severity": .string(alert.severity.rawValue),
                "since": .string(since.rfc3339), "text": .string(alert.text), "remedy": .string(alert.remedy),
            ])
        }
    }

    /// Pages first, each in the order in which they began.
    public private(set) var entries: [Entry] = []

    /// None.
    public init() {}

    /// Takes what the rules find now, at most one of each name and subject; answers what began and what ended.
    public mutating func update(_ alerts: [Alert], now: Timestamp) -> (began: [Alert], ended: [Alert]) {
        let before = Dictionary(entries.map { (Key($0.alert), $0) }) { first, _ in first }
        entries = alerts.map { Entry(alert: $0, since: before[Key($0)]?.since ?? now) }
            .sorted { left, right in
                if left.alert.severity != right.alert.severity { return left.alert.severity == .page }
                return (left.since, left.alert.name, left.alert.subject ?? "")
                    < (right.since, right.alert.name, right.alert.subject ?? "")
            }
        let keys = Set(alerts.map(Key.init))
        return (
            alerts.filter { before[Key($0)] == nil },
            before.values.map(\.alert).filter { !keys.contains(Key($0)) }.sorted { $0.name < $1.name }
        )
    }

    /// `health` of status.json.
    public var health: String {
        if entries.contains(where: { $0.alert.severity == .page }) { return "failing" }
        return entries.isEmpty ? "ok" : "degraded"
    }

    public var json: JSONValue { .array(entries.map(\.json)) }

    /// For a metric with the label `alert`: how many of each of `names` there are, 0 where there is none.
    public func counts(of names: [String]) -> [MetricValues.Sample] {
        names.map { name in .init([name], Double(entries.count { $0.alert.name == name })) }
    }
}
