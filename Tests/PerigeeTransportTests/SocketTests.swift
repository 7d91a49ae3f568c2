import Glibc
import PerigeeTransport
import Synchronization
import Testing

/// What a monitor reported, awaitable.
final class EventLog: Sendable {
    private let events = Mutex<[ConnectionEvent.Kind]>([])
    private let wakeUp: WakeUp
    init() throws { wakeUp = try WakeUp() }
    func append(_ event: ConnectionEvent) {
        events.withLock { $0.append(event.kind) }
        wakeUp.signal()
    }
    /// What was reported so far.
    var all: [ConnectionEvent.Kind] { events.withLock { $0 } }
    /// Waits until `kind` was reported.
    func wait(for kind: ConnectionEvent.Kind) throws { try wait { $0 == kind } }
    /// Waits until one of the events is as asked for.
    func wait(_ isWanted: (ConnectionEvent.Kind) -> Bool) throws {
        var poller = Poller()
        _ = poller.add(wakeUp)
        while !events.withLock({ $0.contains(where: isWanted) }) {
            try poller.wait(timeoutMilliseconds: nil)
            wakeUp.clear()
        }
    }
}

@Suite("Sockets", .timeLimit(.minutes(10)))
struct SocketTests {
    let limit = MessageLimit(partCount: 3, size: 1_000)

    @Test("a message of several parts arrives whole, at a port the system chose")
    func multipart() throws {
        let context = try ZeroMQContext()
        var pull = try Socket(.pull, context: context)
        try pull.bind("tcp://127.0.0.1:*")
        var push = try Socket(.push, context: context)
        try push.connect(pull.lastEndpoint())
        #expect(try push.send([[1], [], [2, 3]], waits: true) == .sent)
        #expect(try pull.receive(limit: limit, waits: true) == [[1], [], [2, 3]])
        #expect(try pull.receive(limit: limit) == nil)
    }

    @Test("a message beyond the limits is dropped whole and named, and the next one arrives")
    func limits() throws {
        let context = try ZeroMQContext()
        var pull = try Socket(.pull, context: context)
        try pull.bind("tcp://127.0.0.1:*")
        let endpoint = "tcp://127.0.0.1:*"
        var push = try Socket(.push, context: context)
        try push.connect(pull.lastEndpoint())
        _ = try push.send([[1], [2], [3], [4]], waits: true)
        _ = try push.send([[UInt8](repeating: 0, count: 600), [UInt8](repeating: 0, count: 401)], waits: true)
        _ = try push.send([[7]], waits: true)
        #expect(throws: TransportError.tooManyParts(endpoint: endpoint, limit: 3)) {
            try pull.receive(limit: limit, waits: true)
        }
        #expect(throws: TransportError.messageTooLarge(endpoint: endpoint, limit: 1_000)) {
            try pull.receive(limit: limit, waits: true)
        }
        #expect(try pull.receive(limit: limit, waits: true) == [[7]])
    }

    @Test("a part beyond the socket's own limit cuts the sender's connection")
    func partSize() throws {
        let context = try ZeroMQContext()
        var options = SocketOptions()
        options.partSizeLimit = 100
        var pull = try Socket(.pull, context: context, options: options)
        let log = try EventLog()
        try pull.observe { log.append($0) }
        try pull.bind("tcp://127.0.0.1:*")
        var push = try Socket(.push, context: context)
        try push.connect(pull.lastEndpoint())
        _ = try push.send([UInt8](repeating: 1, count: 100), waits: true)
        #expect(try pull.receive(limit: limit, waits: true)?.first?.count == 100)
        _ = try push.send([UInt8](repeating: 1, count: 101), waits: true)
        try log.wait(for: .disconnected)
    }

    @Test("publish reaches a subscriber of the prefix only")
    func prefixes() throws {
        let context = try ZeroMQContext()
        var publisher = try Socket(.publish, context: context)
        try publisher.bind("tcp://127.0.0.1:*")
        var subscriber = try Socket(.subscribe, context: context)
        try subscriber.subscribe("stream/a/")
        try subscriber.connect(publisher.lastEndpoint())
        var got: [[UInt8]]?
        while got == nil {  // what comes before the subscription is lost: say it until it is heard
            _ = try publisher.send([Array("stream/b/".utf8)])
            _ = try publisher.send([Array("stream/a/1".utf8)])
            got = try subscriber.receive(limit: limit)
        }
        #expect(got == [Array("stream/a/1".utf8)])
    }

    @Test("a router says that a peer is unroutable, and full is an answer")
    func unroutableAndFull() throws {
        let context = try ZeroMQContext()
        var router = try Socket(.router, context: context)
        try router.bind("tcp://127.0.0.1:*")
        #expect(try router.send([[9, 9], [1]]) == .unroutable)
        var options = SocketOptions()
        options.isImmediate = true
        var dealer = try Socket(.dealer, context: context, options: options)
        try dealer.connect("tcp://127.0.0.1:1")
        #expect(try dealer.send([1]) == .full)
    }

    @Test("an address in use names the endpoint and the remedy")
    func addressInUse() throws {
        let context = try ZeroMQContext()
        var first = try Socket(.router, context: context)
        try first.bind("tcp://127.0.0.1:*")
        let endpoint = try first.lastEndpoint()
        var second = try Socket(.router, context: context)
        let error = #expect(throws: TransportError.self) { try second.bind(endpoint) }
        #expect(error?.description.contains("\(endpoint) failed: Address already in use: another process") == true)
    }

    @Test("a signal from another thread ends a poll, and counts once")
    func wakeUp() async throws {
        let wakeUp = try WakeUp()
        async let signalled: Void = { for _ in 0..<3 { wakeUp.signal() } }()
        await signalled
        var poller = Poller()
        let index = poller.add(wakeUp)
        try poller.wait(timeoutMilliseconds: nil)
        #expect(poller.isReady(index))
        wakeUp.clear()
        #expect(try poller.wait(timeoutMilliseconds: 0) == 0)
    }

    @Test("a poll tells which of several sockets is ready")
    func severalSockets() throws {
        let context = try ZeroMQContext()
        var left = try Socket(.pull, context: context)
        try left.bind("inproc://left")
        var right = try Socket(.pull, context: context)
        try right.bind("inproc://right")
        var push = try Socket(.push, context: context)
        try push.connect("inproc://right")
        _ = try push.send([1], waits: true)
        var poller = Poller()
        let leftIndex = poller.add(left)
        let rightIndex = poller.add(right)
        try poller.wait(timeoutMilliseconds: nil)
        #expect(!poller.isReady(leftIndex) && poller.isReady(rightIndex))
    }

    @Test("the monitor reports both ends of a connection, and its thread and context end with the socket")
    func monitor() throws {
        weak var ended: ZeroMQContext?
        for _ in 0..<20 {
            let context = try ZeroMQContext()
            ended = context
            let log = try EventLog()
            var dealer = try Socket(.dealer, context: context)
            try dealer.observe { log.append($0) }
            do {
                var router = try Socket(.router, context: context)
                try router.bind("tcp://127.0.0.1:*")
                try dealer.connect(router.lastEndpoint())
                try log.wait(for: .ready)
                router.unused()
            }
            try log.wait(for: .disconnected)
            dealer.unused()
        }
        while ended != nil { usleep(1_000) }  // bounded by the suite's time limit
    }
}

extension Socket {
    /// Keeps a socket open to here.
    mutating func unused() {}
}

@Test("a port above 65535 is refused, where libzmq would take another one", arguments: [65_536, 99_999, 1_000_000])
func wrongPort(port: Int) throws {
    let context = try ZeroMQContext()
    var socket = try Socket(.pull, context: context)
    let endpoint = "tcp://127.0.0.1:\(port)"
    #expect(throws: TransportError.port(endpoint: endpoint)) { try socket.bind(endpoint) }
    #expect(throws: TransportError.port(endpoint: endpoint)) { try socket.connect(endpoint) }
}
