import PerigeeCore
import PerigeeJSON
import PerigeeMetrics
import Testing

private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1_000) }

@Test("an alert keeps its beginning while its text changes, and both ends are told")
func lifetime() {
    var book = AlertBook()
    #expect(book.health == "ok")
    let loss = Alert("SourceLoss", .ticket, "1 frame", remedy: "look")
    let error = Alert("SpoolIOError", .page, "no disk", remedy: "look")
    var change = book.update([loss], now: time(10))
    #expect(change.began == [loss] && change.ended.isEmpty && book.health == "degraded")
    var more = loss
    more.text = "2 frames"
    change = book.update([more, error], now: time(20))
    #expect(change.began == [error] && book.health == "failing")
    #expect(book.entries.map(\.alert.name) == ["SpoolIOError", "SourceLoss"])
    #expect(book.entries.map(\.since) == [time(20), time(10)] && book.entries.last?.alert.text == "2 frames")
    change = book.update([], now: time(30))
    #expect(change.ended.count == 2 && book.health == "ok" && book.json == .array([]))
}

@Test("events behind a number come in order, also when the ring has turned")
func ring() {
    var ring = EventRing(boot: time(1))
    #expect(ring.json(after: 0)["events"] == .array([]) && ring.json(after: 0)["first"] == .integer(1))
    for index in 1...EventRing.limit + 10 {
        ring.add("frame_stored", [.init("frame", .integer(index))], now: time(Int64(index)))
    }
    #expect(ring.first == 11 && ring.last == EventRing.limit + 10)
    guard case .array(let all)? = ring.json(after: 0)["events"] else { return #expect(Bool(false), "no list") }
    #expect(all.count == EventRing.limit && all.first?["n"] == .integer(11) && all.first?["frame"] == .integer(11))
    guard case .array(let rest)? = ring.json(after: ring.last - 2)["events"] else {
        return #expect(Bool(false), "no list")
    }
    #expect(rest.compactMap { $0["n"]?.int } == [ring.last - 1, ring.last])
    for after in [ring.last, .max] { #expect(ring.json(after: after)["events"] == .array([])) }
    guard case .array(let whole)? = ring.json(after: .min)["events"] else { return #expect(Bool(false), "no list") }
    #expect(whole.count == EventRing.limit)
}
