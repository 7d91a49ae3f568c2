import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

@Suite("Sender policies")
struct SenderPolicyTests {
    private func time(_ minute: Int, day: Int64 = 20_000) -> Timestamp {
        Timestamp(milliseconds: day * 86_400_000 + Int64(minute) * 60_000)
    }

    // MARK: rate plan

    @Test(
        "the first window that contains the minute counts, over midnight too; else the plan's rate",
        arguments: [
            (0, 5), (359, 5), (360, 100), (720, 0), (779, 0), (780, 100), (1_319, 100), (1_320, 5), (1_439, 5),
            (800, nil),
        ])
    func plan(_ minute: Int, _ rate: Int?) {
        let plan = RatePlan(
            rate: 100,
            windows: [
                .init(fromMinute: 1_320, toMinute: 360, rate: 5), .init(fromMinute: 720, toMinute: 780, rate: 0),
                .init(fromMinute: 799, toMinute: 801, rate: nil),
            ])
        #expect(plan.rate(at: time(minute)) == rate)
        #expect(plan.rate(at: time(minute, day: -3)) == rate)
    }

    @Test("the time to the next change is that to the nearest edge, a day at most")
    func change() {
        let plan = RatePlan(windows: [.init(fromMinute: 60, toMinute: 120, rate: 0)])
        #expect(plan.millisecondsToChange(after: time(0)) == 3_600_000)
        #expect(plan.millisecondsToChange(after: time(60)) == 3_600_000)
        #expect(plan.millisecondsToChange(after: time(121)) == Int64(1_440 - 61) * 60_000)
        #expect(RatePlan(rate: 7).millisecondsToChange(after: time(0)) == nil)
        #expect(RatePlan().rate(at: time(5)) == nil)
    }

    @Test("no more than the plan's octets go out in any second but the first, and all of them in the long run")
    func bucket() throws {
        var bench = try Bench(packets: 60) { configuration in
            configuration.window = Credit(packets: 1_000, size: 1 << 20)
            configuration.ratePlan = RatePlan(rate: 500)
        }
        var octets = 0
        for message in try bench.open() { octets += message.packed().count }
        var sent: [Int] = []
        for _ in 0..<20 {
            var second = 0
            for _ in 0..<10 {
                for case .send(let message) in bench.handle(.tick, after: 100) { second += message.count }
            }
            sent.append(second)
            octets += second
        }
        // a message leaves a debt of its own size at most
        #expect(sent.allSatisfy { $0 <= 500 + 600 })
        #expect((4_500...11_000).contains(octets), "\(octets)")
    }

    @Test("a closed window ends the session with BYE, opens nothing, and ends by itself")
    func closed() throws {
        var bench = try Bench(packets: 1) { configuration in
            configuration.ratePlan = RatePlan(windows: [.init(fromMinute: 1, toMinute: 3, rate: 0)])
        }
        _ = try bench.open()
        let end = bench.handle(.tick, after: 60_000 - bench.now)
        #expect(try messages(end) == [.bye(.init(session: 9, reason: .draining))])
        #expect(end.last == .closeSocket)
        #expect(bench.machine.state == .closed)
        #expect(bench.handle(.tick, after: 60_000) == [])
        #expect(bench.handle(.tick, after: 60_000) == [.openSocket(gateway: 0)])
    }

    @Test("another plan counts at once: a closed line opens, an open one closes")
    func replan() throws {
        var bench = try Bench { $0.ratePlan = RatePlan(rate: 0) }
        #expect(bench.handle(.tick) == [])
        #expect(bench.machine.state == .closed)
        #expect(bench.handle(.plan(RatePlan(rate: 1_000))) == [.openSocket(gateway: 0)])
        _ = try bench.open()
        let end = bench.handle(.plan(RatePlan(rate: 0)))
        #expect(try messages(end) == [.bye(.init(session: 9, reason: .draining))])
        #expect(end.last == .closeSocket && bench.machine.state == .closed)
    }

    // MARK: several gateways

    @Test("a gateway that cannot be reached or refuses hands over to the next")
    func failover() throws {
        var bench = try Bench { $0.gatewayCount = 3 }
        #expect(bench.handle(.refused) == [.closeSocket])
        var opened: [Int] = []
        for _ in 0..<4 {
            for case .openSocket(let gateway) in bench.handle(.tick, after: bench.wait) { opened.append(gateway) }
            #expect(bench.handle(.sendFailed) == [.closeSocket])
        }
        // the first refused us and waits at least 15 s on its own
        #expect(opened == [1, 2, 1, 2])
        #expect(bench.machine.counters.failovers == 5)
    }

    @Test("all of several gateways refuse: each waits its own time")
    func refusedByAll() throws {
        var bench = try Bench { $0.gatewayCount = 2 }
        #expect(bench.handle(.refused) == [.closeSocket])
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 1)])
        #expect(bench.handle(.refused) == [.closeSocket])
        #expect((13_000...30_000).contains(bench.wait))
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 0)])
    }

    @Test("a gateway that answers HELLO with BYE waits like one that refused the connection")
    func shownOut() throws {
        for reason in [ByeReason.denied, .full, .version] {
            var bench = try Bench { $0.gatewayCount = 2 }
            guard case .hello = try messages(bench.handle(.ready)).first else { throw Unexpected(messages: []) }
            #expect(bench.hear(.bye(.init(session: 0, reason: reason))) == [.closeSocket])
            #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 1)])
            #expect(bench.handle(.sendFailed) == [.closeSocket])
            #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 1)])
        }
    }

    @Test("after ten minutes with another gateway an idle station tries the first again")
    func returns() throws {
        var bench = try Bench { $0.gatewayCount = 2 }
        #expect(bench.handle(.sendFailed) == [.closeSocket])
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 1)])
        _ = try bench.open()
        for _ in 0..<39 {
            for case .ping(let ping) in try messages(bench.handle(.tick, after: 15_000)) {
                _ = bench.hear(.pong(.init(session: 9, nonce: ping.nonce, time: Timestamp(milliseconds: 0))))
            }
        }
        #expect(bench.machine.gateway == 1)
        let end = bench.handle(.tick, after: 15_000)
        #expect(try messages(end) == [.bye(.init(session: 9, reason: .draining))])
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 0)])
    }

    @Test("a good session that breaks stays with its gateway, a short one goes to the next")
    func breaks() throws {
        var bench = try Bench { $0.gatewayCount = 2 }
        _ = try bench.open()
        for _ in 0..<5 {
            for case .ping(let ping) in try messages(bench.handle(.tick, after: 15_000)) {
                _ = bench.hear(.pong(.init(session: 9, nonce: ping.nonce, time: Timestamp(milliseconds: 0))))
            }
        }
        #expect(bench.handle(.disconnected) == [.closeSocket])
        #expect(bench.wait <= 1_000)
        #expect(bench.machine.gateway == 0)
        _ = try bench.open()
        #expect(bench.handle(.disconnected) == [.closeSocket])
        #expect(bench.machine.gateway == 1)
    }

    @Test("what another gateway acknowledged is explained to this one, and is given up there only then")
    func elsewhere() throws {
        var bench = try Bench(packets: 6) { configuration in
            configuration.gatewayCount = 2
            configuration.window = Credit(packets: 100, size: 20_000)
        }
        _ = try bench.open()
        _ = bench.hear(bench.ack(3, [5..<6]))
        #expect(bench.handle(.disconnected) == [.closeSocket])
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 1)])
        // this one once had number 2
        guard case .hello(let hello) = try messages(bench.handle(.ready)).first else { throw Unexpected(messages: []) }
        #expect(hello.lowest == 1 && hello.highest == 6)
        let said = try messages(bench.hear(bench.welcome(hello.greeting, .init(ranges: [2..<3]))))
        guard case .tombstone(let batch) = said.first else { throw Unexpected(messages: said) }
        #expect(batch.lowest == 1)
        #expect(batch.items.map(\.numbers) == [1..<2, 3..<4])
        #expect(batch.items.allSatisfy { $0.reason == .elsewhere && $0.frames == 0 && $0.size == 0 })
        guard case .data(let data) = said.last else { throw Unexpected(messages: said) }
        #expect(data.lowest == 1 && data.items.map(\.number) == [4, 6])
        #expect(try messages(bench.hear(bench.ack(3))) == [], "told once")
        // with 4 and 6 here only 5 is missing, which the first gateway has
        let rest = try messages(bench.hear(bench.ack(4, [6..<7])))
        guard case .tombstone(let last) = rest.first else { throw Unexpected(messages: rest) }
        #expect(last.lowest == 5 && last.items.map(\.numbers) == [5..<6])
        _ = bench.hear(bench.ack(6))
        #expect(bench.handle(.disconnected) == [.closeSocket])
        bench.append(6)
        _ = bench.queued()
        // the first is asked for what it has from where this process knows all to be there
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 0)])
        guard case .hello(let again) = try messages(bench.handle(.ready)).first else { throw Unexpected(messages: []) }
        #expect(again.lowest == 4 && again.highest == 7)
        let back = try messages(bench.hear(bench.welcome(again.greeting, .init(cumulative: 3, ranges: [5..<6]))))
        #expect(numbers(back) == [7])
        guard case .tombstone(let stones) = back.first else { throw Unexpected(messages: back) }
        #expect(stones.items.map(\.numbers) == [4..<5, 6..<7])
    }

    @Test("a station with one gateway explains nothing and names what it holds")
    func noElsewhere() throws {
        var bench = try Bench(packets: 3)
        _ = try bench.open()
        _ = bench.hear(bench.ack(2))
        #expect(bench.handle(.disconnected) == [.closeSocket])
        #expect(bench.handle(.tick, after: bench.wait) == [.openSocket(gateway: 0)])
        guard case .hello(let hello) = try messages(bench.handle(.ready)).first else { throw Unexpected(messages: []) }
        #expect(hello.lowest == 3)
        let said = try messages(bench.hear(bench.welcome(hello.greeting, .init(cumulative: 2))))
        #expect(numbers(said) == [-3] && said.count == 1)
    }

    // MARK: order

    @Test("priority 0 goes first; live and backlog share the rest, each with its best class first")
    func order() throws {
        var bench = try Bench { configuration in
            configuration.window = Credit(packets: 1, size: 20_000)
        }
        for index in 0..<4 { bench.append(index, priority: 3, size: 1_000) }
        bench.append(4, priority: 1, size: 1_000)
        _ = bench.queued()
        var order = numbers(try bench.open())
        for index in 5..<9 { bench.append(index, priority: 2, size: 1_000) }
        bench.append(9, priority: 0, size: 1_000)
        _ = bench.queued()
        var settled = SequenceSet()
        settled.insert(UInt64(order[0]))
        while order.count < 10 {
            let more = numbers(
                try messages(bench.hear(bench.ack(settled.cumulative, settled.ranges, packets: 1), after: 20)))
            let late = more.isEmpty ? numbers(try messages(bench.handle(.tick, after: 20))) : more
            try #require(!late.isEmpty)
            order += late
            for number in late { settled.insert(UInt64(number)) }
        }
        #expect(order.first == 5)  // the event of the backlog
        #expect(order[1] == 10)  // the alarm, as soon as it is there
        let rest = Array(order[2...])
        #expect(rest.filter { $0 >= 6 } == [6, 7, 8, 9] && rest.filter { $0 < 6 } == [1, 2, 3, 4])
        // neither half is ahead by more than one packet
        for count in 1...rest.count { #expect(abs(rest.prefix(count).count { $0 >= 6 } * 2 - count) <= 2, "\(order)") }
    }

    // MARK: epochs

    @Test("a closed epoch is sent to its end, then the next one is greeted for on the same connection")
    func closedEpoch() throws {
        var bench = try Bench(packets: 2)
        let other = try Epoch(bytes: 16..<32)
        bench.store.beginEpoch(other)
        bench.append(2)
        _ = bench.queued()
        #expect(numbers(try bench.open()) == [1, 2])
        guard case .hello(let hello) = try messages(bench.hear(bench.ack(2))).first else {
            Issue.record("no HELLO")
            return
        }
        #expect(hello.epoch == other && hello.lowest == 1 && hello.highest == 1)
        #expect(bench.requests.contains(.finish(epoch: bench.epoch)))
    }

    @Test("of a lost epoch each hole that WELCOME shows gets a tombstone, and then it is finished")
    func lostEpoch() throws {
        var bench = try Bench()
        let other = try Epoch(bytes: 16..<32)
        bench.store.loseEpoch(bench.epoch, begin: other)
        _ = bench.queued()
        guard case .hello(let hello) = try messages(bench.handle(.ready)).first else {
            Issue.record("no HELLO")
            return
        }
        #expect(hello.epoch == bench.epoch && hello.lowest == 1 && hello.highest == 0)
        let known = Acknowledgement(cumulative: 2, ranges: [5..<7, 9..<10])
        let stones = try messages(bench.hear(bench.welcome(hello.greeting, known))).flatMap { message in
            if case .tombstone(let batch) = message { batch.items } else { [Tombstone]() }
        }
        #expect(stones.map(\.numbers) == [3..<5, 7..<9])
        #expect(stones.allSatisfy { $0.reason == .lost })
        guard case .hello(let next) = try messages(bench.hear(bench.ack(9))).first else {
            Issue.record("no HELLO of the next epoch")
            return
        }
        #expect(next.epoch == other)
    }

    @Test("a highest packet that is another one than ours begins a new epoch; one that fits does not")
    func check() throws {
        for (checksum, isFork) in [(UInt32(0x0101_0101), false), (0x0202_0202, true)] {
            var bench = try Bench(packets: 2)
            guard case .hello(let hello) = try messages(bench.handle(.ready)).first,
                case .welcome(var welcome) = bench.welcome(hello.greeting, .init(cumulative: 0, ranges: [2..<3]))
            else { throw Unexpected(messages: []) }
            welcome.check = PacketDigest(number: 2, checksum: checksum)
            let said = try messages(bench.hear(.welcome(welcome)))
            #expect(bench.requests.contains(.fork(epoch: bench.epoch)) == isFork)
            if isFork {
                #expect(bench.store.state.heldCount == 2 && bench.store.epoch != bench.epoch)
            } else {
                #expect(numbers(said) == [1])
                #expect(bench.store.state.heldCount == 1)
            }
        }
    }

    @Test("a tombstone at the gateway for a packet that we hold begins a new epoch: an old copy of the file came back")
    func tombstoneForOurs() throws {
        // the highest packet is 1, or there is none; what is covered above are tombstones
        for known in [Acknowledgement(cumulative: 1, ranges: [3..<4]), Acknowledgement(ranges: [2..<4])] {
            var bench = try Bench(packets: 3)
            guard case .hello(let hello) = try messages(bench.handle(.ready)).first,
                case .welcome(var welcome) = bench.welcome(hello.greeting, known)
            else { throw Unexpected(messages: []) }
            welcome.check = known.cumulative > 0 ? PacketDigest(number: 1, checksum: 0) : nil
            _ = bench.hear(.welcome(welcome))
            #expect(bench.requests.contains(.fork(epoch: bench.epoch)))
            #expect(bench.store.state.heldCount == 3)
        }
    }

    // MARK: repair

    @Test("what a WANT is granted is sent again under its old numbers, and gives up nothing below it")
    func replay() throws {
        var bench = try Bench(packets: 3)
        bench.store.keptCount = 10
        _ = try bench.open()
        _ = bench.hear(bench.ack(0, [2..<4]))
        let want = LinkMessage.want(.init(session: 9, request: 5, priority: 2, subject: .numbers([2..<4, 9..<11])))
        let said = try messages(bench.hear(want))
        #expect(said.first == .answer(.init(session: 9, request: 5, outcome: .accepted, packets: 2)))
        guard case .data(let batch) = said.last else { throw Unexpected(messages: said) }
        #expect(batch.items.map(\.number) == [2, 3] && batch.items.allSatisfy(\.isResent))
        #expect(batch.lowest == 1)
        for subject in [
            LinkMessage.Want.Subject.frame(number: 1, layers: 2), .reference(epoch: bench.epoch, number: 1, layers: 2),
            .plain(epoch: bench.epoch, number: 1),
        ] {
            let none = LinkMessage.want(.init(session: 9, request: 6, priority: 2, subject: subject))
            #expect(
                try messages(bench.hear(none)) == [
                    .answer(.init(session: 9, request: 6, outcome: .unknown, packets: 0))
                ])
        }
    }

    @Test("a WANT right behind WELCOME is answered once the store has compared what the gateway holds")
    func wantBehindWelcome() throws {
        var bench = try Bench(packets: 2)
        guard case .hello(let hello) = try messages(bench.handle(.ready)).first,
            case .welcome(var welcome) = bench.welcome(hello.greeting, .init(cumulative: 0, ranges: [2..<3]))
        else { throw Unexpected(messages: []) }
        welcome.check = PacketDigest(number: 2, checksum: 0x0101_0101)
        let time = LinkTime(monotonic: bench.now, utc: Timestamp(milliseconds: bench.now))
        let want = LinkMessage.Want(session: 9, request: 6, priority: 2, subject: .plain(epoch: bench.epoch, number: 1))
        for message in [LinkMessage.welcome(welcome), .want(want)] {
            let actions = bench.machine.handle(
                .received(message.packed()[...]), now: time, using: &bench.generator)
            #expect(!actions.contains(.store(.want(epoch: bench.epoch, want))))
        }
        // a WANT of another session is none of this one's
        var other = want
        other.session = 8
        _ = bench.machine.handle(
            .received(LinkMessage.want(other).packed()[...]), now: time, using: &bench.generator)
        let actions = bench.machine.handle(
            .verified(epoch: bench.epoch, number: 2, fits: true), now: time, using: &bench.generator)
        #expect(actions.count { if case .store(.want) = $0 { true } else { false } } == 1)
        #expect(actions.contains(.store(.want(epoch: bench.epoch, want))))
    }

    @Test("a line too slow for the usual patience is not given up again and again: patience doubles")
    func patience() throws {
        var bench = try Bench(packets: 1)
        var waits: [Int64] = []
        for _ in 0..<4 {
            _ = try bench.open()
            let begin = bench.now
            while bench.machine.state != .offline {
                for case .ping(let ping) in try messages(bench.handle(.tick, after: bench.wait)) {
                    _ = bench.hear(.pong(.init(session: 9, nonce: ping.nonce, time: Timestamp(milliseconds: 0))))
                }
            }
            waits.append(bench.now - begin)
        }
        #expect(waits == [30_000, 60_000, 120_000, 240_000])
    }
}

extension Bench {
    /// Until the machine wants something.
    var wait: Int64 { max((machine.deadline ?? now) - now, 0) }
}
