package import PerigeeCommandLine
package import PerigeeCore
import PerigeeFrameFormat
import PerigeeTransport

/// Sends frames to stations as one run of a source: frames of each sensor counted from 0, and an end for each sensor.
package struct FramePublisher: ~Copyable {
    /// How frames are sent.
    package struct Settings {
        var isPublish = false
        package var endpoint = ""
        var binds = false
        /// Encrypts; nil sends in the clear.
        var curve: CurveRole?
        package var run = ""
        var encoding = FrameHeader.Encoding.none
        /// How long to wait for somebody to listen, and for the last octets to leave.
        var patienceMilliseconds = 30_000
        /// Frames a second; nil as fast as they are taken.
        var rate: Double?

        /// Pushes to nowhere, in the clear.
        package init() {}
    }

    private let settings: Settings
    private let context: ZeroMQContext
    private var socket: Socket
    private var nextSequence: [String: Int] = [:]
    private var lastSent: ContinuousClock.Instant?
    /// Octets of all messages that were taken.
    package private(set) var sentSize = 0

    /// Opens the socket; `waitForPeer` comes before the first frame.
    package init(_ settings: Settings) throws(CommandFailure) {
        self.settings = settings
        var options = SocketOptions()
        options.sendHighWaterMark = 4
        options.sendTimeoutMilliseconds = settings.patienceMilliseconds
        options.receiveTimeoutMilliseconds = settings.patienceMilliseconds
        options.lingerMilliseconds = settings.patienceMilliseconds
        options.reconnectIntervalMilliseconds = 100
        options.reconnectIntervalLimitMilliseconds = 2_000
        options.isImmediate = true
        options.curve = settings.curve
        do throws(TransportError) {
            let context = try ZeroMQContext()
            var socket = try Socket(settings.isPublish ? .extendedPublish : .push, context: context, options: options)
            if settings.binds { try socket.bind(settings.endpoint) } else { try socket.connect(settings.endpoint) }
            self.context = context
            self.socket = socket
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Where it listens, where it does.
    mutating func address() throws(CommandFailure) -> String {
        guard settings.binds else { return settings.endpoint }
        do { return try socket.lastEndpoint() } catch { throw CommandFailure(error) }
    }

    /// PUB drops what nobody subscribes to, so the first frame waits for a subscription. PUSH waits by itself.
    package mutating func waitForPeer() throws(CommandFailure) {
        guard settings.isPublish else { return }
        do throws(TransportError) {
            // A subscription is one octet 1 and the prefix.
            let subscription = try socket.receive(limit: MessageLimit(partCount: 1, size: 4_096), waits: true)
            if subscription?.first?.first == 1 { return }
        } catch {
            throw CommandFailure(error)
        }
        throw nobodyListens()
    }

    /// Sends one frame; waits while the peer is busy.
    package mutating func send(_ frame: Frame) async throws {
        await pace()
        let sensor = frame.description.sensor
        let sequence = nextSequence[sensor, default: 0]
        let parts: [[UInt8]]
        do {
            parts = try FrameMessage.pack(
                frame, run: settings.run, sequence: sequence, encoding: settings.encoding, hasChecksum: true)
        } catch {
            throw CommandFailure(.data, "frame \(sequence) of \(sensor): \(error)")
        }
        try send(parts)
        nextSequence[sensor] = sequence + 1
    }

    /// Says that the run is over. The octets leave while the publisher ends.
    package mutating func finish() throws(CommandFailure) {
        for (sensor, next) in nextSequence.sorted(by: { $0.key < $1.key }) {
            try send(FrameMessage.pack(.end, sensor: sensor, run: settings.run, sequence: next > 0 ? next - 1 : nil))
        }
    }

    private mutating func send(_ parts: [[UInt8]]) throws(CommandFailure) {
        let result: SendResult
        do { result = try socket.send(parts, waits: true) } catch { throw CommandFailure(error) }
        guard result == .sent else { throw nobodyListens() }
        sentSize += parts.reduce(0) { $0 + $1.count }
    }

    private func nobodyListens() -> CommandFailure {
        let seconds = settings.patienceMilliseconds / 1_000
        return CommandFailure(
            .unavailable,
            "nobody took frames at \(settings.endpoint) for \(seconds) s: start perigeed, or check --endpoint")
    }

    private mutating func pace() async {
        guard let rate = settings.rate else { return }
        let now = ContinuousClock.now
        let due = lastSent.map { $0.advanced(by: .microseconds(Int64(1_000_000 / rate))) } ?? now
        if due > now { try? await Task.sleep(until: due, clock: .continuous) }
        lastSent = max(due, now)
    }
}
