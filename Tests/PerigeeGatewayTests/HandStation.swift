import PerigeeCore
import PerigeeLink
import PerigeeTransport
import Testing

/// A station by hand that answers wants as a test says.
struct HandStation: ~Copyable {
    var socket: Socket
    let epoch: Epoch
    let packets: [[UInt8]]
    var session: UInt32 = 0
    var greeting: UInt32 = 0

    init(_ socket: consuming Socket, epoch: Epoch, packets: [[UInt8]]) {
        self.socket = consume socket
        self.epoch = epoch
        self.packets = packets
    }

    static func connect(
        _ endpoint: String, epoch: Epoch, packets: [[UInt8]], context: ZeroMQContext
    ) throws -> HandStation {
        var options = SocketOptions()
        options.receiveTimeoutMilliseconds = 60_000  // wants are looked at each second
        var socket = try Socket(.dealer, context: context, options: options)
        try socket.connect(endpoint)
        return HandStation(consume socket, epoch: epoch, packets: packets)
    }

    mutating func send(_ message: LinkMessage) throws { _ = try socket.send(message.packed(), waits: true) }

    /// The next message that is no ACK.
    mutating func next() throws -> LinkMessage {
        while true {
            let limit = MessageLimit(partCount: 1, size: LinkLimit.message)
            let parts = try #require(try socket.receive(limit: limit, waits: true))
            let message = try LinkMessage(parsing: parts[0][...])
            if case .ack = message { continue }
            return message
        }
    }

    mutating func greet() throws {
        greeting += 1
        let hello = LinkMessage.Hello(
            station: try StationName("hand"), epoch: epoch, boot: 5, greeting: greeting,
            lowest: UInt64(packets.count + 1),
            highest: UInt64(packets.count))
        try send(.hello(hello))
        guard case .welcome(let welcome) = try next() else {
            Issue.record("no WELCOME")
            return
        }
        session = welcome.session
    }

    /// Sends packets by their numbers.
    mutating func data(_ numbers: [UInt64], lowest: UInt64) throws {
        let items = numbers.map {
            LinkMessage.DataBatch.Item(number: $0, isResent: false, packet: packets[Int($0) - 1][...])
        }
        try send(.data(.init(session: session, lowest: lowest, items: items)))
    }

    /// The next WANT.
    mutating func want() throws -> LinkMessage.Want {
        let message = try next()
        guard case .want(let want) = message else { throw Unexpected(message: message) }
        return want
    }

    struct Unexpected: Error { let message: LinkMessage }

    mutating func answer(_ request: UInt32, _ outcome: WantOutcome, packets: Int) throws {
        try send(.answer(.init(session: session, request: request, outcome: outcome, packets: packets)))
    }
}
