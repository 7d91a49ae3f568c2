import PerigeeControl
import PerigeeTestSupport
import Testing

/// A station with a line, second by second: frames come, the controller cuts them, the line takes what waits by priority.
struct LineSimulation {
    struct Traffic {
        /// Seconds between frames.
        var interval: Int
        var priority: Int
    }

    var control: LayerControl
    /// Octets a second at a time in seconds.
    let line: (Int) -> Int
    let traffic: (Int) -> [Traffic]
    /// Octets of a frame up to the end of each layer: 10,000x to 300x of 1.7 MB.
    let sizes = [167, 557, 1_672, 5_575]
    private var queues: [[(octets: Int, time: Int)]] = [[], [], [], []]
    private var delivered = 0
    private(set) var frames = 0
    private(set) var framesWithCoarse = 0
    private(set) var highestHeld = 0
    private(set) var latency = [0, 0, 0, 0]
    private(set) var layers: [Int] = []
    /// Octets that the line could have taken while something waited, and took.
    private(set) var offered = 0

    init(control: LayerControl, line: @escaping (Int) -> Int, traffic: @escaping (Int) -> [Traffic]) {
        self.control = control
        self.line = line
        self.traffic = traffic
    }

    var held: [Int] { queues.map { $0.reduce(0) { $0 + $1.octets } } }

    mutating func run(_ seconds: Range<Int>) {
        for second in seconds {
            for source in traffic(second) where second % source.interval == 0 {
                let frame = LayerControl.Frame(priority: source.priority, sizes: sizes, wanted: 4, best: 4)
                let count = control.decide(frame, now: Int64(second) * 1_000)
                frames += 1
                framesWithCoarse += count > 0 ? 1 : 0
                layers.append(count)
                queues[source.priority].append((sizes[count - 1], second))
            }
            deliver(second)
            let held = held
            highestHeld = max(highestHeld, held.reduce(0, +))
            control.observe(now: Int64(second) * 1_000 + 999, delivered: delivered, held: held)
        }
    }

    private mutating func deliver(_ second: Int) {
        var room = line(second)
        for priority in 0..<4 {
            while room > 0, let first = queues[priority].first {
                let octets = min(room, first.octets)
                room -= octets
                delivered += octets
                if octets == first.octets {
                    queues[priority].removeFirst()
                    latency[priority] = max(latency[priority], second - first.time)
                } else {
                    queues[priority][0].octets -= octets
                }
            }
        }
    }

    mutating func forgetMeasurements() {
        highestHeld = 0
        latency = [0, 0, 0, 0]
        layers = []
    }
}

private let hour = 3_600

@Suite("Layers by backlog and line")
struct LayerControlTests {
    private func simulation(
        rate: Int, line: ((Int) -> Int)? = nil, traffic: @escaping (Int) -> [LineSimulation.Traffic]
    ) -> LineSimulation {
        LineSimulation(
            control: LayerControl(plannedRate: Double(rate)), line: line ?? { _ in rate }, traffic: traffic)
    }

    @Test("a wide line carries every layer of every frame")
    func wide() {
        var simulation = simulation(rate: 5_000) { _ in [.init(interval: 4, priority: 2)] }
        simulation.run(0..<2 * hour)
        #expect(simulation.layers.allSatisfy { $0 == 4 })
        #expect(simulation.control.levels.allSatisfy { $0.changes == 0 })
    }

    @Test(
        "a line too thin for the target carries coarse layers of every frame for a day, within a bounded backlog, steadily"
    )
    func thin() {
        // 300x every 4 s needs 1,394 octets a second, 1,000x 418
        var simulation = simulation(rate: 600) { _ in [.init(interval: 4, priority: 2)] }
        simulation.run(0..<24 * hour)
        #expect(simulation.framesWithCoarse == simulation.frames)
        #expect(simulation.highestHeld < 600 * 120 * 3)
        // a change in more than a horizon, not with every frame
        #expect(simulation.control.levels[1].changes < 24 * hour / 150)
        let late = simulation.layers.suffix(5_000)
        #expect(late.allSatisfy { (2...4).contains($0) })
        // and the line is used
        #expect(simulation.held.reduce(0, +) > 0 || late.contains(4))
    }

    @Test("when even 10,000x is too much the coarse layers still go, and nothing else")
    func tooThin() {
        var simulation = simulation(rate: 30) { _ in [.init(interval: 4, priority: 2)] }
        simulation.run(0..<4 * hour)
        #expect(simulation.framesWithCoarse == simulation.frames)
        #expect(simulation.layers.suffix(1_000).allSatisfy { $0 == 1 })
    }

    @Test("class 1 keeps all its layers and its latency while bulk is cut")
    func classes() {
        var simulation = simulation(rate: 1_000) { _ in
            [.init(interval: 60, priority: 1), .init(interval: 5, priority: 2), .init(interval: 2, priority: 3)]
        }
        simulation.run(0..<12 * hour)
        // one frame of 5,575 octets waits for another at most
        #expect(simulation.latency[1] <= 12)
        #expect(simulation.control.levels[0].changes == 0)
        #expect(simulation.control.levels[2].dropped >= simulation.control.levels[1].dropped)
        #expect(simulation.framesWithCoarse == simulation.frames)
    }

    @Test("a burst of ten times the rate is cut at once and over soon")
    func burst() {
        var simulation = simulation(rate: 1_500) { second in
            [.init(interval: 4, priority: 2)]
                + ((1_000..<1_300).contains(second)
                    ? Array(repeating: LineSimulation.Traffic(interval: 1, priority: 2), count: 3) : [])
        }
        simulation.run(0..<1_000)
        simulation.forgetMeasurements()
        simulation.run(1_000..<1_300)
        #expect((simulation.layers.last ?? 4) <= 2)
        #expect(simulation.highestHeld < 1_500 * 120 * 5 / 2)
        simulation.run(1_300..<1_300 + 2 * hour)
        simulation.forgetMeasurements()
        simulation.run(1_300 + 2 * hour..<1_300 + 3 * hour)
        #expect(simulation.layers.filter { $0 == 4 }.count > simulation.layers.count * 9 / 10)
    }

    @Test("an outage of six hours leaves coarse layers to send, and the full target comes back")
    func outage() {
        let line = { (second: Int) in (2 * hour..<8 * hour).contains(second) ? 0 : 3_000 }
        var simulation = simulation(rate: 3_000, line: line) { _ in [.init(interval: 4, priority: 2)] }
        simulation.run(0..<8 * hour)
        #expect(simulation.framesWithCoarse == simulation.frames)
        // what waits when the cut is down to 10,000x, and 10,000x of six hours
        #expect(simulation.highestHeld < 3_000 * 120 * 5 / 2 + 6 * hour / 4 * 167)
        simulation.forgetMeasurements()
        simulation.run(8 * hour..<9 * hour)
        simulation.forgetMeasurements()
        simulation.run(9 * hour..<10 * hour)
        #expect(simulation.layers.allSatisfy { $0 == 4 })
        #expect(simulation.held.reduce(0, +) < 10_000)
    }

    @Test("a line whose rate nobody planned is learned, and so is a change of it")
    func learns() throws {
        var simulation = LineSimulation(
            control: LayerControl(), line: { $0 < 4 * hour ? 600 : 60_000 },
            traffic: { _ in [.init(interval: 4, priority: 2)] })
        simulation.run(0..<4 * hour)
        let thin = try #require(simulation.control.line.rate)
        #expect((500...700).contains(thin))
        simulation.run(4 * hour..<5 * hour)
        simulation.forgetMeasurements()
        simulation.run(5 * hour..<6 * hour)
        #expect(simulation.layers.allSatisfy { $0 == 4 })
    }

    @Test(
        "a fast line with little to do is not taken for a slow one, a full one is measured, an outage changes nothing")
    func meter() throws {
        var meter = LineMeter()
        for second in 0..<300 {
            meter.observe(now: Int64(second) * 1_000, delivered: second * 5_000, held: [0, 0, 900])
        }
        #expect(meter.rate == nil)
        var known = LineMeter(plannedRate: 1_000_000)
        for second in 0..<300 {
            known.observe(now: Int64(second) * 1_000, delivered: second * 5_000, held: [0, 0, 900])
        }
        #expect(known.rate == 1_000_000)
        for second in 300..<600 {
            known.observe(now: Int64(second) * 1_000, delivered: second * 5_000, held: [0, 0, 90_000])
        }
        let full = try #require(known.rate)
        #expect((4_900...6_000).contains(full))
        for second in 600..<4_000 {
            known.observe(now: Int64(second) * 1_000, delivered: 599 * 5_000, held: [0, 0, 900_000])
        }
        known.observe(now: 4_000_000, delivered: 600 * 5_000, held: [0, 0, 900_000])
        #expect(try #require(known.rate) > 3_000)
        #expect(known.ahead(of: 1) == 0)
        #expect(known.ahead(of: 2) == 900_000)
    }

    @Test("a frame too large for the horizon sends what fits, and always its first layer with octets")
    func large() {
        var control = LayerControl(plannedRate: 1_000)
        let frame = LayerControl.Frame(priority: 2, sizes: [0, 90_000, 150_000, 900_000], wanted: 4, best: 4)
        #expect(control.decide(frame, now: 0) == 2)
        var narrow = LayerControl(plannedRate: 10)
        #expect(narrow.decide(frame, now: 0) == 2)
        #expect(narrow.decide(.init(priority: 2, sizes: [], wanted: 3, best: 3), now: 0) == 0)
        #expect(narrow.decide(.init(priority: 2, sizes: [0, 0], wanted: 2, best: 2), now: 0) == 2)
    }

    @Test("surprise buys finer layers on a free line, and none on a busy one")
    func surprise() {
        let sizes = [167, 557, 1_672, 5_575, 16_700, 55_700]
        var free = LayerControl(plannedRate: 10_000)
        #expect(free.decide(.init(priority: 1, sizes: sizes, wanted: 4, best: 6), now: 0) == 6)
        var busy = LayerControl(plannedRate: 10_000)
        busy.observe(now: 0, delivered: 0, held: [0, 400_000, 0, 0])
        #expect(busy.decide(.init(priority: 1, sizes: sizes, wanted: 4, best: 6), now: 0) == 4)
        var usual = LayerControl(plannedRate: 10_000)
        #expect(usual.decide(.init(priority: 2, sizes: sizes, wanted: 4, best: 4), now: 0) == 4)
    }

    @Test("the backlog stays bounded and cuts stay steady whatever line and traffic do", arguments: 0..<60)
    func properties(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let rate = Int.random(in: 300...20_000, using: &generator)
        let swing = (0..<8).map { _ in Int.random(in: rate / 3...rate, using: &generator) }
        let intervals = (0..<3).map { _ in Int.random(in: 2...60, using: &generator) }
        var simulation = LineSimulation(
            control: LayerControl(plannedRate: Double(rate)),
            line: { swing[$0 / 900 % 8] },
            traffic: { _ in (1...3).map { .init(interval: intervals[$0 - 1], priority: $0) } })
        simulation.run(0..<6 * hour)
        #expect(simulation.framesWithCoarse == simulation.frames, "seed \(seed)")
        let coarse = intervals.reduce(0.0) { $0 + 167 / Double($1) }
        if coarse < 0.8 * Double(rate / 3) {
            #expect(simulation.highestHeld < rate * 120 * 11 / 2 + 20_000, "seed \(seed)")
        }
        for level in simulation.control.levels { #expect(level.changes <= 6 * 60 * 2, "seed \(seed)") }
    }
}
