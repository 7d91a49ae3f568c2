import PerigeeConcurrency
import PerigeeTransport

/// Who sent a frame and waits for our word about it: the peer of an acknowledged intake. Source: Docs/frame-format.md section 4.
struct IntakeOrigin: Sendable {
    /// The router's name of the connection.
    let peer: [UInt8]
    let answers: IntakeAnswers

    /// Says what became of a frame; never waits. It is lost where the peer has gone: it then sends the frame again.
    func answer(_ fate: IntakeAnswers.Fate, _ ticket: FrameTicket) {
        answers.post(peer, [fate.word, ticket.run, "\(ticket.sequence)"] + fate.reason)
    }
}

/// Answers on their way to the one thread that owns an acknowledged intake's socket.
final class IntakeAnswers: Sendable {
    /// What became of a frame.
    enum Fate: Sendable {
        /// Its packets are durable here.
        case stored
        /// It never will be, for this reason of the counters.
        case rejected(String)

        fileprivate var word: String { if case .stored = self { "stored" } else { "rejected" } }
        fileprivate var reason: [String] { if case .rejected(let reason) = self { [reason] } else { [] } }
    }

    private let waiting = Locked<[[[UInt8]]]>([])
    private let wakeUp: WakeUp

    init(wakeUp: WakeUp) { self.wakeUp = wakeUp }

    fileprivate func post(_ peer: [UInt8], _ words: [String]) {
        waiting.withLock { $0.append([peer] + words.map { Array($0.utf8) }) }
        wakeUp.signal()
    }

    /// Whole messages for a ROUTER, oldest first.
    func take() -> [[[UInt8]]] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
