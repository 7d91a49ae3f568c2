import PerigeeArchive
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import Testing

private func want(
    _ identity: UInt32, _ subject: ArchiveWant.Subject = .numbers([5..<9]), station: String = "lab"
) throws -> ArchiveWant {
    ArchiveWant(
        id: identity, station: station, epoch: try Epoch(bytes: [UInt8](repeating: 1, count: 16)), priority: 2,
        subject: subject, created: Timestamp(milliseconds: Int64(identity)))
}

private func time(_ milliseconds: Int64) -> LinkTime {
    LinkTime(monotonic: milliseconds, utc: Timestamp(milliseconds: milliseconds))
}

private func answer(_ identity: UInt32, _ outcome: WantOutcome, packets: Int = 0) -> LinkMessage.Answer {
    LinkMessage.Answer(session: 1, request: identity, outcome: outcome, packets: packets)
}

@Suite("Wants at the gateway")
struct WantLedgerTests {
    @Test("four wants of a station are under way at a time, the oldest first; other stations wait for none of them")
    func budget() throws {
        var ledger = WantLedger()
        for identity in 1...7 as ClosedRange<UInt32> { ledger.add(try want(identity)) }
        ledger.add(try want(100, station: "other"))
        #expect(ledger.due(now: time(1_000)).map(\.id) == [1, 2, 3, 4, 100])
        for identity in 1...4 as ClosedRange<UInt32> {
            #expect(ledger.asked(identity, present: 0, now: Timestamp(milliseconds: 1_000))?.state == .asked)
        }
        #expect(ledger.due(now: time(1_100)).map(\.id) == [1, 2, 3, 4, 100])
        #expect(ledger.answered(answer(2, .gone), now: time(1_200))?.state == .gone)
        #expect(ledger.answered(answer(3, .unknown), now: time(1_200))?.state == .unknown)
        #expect(ledger.due(now: time(1_300)).map(\.id) == [1, 4, 5, 6, 100])
        #expect(ledger.answered(answer(2, .accepted), now: time(1_400)) == nil)  // it was final
        #expect(ledger.answered(answer(55, .accepted), now: time(1_400)) == nil)
    }

    @Test("what an operator wants goes before what frames wait for; that is given up after a day, forgotten in an hour")
    func ownWants() throws {
        var ledger = WantLedger()
        for identity in 1...2 as ClosedRange<UInt32> {
            var own = try want(identity, .reference(number: 7, layers: Int(identity)))
            own.reason = .waitingForReference
            ledger.add(own)
        }
        ledger.add(try want(3, .plain(number: 7)))
        #expect(ledger.due(now: time(10)).map(\.id) == [3, 1, 2])
        for identity in 1...3 as ClosedRange<UInt32> {
            _ = ledger.answered(answer(identity, .accepted, packets: 2), now: time(20))
        }
        let day = Timestamp(milliseconds: 21 + WantLedger.patienceMilliseconds)
        #expect(ledger.giveUp(now: Timestamp(milliseconds: 20 + WantLedger.patienceMilliseconds)) == [])
        #expect(ledger.giveUp(now: day).map(\.state) == [.gone, .gone])
        #expect(ledger.giveUp(now: day) == [])
        let hour = Timestamp(milliseconds: day.milliseconds + WantLedger.ownKeepMilliseconds + 1)
        #expect(ledger.expired(now: hour) == [1, 2])
    }

    @Test("numbers are asked for in each session until they are here; layers that were promised are not")
    func promised() throws {
        var ledger = WantLedger()
        ledger.add(try want(1))
        ledger.add(try want(2, .frame(number: 7, layers: 9)))
        for identity in [1, 2] as [UInt32] {
            _ = ledger.asked(identity, present: 2, now: Timestamp(milliseconds: 10))
            #expect(ledger.answered(answer(identity, .accepted, packets: 2), now: time(20))?.packets == 2)
        }
        #expect(ledger.due(now: time(30)).map(\.id) == [1])
        #expect(ledger.present(1, .init(count: 3, isComplete: false), now: Timestamp(milliseconds: 40)) == nil)
        #expect(ledger.asked(1, present: 3, now: Timestamp(milliseconds: 50))?.presentBefore == 2)
        _ = ledger.answered(answer(1, .accepted, packets: 2), now: time(60))
        #expect(ledger.present(1, .init(count: 4, isComplete: false), now: Timestamp(milliseconds: 70))?.state == .done)
        #expect(ledger.present(2, .init(count: 3, isComplete: true), now: Timestamp(milliseconds: 70))?.state == .done)
        #expect(ledger.due(now: time(80)).isEmpty)
        #expect(ledger.counts == [.done: 2])
        #expect(ledger.expired(now: Timestamp(milliseconds: 71)) == [])
        #expect(ledger.expired(now: Timestamp(milliseconds: 71 + WantLedger.keepMilliseconds)) == [1, 2])
    }

    @Test("a station that has too much to do is asked again a minute later")
    func full() throws {
        var ledger = WantLedger()
        ledger.add(try want(1))
        _ = ledger.asked(1, present: 0, now: Timestamp(milliseconds: 10))
        #expect(ledger.answered(answer(1, .full), now: time(1_000))?.state == .open)
        #expect(ledger.due(now: time(60_999)).isEmpty)
        #expect(ledger.due(now: time(61_000)).map(\.id) == [1])
    }

    @Test("promises that are never kept hold up the others for an hour")
    func brokenPromise() throws {
        var ledger = WantLedger()
        for identity in 1...5 as ClosedRange<UInt32> { ledger.add(try want(identity, .frame(number: 1, layers: 2))) }
        for identity in 1...4 as ClosedRange<UInt32> {
            _ = ledger.asked(identity, present: 0, now: Timestamp(milliseconds: 10))
            _ = ledger.answered(answer(identity, .accepted, packets: 9), now: time(10))
        }
        #expect(ledger.due(now: time(WantLedger.promiseMilliseconds)).isEmpty)
        #expect(ledger.due(now: time(WantLedger.promiseMilliseconds + 11)).map(\.id) == [5])
        ledger.remove(1)
        #expect(ledger.wants.count == 4)
    }
}
