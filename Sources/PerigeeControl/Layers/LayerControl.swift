/// How many layers of each frame go out now. A pure value, asked once a frame.
///
/// Its one idea is the time that the line needs for what waits in front of a frame: as long as that is below the horizon a class
/// gets all its layers; each half of a horizon more takes one layer away, down to the first, which every frame keeps. Layers
/// come back one by one, when the wait has fallen three quarters of a horizon below the place where it went, and not before
/// half a horizon has passed: so a class does not flap. Since classes wait only for those in front of them, a thin line takes
/// layers from bulk first; when the class behind has none left to give and its wait still grows, the class before gives too.
public struct LayerControl: Equatable, Sendable {
    /// What the operator sets.
    public struct Settings: Equatable, Sendable {
        /// Seconds that what waits may take.
        public var horizon: Double
        /// Octets a second of a line that was never measured.
        public var assumedRate: Double

        /// Two minutes, and a line of a megabyte a second.
        public init(horizon: Double = 120, assumedRate: Double = 1_000_000) {
            self.horizon = horizon
            self.assumedRate = assumedRate
        }
    }

    /// A frame as it was encoded.
    public struct Frame: Equatable, Sendable {
        public var priority: Int
        /// Octets up to the end of each layer, coarse to fine.
        public var sizes: [Int]
        /// Layers that are sent when the line takes them.
        public var wanted: Int
        /// Layers that are sent beyond those when the line is free; equal to `wanted` for a usual frame.
        public var best: Int

        /// A frame; `best` is at least `wanted`.
        public init(priority: Int, sizes: [Int], wanted: Int, best: Int) {
            self.priority = priority
            self.sizes = sizes
            self.wanted = wanted
            self.best = max(best, wanted)
        }
    }

    /// What is known of a class.
    public struct Level: Equatable, Sendable {
        /// Layers left away at present.
        public internal(set) var dropped = 0
        /// Milliseconds of the last change.
        public internal(set) var changed: Int64 = 0
        /// How often it changed.
        public internal(set) var changes = 0
        /// Octets of frames decided since the line was observed.
        var pending = 0
    }

    /// Horizons of wait for the first layer, and for each one more.
    static let step = 0.5
    /// Horizons between dropping a layer and taking it back.
    static let hysteresis = 0.75
    /// Part of a horizon that must have passed since the last change before a layer comes back.
    static let dwell = 0.5
    /// Horizons by which the class behind may wait longer before the one before it gives layers too.
    static let lead = 2.0
    /// Below this part of a horizon the line is free for more than was asked for.
    static let free = 0.25

    public private(set) var settings: Settings
    private var plannedRate: Double?
    public private(set) var line: LineMeter
    /// Priorities 1 to 3.
    public private(set) var levels = [Level(), Level(), Level()]
    /// Layers sent and left away since the start.
    public private(set) var sentLayers = 0
    public private(set) var keptLayers = 0

    /// A controller; `plannedRate` is what the operator says of the line.
    public init(settings: Settings = Settings(), plannedRate: Double? = nil) {
        self.settings = settings
        self.plannedRate = plannedRate
        line = LineMeter(plannedRate: plannedRate)
    }

    /// Goes by other settings from now on. What is said anew of the line counts until it is measured again.
    public mutating func take(_ settings: Settings, plannedRate: Double?) {
        self.settings = settings
        if let plannedRate, plannedRate != self.plannedRate { line.plan(plannedRate) }
        self.plannedRate = plannedRate
    }

    /// Octets a second that are counted with.
    public var rate: Double { max(line.rate ?? settings.assumedRate, 1) }

    /// See `LineMeter.observe`. What was decided before is in `held` now.
    public mutating func observe(now: Int64, delivered: Int, held: [Int]) {
        line.observe(now: now, delivered: delivered, held: held)
        for index in levels.indices { levels[index].pending = 0 }
    }

    /// Seconds that the line needs for what goes out before a frame of this priority.
    public func wait(_ priority: Int) -> Double {
        let pending = levels.prefix(priority).reduce(0) { $0 + $1.pending }
        return Double(line.ahead(of: priority) + pending) / rate
    }

    /// The wait in horizons, or what is left over of that of the class behind.
    func pressure(_ priority: Int) -> Double {
        let own = wait(priority) / settings.horizon
        return priority < 3 ? max(own, pressure(priority + 1) - Self.lead) : own
    }

    /// How many layers of a frame to send: at least the first that has octets.
    public mutating func decide(_ frame: Frame, now: Int64) -> Int {
        let priority = min(max(frame.priority, 1), 3)
        let count = frame.sizes.count
        guard count > 0 else { return 0 }
        let wait = pressure(priority)
        let least = (frame.sizes.firstIndex { $0 > 0 } ?? count - 1) + 1
        let wanted = min(max(frame.wanted, least), count)
        adjust(priority - 1, wait: wait, most: wanted - least, now: now)
        var layers = max(wanted - levels[priority - 1].dropped, least)
        // a single large frame must not stop the line for longer than the horizon either
        while layers > least, Double(frame.sizes[layers - 1]) > rate * settings.horizon { layers -= 1 }
        if layers == wanted {
            let free = Self.free * settings.horizon * rate
            while layers < min(frame.best, count),
                wait * settings.horizon * rate + Double(frame.sizes[layers]) <= free
            { layers += 1 }
        }
        levels[priority - 1].pending += frame.sizes[layers - 1]
        sentLayers += layers
        keptLayers += count - layers
        return layers
    }

    /// `most`: layers that the frame at hand can spare.
    private mutating func adjust(_ index: Int, wait: Double, most: Int, now: Int64) {
        let dropped = levels[index].dropped
        let needed = wait < 1 ? 0 : Int(min((wait - 1) / Self.step, Double(most))) + 1
        if min(needed, most) > dropped {
            levels[index].dropped = min(needed, most)
        } else if dropped > 0, wait < 1 + Self.step * Double(dropped - 1) - Self.hysteresis,
            now - levels[index].changed >= Int64(Self.dwell * settings.horizon * 1_000)
        {
            levels[index].dropped = dropped - 1
        } else {
            return
        }
        levels[index].changed = now
        levels[index].changes += 1
    }
}
