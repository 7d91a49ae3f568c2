import PerigeeStation
import PerigeeTestSupport
import Testing

@Test("gaps, late frames and repeats are told apart")
func sequences() {
    var tracker = SequenceTracker()
    let steps: [(Int, SequenceTracker.Outcome)] = [
        (5, .began), (6, .advanced(missed: 0)), (9, .advanced(missed: 2)), (8, .late),
        (8, .duplicate(isInWork: true)), (9, .duplicate(isInWork: true)), (7, .late), (10, .advanced(missed: 0)),
        (2_000, .advanced(missed: 1_989)), (977, .late), (976, .began), (977, .advanced(missed: 0)),
    ]
    for (sequence, outcome) in steps {
        #expect(tracker.frame(sensor: "s", run: "r", sequence: sequence) == outcome, "\(sequence)")
    }
}

@Test("a new run is no gap, and neither is another sensor")
func runs() {
    var tracker = SequenceTracker()
    #expect(tracker.frame(sensor: "s", run: "a", sequence: 100) == .began)
    #expect(tracker.frame(sensor: "s", run: "b", sequence: 0) == .began)
    #expect(tracker.frame(sensor: "t", run: "a", sequence: 3) == .began)
    #expect(tracker.frame(sensor: "s", run: "a", sequence: 101) == .advanced(missed: 0))
}

@Test("a heartbeat and an end show what was lost at the end")
func marks() {
    var tracker = SequenceTracker()
    func missed(_ sequence: Int?) -> Int { tracker.mark(sensor: "s", run: "r", sequence: sequence).missed }
    #expect(missed(4) == 0)
    _ = tracker.frame(sensor: "s", run: "r", sequence: 0)
    #expect([0, 2, 2, nil].map(missed) == [0, 2, 0, 0])
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 1) == .late)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 3) == .advanced(missed: 0))
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 0) == .duplicate(isInWork: true))
}

@Test("after an unclean end, what was in work and what came after the last mark count as lost, until they come again")
func crash() {
    var tracker = SequenceTracker()
    for sequence in 0..<10 { _ = tracker.frame(sensor: "s", run: "r", sequence: sequence) }
    for sequence in 0..<10 where sequence != 7 { tracker.resolve(sensor: "s", run: "r", sequence: sequence) }
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 3) == .duplicate(isInWork: false))
    let marks = tracker.takeChangedMarks()
    #expect(marks.count == 1 && marks.first?.newest == 9 && tracker.takeChangedMarks().isEmpty)
    let kept = marks.map {
        SequenceTracker.Mark(
            sensor: $0.sensor, run: $0.run, newest: $0.newest, window: SequenceWindow(bytes: $0.window.bytes))
    }
    #expect(kept == marks)
    var crashed = SequenceTracker(restoring: kept, isUnclean: true)
    let steps: [(Int, SequenceTracker.Outcome)] = [
        (6, .duplicate(isInWork: false)), (7, .recovered), (13, .resumed(lost: 3)), (12, .recovered),
        (12, .duplicate(isInWork: true)), (15, .advanced(missed: 1)), (14, .late),
    ]
    for (sequence, outcome) in steps {
        #expect(crashed.frame(sensor: "s", run: "r", sequence: sequence) == outcome, "\(sequence)")
    }
    var heard = SequenceTracker(restoring: kept, isUnclean: true)
    #expect(heard.mark(sensor: "s", run: "r", sequence: 11) == (0, 2))
    #expect(heard.frame(sensor: "s", run: "r", sequence: 11) == .recovered)
    #expect(heard.frame(sensor: "s", run: "r", sequence: 13) == .advanced(missed: 1))
    var clean = SequenceTracker(restoring: kept, isUnclean: false)
    #expect(clean.frame(sensor: "s", run: "r", sequence: 13) == .advanced(missed: 3))
}

@Test("a frame that was refused may come again where its source waits for our word")
func forgotten() {
    var tracker = SequenceTracker()
    for sequence in 0..<3 { _ = tracker.frame(sensor: "s", run: "r", sequence: sequence) }
    tracker.resolve(sensor: "s", run: "r", sequence: 1, isForgotten: true)
    tracker.resolve(sensor: "s", run: "r", sequence: 2)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 1) == .late)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 2) == .duplicate(isInWork: false))
}

@Test("losses add up whatever the order within the window", arguments: 0..<40)
func conservation(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var tracker = SequenceTracker()
    var sent = Array(0..<400).filter { $0 == 0 || $0 == 399 || Int.random(in: 0..<10, using: &generator) > 1 }
    let lost = 400 - sent.count
    for index in stride(from: 1, to: sent.count - 4, by: 3) where Bool.random(using: &generator) {
        sent.swapAt(index, index + 2)
    }
    var missed = 0
    for sequence in sent {
        switch tracker.frame(sensor: "s", run: "r", sequence: sequence) {
        case .advanced(let count): missed += count
        case .late: missed -= 1
        case .began: #expect(sequence == 0)
        case .duplicate, .resumed, .recovered: Issue.record("neither repeats nor crashes here, seed \(seed)")
        }
    }
    #expect(missed == lost, "seed \(seed)")
}

@Test("endless runs do not fill the memory, and the busy one is kept")
func bounded() {
    var tracker = SequenceTracker()
    for index in 0..<5_000 {
        #expect(tracker.frame(sensor: "s", run: "r\(index)", sequence: 0) == .began)
        let outcome = tracker.frame(sensor: "s", run: "busy", sequence: index)
        #expect(outcome == (index == 0 ? .began : .advanced(missed: 0)))
    }
}
