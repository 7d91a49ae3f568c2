import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// A sender with its store and clock, driven by hand.
struct Bench {
    let epoch: Epoch
    var machine: SenderMachine
    var store: MemoryStore
    var generator = SeededGenerator(seed: 1)
    var now: Int64 = 0
    /// What was asked of the store.
    var requests: [StoreRequest] = []

    init(packets: Int = 0, configure: (inout SenderConfiguration) -> Void = { _ in }) throws {
        var configuration = SenderConfiguration(station: try StationName("bench"), boot: 1)
        configuration.window = Credit(packets: 3, size: 20_000)
        configure(&configuration)
        machine = SenderMachine(configuration)
        epoch = try Epoch(bytes: 0..<16)
        store = MemoryStore(epoch: epoch, sizeLimit: 1 << 20)
        for index in 0..<packets { append(index) }
        _ = handle(.store(store.state))
    }

    mutating func append(_ index: Int, priority: Int = 2, size: Int = 100) {
        let packet = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)
        _ = store.append(packet, priority: priority, now: Timestamp(milliseconds: now))
    }

    /// One event, and what the store answers to it; what is left for the socket.
    mutating func handle(_ event: SenderMachine.Event, after milliseconds: Int64 = 0) -> [SenderMachine.Action] {
        now += milliseconds
        let time = LinkTime(monotonic: now, utc: Timestamp(milliseconds: now))
        var events = [event]
        var rest: [SenderMachine.Action] = []
        while !events.isEmpty {
            for action in machine.handle(events.removeFirst(), now: time, using: &generator) {
                guard case .store(let request) = action else {
                    rest.append(action)
                    continue
                }
                requests.append(request)
                events += store.handle(request, using: &generator)
            }
        }
        return rest
    }

    /// The store has more than before.
    mutating func queued() -> [SenderMachine.Action] { handle(.store(store.state)) }

    mutating func hear(_ message: LinkMessage, after milliseconds: Int64 = 0) -> [SenderMachine.Action] {
        handle(.received(message.packed()[...]), after: milliseconds)
    }

    /// Up to the WELCOME of session 9 that covers `acknowledgement`; answers what is sent on it.
    mutating func open(_ acknowledgement: Acknowledgement = .init()) throws -> [LinkMessage] {
        if machine.state == .offline {
            #expect(handle(.tick, after: max((machine.deadline ?? 0) - now, 0)) == [.openSocket(gateway: 0)])
        }
        let hello = try messages(handle(.ready))
        guard case .hello(let said) = hello.first else { throw Unexpected(messages: hello) }
        return try messages(hear(welcome(said.greeting, acknowledgement)))
    }

    /// Of a gateway whose highest packet is ours.
    func welcome(_ greeting: UInt32, _ acknowledgement: Acknowledgement = .init()) -> LinkMessage {
        let highest = acknowledgement.highest
        let held = store.held(epoch).first { $0.number == highest }
        return .welcome(
            .init(
                greeting: greeting, session: 9, acknowledgement: acknowledgement,
                credit: Credit(packets: 100, size: 100_000), batchSize: 8_192, time: Timestamp(milliseconds: 0),
                check: highest > 0 ? PacketDigest(number: highest, packet: held?.packet ?? [0, 0, 0, 0]) : nil))
    }

    func ack(_ cumulative: UInt64, _ ranges: [Range<UInt64>] = [], packets: Int = 100) -> LinkMessage {
        .ack(
            .init(
                session: 9, acknowledgement: .init(cumulative: cumulative, ranges: ranges),
                credit: Credit(packets: packets, size: 100_000)))
    }
}

struct Unexpected: Error { let messages: [LinkMessage] }

func messages(_ actions: [SenderMachine.Action]) throws -> [LinkMessage] {
    try actions.compactMap { action in
        guard case .send(let octets) = action else { return nil }
        return try LinkMessage(parsing: octets[...])
    }
}

/// Numbers in the DATA among `messages`, the ones sent again negative.
func numbers(_ messages: [LinkMessage]) -> [Int] {
    messages.flatMap { message -> [Int] in
        guard case .data(let batch) = message else { return [] }
        return batch.items.map { $0.isResent ? -Int($0.number) : Int($0.number) }
    }
}

@Suite("Sender machine")
struct SenderMachineTests {
    @Test("a full window stops sending, an ACK with credit goes on")
    func window() throws {
        var bench = try Bench(packets: 5)
        #expect(numbers(try bench.open()) == [1, 2, 3])
        #expect(bench.machine.state == .throttled)
        #expect(numbers(try messages(bench.hear(bench.ack(1, [3..<4])))) == [4, 5])
        #expect(bench.store.state.heldCount == 3)
        #expect(bench.machine.inFlight.packets == 3)
        #expect(numbers(try messages(bench.hear(bench.ack(5, packets: 1)))) == [])
        #expect(bench.machine.state == .live)
    }

    @Test("a new session sends again what WELCOME does not cover, and nothing else")
    func resumes() throws {
        var bench = try Bench(packets: 3)
        _ = try bench.open()
        #expect(bench.handle(.disconnected) == [.closeSocket])
        #expect(bench.machine.state == .offline)
        #expect(numbers(try bench.open(.init(cumulative: 0, ranges: [2..<3]))) == [-1, -3])
        #expect(bench.machine.counters.resent == 2)
        #expect(bench.machine.counters.acknowledged == 1)
    }

    @Test("a batch that is not full waits for its hold time")
    func hold() throws {
        var bench = try Bench()
        _ = try bench.open()
        bench.append(1)
        #expect(bench.queued() == [])
        #expect(bench.machine.deadline == 20)
        #expect(numbers(try messages(bench.handle(.tick, after: 20))) == [1])
    }

    @Test("HELLO is said three times, then the socket is given up and the next one waits its turn")
    func silence() throws {
        var bench = try Bench()
        _ = bench.handle(.tick)
        var greetings: [UInt32] = []
        for event in [SenderMachine.Event.ready, .tick, .tick] {
            for case .hello(let hello) in try messages(bench.handle(event, after: 10_000)) {
                greetings.append(hello.greeting)
            }
        }
        #expect(greetings == [1, 2, 3])
        #expect(try messages(bench.hear(bench.welcome(2))).isEmpty && bench.machine.state == .greeting)
        #expect(bench.handle(.tick, after: 10_000) == [.closeSocket])
        #expect(bench.machine.state == .offline)
        let wait = try #require(bench.machine.deadline) - bench.now
        #expect((1...1_000).contains(wait))
        #expect(bench.handle(.tick, after: wait) == [.openSocket(gateway: 0)])
    }

    @Test("backoff doubles up to its limit; being refused waits 30 s and doubles too")
    func backoff() throws {
        var bench = try Bench()
        #expect(bench.handle(.sendFailed) == [.closeSocket])
        var longest: Int64 = 0
        for _ in 0..<12 {
            let wait = max((bench.machine.deadline ?? 0) - bench.now, 0)
            longest = max(longest, wait)
            #expect(bench.handle(.tick, after: wait) == [.openSocket(gateway: 0)])
            #expect(bench.handle(.sendFailed) == [.closeSocket])
        }
        #expect(longest > 10_000 && longest <= 60_000)
        for expected in [30_000, 60_000, 120_000] as [Int64] {
            let wait = try #require(bench.machine.deadline) - bench.now
            _ = bench.handle(.tick, after: wait)
            #expect(bench.handle(.refused) == [.closeSocket])
            #expect((expected / 2...expected).contains(try #require(bench.machine.deadline) - bench.now))
        }
    }

    @Test("three PINGs without an answer give the socket up, an answer starts the count anew")
    func pings() throws {
        var bench = try Bench()
        _ = try bench.open()
        var account = LinkMessage.Account()
        (account.frames, account.linkSize) = (3, 1_000)
        _ = bench.handle(.account(account))
        for _ in 0..<2 {
            guard case .ping(let ping) = try messages(bench.handle(.tick, after: 15_000)).first else {
                Issue.record("no PING")
                return
            }
            #expect(ping.account == account)
            #expect(ping.session == 9 && ping.lowest == 1 && ping.highest == 0)
        }
        _ = bench.hear(.pong(.init(session: 9, nonce: 2, time: Timestamp(milliseconds: 0))))
        for _ in 0..<3 { #expect(try messages(bench.handle(.tick, after: 15_000)).count == 1) }
        #expect(bench.handle(.tick, after: 15_000) == [.closeSocket])
    }

    @Test(
        "an idle line is asked within 30 s however slow it was when it was full, and a dead gateway is noticed within two minutes"
    )
    func asksAfterFullLine() throws {
        var bench = try Bench(packets: 16) { configuration in
            configuration.window = Credit(packets: 1, size: 20_000)
        }
        _ = try bench.open()
        // each acknowledgement takes 28 s: the queue of a thin line that was full
        for number in 1...16 {
            while bench.now < Int64(number) * 28_000 {
                let next = min(Int64(number) * 28_000, bench.machine.deadline ?? .max)
                for case .ping(let ping) in try messages(bench.handle(.tick, after: next - bench.now)) {
                    _ = bench.hear(.pong(.init(session: 9, nonce: ping.nonce, time: Timestamp(milliseconds: 0))))
                }
            }
            _ = bench.hear(bench.ack(UInt64(number)))
        }
        #expect(bench.store.state.heldCount == 0)
        #expect((bench.machine.roundTripMilliseconds ?? 0) > 20_000)
        let heard = bench.now
        var asked: [Int64] = []
        while bench.machine.state != .offline {
            let actions = bench.handle(.tick, after: bench.wait)
            if case .ping? = try messages(actions).first { asked.append(bench.now - heard) }
        }
        #expect(asked.count == 3 && asked[0] <= 30_000, "\(asked)")
        #expect(bench.now - heard <= 120_000)
    }

    @Test("no progress for 30 s with packets in flight gives the socket up, though PONGs come")
    func noProgress() throws {
        var bench = try Bench(packets: 1)
        _ = try bench.open()
        _ = bench.hear(.pong(.init(session: 9, nonce: 1, time: Timestamp(milliseconds: 0))), after: 29_000)
        #expect(bench.handle(.tick, after: 1_000) == [.closeSocket])
    }

    @Test("numbers that were never given begin a new epoch, into which everything moves")
    func conflict() throws {
        var bench = try Bench(packets: 2)
        _ = try bench.open()
        guard case .hello(let hello) = try messages(bench.hear(bench.ack(3))).first else {
            Issue.record("no HELLO")
            return
        }
        #expect(bench.requests.contains(.fork(epoch: bench.epoch)))
        #expect(hello.epoch == bench.store.epoch && hello.epoch != bench.epoch)
        #expect(hello.lowest == 1 && hello.highest == 2)
        #expect(bench.machine.counters.conflicts == 1)
        #expect(numbers(try messages(bench.hear(bench.welcome(hello.greeting)))) == [1, 2])
    }

    @Test("draining ends when all is settled with BYE, or when its time is over")
    func drains() throws {
        var bench = try Bench(packets: 1)
        _ = try bench.open()
        #expect(bench.handle(.drain(until: 5_000)) == [])
        let bye = LinkMessage.bye(.init(session: 9, reason: .draining)).packed()
        var late = bench
        #expect(bench.hear(bench.ack(1)) == [.send(bye), .closeSocket, .stopped(.drained)])
        #expect(late.machine.deadline == 5_000)
        #expect(late.handle(.tick, after: 5_000) == [.send(bye), .closeSocket, .stopped(.drainTimeout)])
    }

    @Test("a gateway that does not know the session is greeted anew; octets that do not parse are counted")
    func strange() throws {
        var bench = try Bench(packets: 1)
        _ = try bench.open()
        #expect(bench.handle(.received([0xFF])) == [])
        #expect(bench.hear(.bye(.init(session: 8, reason: .unknownSession))) == [])
        #expect(bench.machine.counters.ignored == 2)
        guard case .hello = try messages(bench.hear(.bye(.init(session: 9, reason: .unknownSession)))).first else {
            Issue.record("no HELLO")
            return
        }
    }

    @Test(
        "a key that may not speak for the station, at its greeting or later, waits as after a refusal",
        arguments: [true, false])
    func denied(_ isGreeting: Bool) throws {
        var bench = try Bench(packets: 1)
        if isGreeting {
            _ = bench.handle(.tick, after: 1_000)
            _ = bench.handle(.ready)
        } else {
            _ = try bench.open()
        }
        #expect(bench.hear(.bye(.init(session: 77, reason: .denied))) == [])
        let start = bench.now
        #expect(bench.hear(.bye(.init(session: isGreeting ? 0 : 9, reason: .denied))) == [.closeSocket])
        #expect(bench.machine.state == .offline)
        let wait = try #require(bench.machine.deadline) - start
        #expect((15_000...30_000).contains(wait))
    }

    @Test("a rejected packet is set aside and leaves the window")
    func rejected() throws {
        var bench = try Bench(packets: 4)
        _ = try bench.open()
        let reject = LinkMessage.reject(.init(session: 9, number: 2, code: .checksum, field: "packet checksum"))
        #expect(numbers(try messages(bench.hear(reject))) == [4])
        #expect(bench.store.setAside == [2])
        #expect(bench.machine.counters.rejected == 1)
    }
}
