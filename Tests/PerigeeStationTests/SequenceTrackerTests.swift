import PerigeeStation
import PerigeeTestSupport
import Testing

@Test("gaps, late frames and repeats are told apart")
func sequences() {
    var tracker = SequenceTracker()
    let steps: [(Int, SequenceTracker.Outcome)] = [
        (5, .began), (6, .advanced(missed: 0)), (9, .advanced(missed: 2)), (8, .late), (8, .duplicate), (9, .duplicate),
        (7, .late), (10, .advanced(missed: 0)), (200, .advanced(missed: 189)), (137, .late), (136, .began),
        (137, .advanced(missed: 0)),
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
    #expect(tracker.mark(sensor: "s", run: "r", sequence: 4, isEnd: false) == 0)
    _ = tracker.frame(sensor: "s", run: "r", sequence: 0)
    #expect(tracker.mark(sensor: "s", run: "r", sequence: 0, isEnd: false) == 0)
    #expect(tracker.mark(sensor: "s", run: "r", sequence: 2, isEnd: false) == 2)
    #expect(tracker.mark(sensor: "s", run: "r", sequence: 2, isEnd: false) == 0)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 1) == .late)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 3) == .advanced(missed: 0))
    #expect(tracker.mark(sensor: "s", run: "r", sequence: nil, isEnd: true) == 0)
    #expect(tracker.frame(sensor: "s", run: "r", sequence: 0) == .began)
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
        case .duplicate: Issue.record("no duplicates here, seed \(seed)")
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
