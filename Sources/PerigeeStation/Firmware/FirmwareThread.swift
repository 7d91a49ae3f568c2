import PerigeeConcurrency
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// The thread that fetches and installs bundles: checking one takes a second, which neither the link nor the spool may wait.
final class FirmwareThread: Sendable {
    /// Pieces and offers that wait: one piece is asked for at a time.
    private let requests = BoundedQueue<StoreRequest>(itemLimit: 16, octetLimit: 1 << 20)
    private let isStopping = Locked(false)

    /// Works until `stop`; `deliver` takes events for the link.
    func run(_ stage: FirmwareStage, progress: LoopProgress, deliver: (SenderMachine.Event) -> Void) {
        var stage = stage
        defer { progress.end() }
        while true {
            progress.note()
            let now = currentTime()
            let wait = stage.due.map { min(max($0 - now.monotonic, 1), 1_000) } ?? 1_000
            let request = requests.take(timeoutMilliseconds: Int(wait))
            if isStopping.current { return }
            // it checks files and tries a bundle
            let replies: [FirmwareStage.Reply] = progress.allow(seconds: Watchdog.slowSeconds) {
                switch request {
                case .offer(let offer)?: stage.take(offer, now: currentTime())
                case .piece(let piece)?: stage.take(piece, now: currentTime())
                default: stage.tick(now: currentTime())
                }
            }
            for reply in replies {
                switch reply {
                case .fetch(let fetch): deliver(.fetch(fetch))
                case .report(let report): deliver(.report(report))
                }
            }
        }
    }

    func stop() {
        isStopping.withLock { $0 = true }
        requests.close()
    }

    /// A store that keeps what concerns firmware for this thread, and hands on the rest.
    func store(before store: any PacketStore) -> any PacketStore { Branch(thread: self, store: store) }

    private struct Branch: PacketStore {
        let thread: FirmwareThread
        let store: any PacketStore

        func request(_ request: StoreRequest) {
            switch request {
            // where it is full the gateway offers again, and pieces are asked for again
            case .offer, .piece: _ = thread.requests.offer(request, size: LinkLimit.piece)
            default: store.request(request)
            }
        }
    }
}
