import Foundation
import PerigeeConcurrency
import PerigeeCore
import PerigeeFrameFormat
import PerigeeTestSupport
import PerigeeTransport
import Testing

/// A source that keeps each frame until the station says that it is stored, and sends it again where it hears nothing.
final class AcknowledgedSource: Sendable {
    private let stored = Locked(0)
    private let isEnded = Locked(false)
    private let isStopped = Locked(false)

    /// Frames of which the word has come.
    var storedCount: Int { stored.current }

    /// Sends frames 0 to `count` - 1, one after the other, on a thread of its own.
    init(_ endpoint: String, count: Int) throws {
        let samples = try Samples(
            type: .uint8, bands: 1, rows: 32, columns: 32, bytes: (0..<1_024).map { UInt8($0 % 251) })
        let frame = try Frame(description: FrameDescription(sensor: "naip", bandNames: ["R"]), samples: samples)
        let messages = try (0..<count).map { try FrameMessage.pack(frame, run: "source", sequence: $0) }
        let context = try ZeroMQContext()
        var options = SocketOptions()
        options.receiveTimeoutMilliseconds = 2_000
        options.sendTimeoutMilliseconds = 2_000
        options.reconnectIntervalMilliseconds = 50
        let (stored, isStopped, isEnded) = (stored, isStopped, isEnded)
        _ = NamedThread("source") { [options] in
            defer { isEnded.withLock { $0 = true } }
            guard var socket = try? Socket(.dealer, context: context, options: options) else { return }
            guard (try? socket.connect(endpoint)) != nil else { return }
            let limit = MessageLimit(partCount: 4, size: 1_000)
            for (sequence, message) in messages.enumerated() {
                var isKnown = false
                while !isKnown, !isStopped.current {
                    _ = try? socket.send(message, waits: true)
                    // answers to what was sent twice may come twice
                    while let answer = try? socket.receive(limit: limit, waits: true) {
                        let words = answer.map { String(decoding: $0, as: UTF8.self) }
                        isKnown = words.first == "stored" && words.last == String(sequence)
                        if isKnown { break }
                    }
                }
                if isKnown { stored.withLock { $0 += 1 } }
            }
        }
    }

    deinit { isStopped.withLock { $0 = true } }

    /// Waits until so many frames are known to be stored; gives up after two minutes.
    func wait(stored count: Int) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while storedCount < count {
            try #require(ContinuousClock.now < deadline, "\(storedCount) of \(count) frames are stored")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
