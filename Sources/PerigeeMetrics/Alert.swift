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

    /// See the properties.
    public init(_ name: String, _ severity: Severity, _ text: String, remedy: String) {
        self.name = name
        self.severity = severity
        self.text = text
        self.remedy = remedy
    }
}

/// Which alerts there are, and since when. A pure value.
public struct AlertBook: Equatable, Sendable {
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

    /// Takes what the rules find now, at most one of each name; answers what began and what ended.
    public mutating func update(_ alerts: [Alert], now: Timestamp) -> (began: [Alert], ended: [Alert]) {
        let before = entries
        entries = alerts.map { alert in
            Entry(alert: alert, since: before.first { $0.alert.name == alert.name }?.since ?? now)
        }
        .sorted {
            ($0.alert.severity == .page ? 0 : 1, $0.since, $0.alert.name)
                < ($1.alert.severity == .page ? 0 : 1, $1.since, $1.alert.name)
        }
        let names = Set(alerts.map(\.name))
        let known = Set(before.map(\.alert.name))
        return (alerts.filter { !known.contains($0.name) }, before.map(\.alert).filter { !names.contains($0.name) })
    }

    /// `health` of status.json.
    public var health: String {
        if entries.contains(where: { $0.alert.severity == .page }) { return "failing" }
        return entries.isEmpty ? "ok" : "degraded"
    }

    public var json: JSONValue { .array(entries.map(\.json)) }
}
