/// Which frames are worth more, or less, than others: one `[[classes]]` of the configuration.
public struct ClassRule: Equatable, Sendable {
    public var name: String
    /// What the topic begins with; nil for any.
    public var topic: String?
    public var sensor: String?
    public var area: Area?
    /// 1 is sent first, 3 is dropped first.
    public var priority: Int
    /// Raw octets over octets sent; nil for the sensor's own.
    public var target: Double?

    /// A rule; what is nil matches everything.
    public init(
        name: String, topic: String? = nil, sensor: String? = nil, area: Area? = nil, priority: Int,
        target: Double? = nil
    ) {
        self.name = name
        self.topic = topic
        self.sensor = sensor
        self.area = area
        self.priority = priority
        self.target = target
    }
}

/// What rules decide about one frame.
public struct FrameClass: Equatable, Sendable {
    public static let priorities = 1...3
    public static let usualPriority = 2

    public var priority: Int
    /// Of the rule that won; nil where none matched.
    public var name: String?
    public var target: Double?

    /// The class of frames that no rule names.
    public static let usual = FrameClass(priority: usualPriority)

    /// A class; see the properties.
    public init(priority: Int, name: String? = nil, target: Double? = nil) {
        self.priority = priority
        self.name = name
        self.target = target
    }

    /// Of the rules that match, the one with the lowest priority number; the first of these.
    public static func of(rules: [ClassRule], topic: [UInt8], sensor: String, outline: @autoclosure () -> Outline?)
        -> FrameClass
    {
        // the outline costs some trigonometry, which most stations never need
        var known: Outline??
        func touches(_ area: Area) -> Bool {
            let value = known ?? outline()
            known = .some(value)
            return value.map(area.touches) ?? false
        }
        var best: ClassRule?
        for rule in rules where rule.priority < best?.priority ?? .max {
            if let prefix = rule.topic, !topic.starts(with: prefix.utf8) { continue }
            if let name = rule.sensor, name != sensor { continue }
            if let area = rule.area, !touches(area) { continue }
            best = rule
        }
        return best.map { FrameClass(priority: $0.priority, name: $0.name, target: $0.target) } ?? .usual
    }
}
