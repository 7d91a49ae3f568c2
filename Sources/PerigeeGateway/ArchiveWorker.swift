internal import PerigeeArchive
internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink
internal import PerigeeTransport

/// Which session of which peer something belongs to.
struct SessionKey: Hashable, Sendable {
    /// The router's name of the connection.
    let peer: [UInt8]
    let session: UInt32
}

/// What the archive's thread is asked.
enum ArchiveJob: Sendable {
    case store(SessionKey, ArchiveRecord)
    /// What is durable of the epoch that says HELLO; behind all that was asked to be stored before.
    case lookUp(peer: [UInt8], LinkMessage.Hello)
}

/// What it answers.
enum ArchiveAnswer: Sendable {
    case committed([(key: SessionKey, number: UInt64, outcome: ReceiverMachine.Outcome)])
    case found(peer: [UInt8], LinkMessage.Hello, SequenceSet)
    /// Nothing can be trusted any more: the process must end, and start again.
    case failed(ArchiveError)
}

/// The thread that owns the archive: gathers packets and commits them together, then answers.
final class ArchiveWorker: @unchecked Sendable {  // `archive` belongs to the worker's thread from `run` on
    private var archive: Archive?
    private let jobs: BoundedQueue<ArchiveJob>
    private let answer: @Sendable (ArchiveAnswer) -> Void
    private let commitPackets: Int
    private let commitMilliseconds: Int64

    init(
        _ archive: consuming Archive, jobs: BoundedQueue<ArchiveJob>, configuration: GatewayConfiguration,
        answer: @escaping @Sendable (ArchiveAnswer) -> Void
    ) {
        self.archive = consume archive
        self.jobs = jobs
        self.answer = answer
        commitPackets = configuration.commitPackets
        commitMilliseconds = configuration.commitMilliseconds
    }

    /// Works until the queue is closed and empty, then closes the archive.
    func run() {
        do throws(ArchiveError) {
            while let first = jobs.take() { try work(first) }
        } catch { answer(.failed(error)) }
        archive = nil
    }

    /// One group: packets until the count or the time is reached, or somebody waits for a look-up.
    private func work(_ first: ArchiveJob) throws(ArchiveError) {
        var batch: [(key: SessionKey, record: ArchiveRecord)] = []
        let deadline = currentTime().monotonic + commitMilliseconds
        var next: ArchiveJob? = first
        while let job = next {
            switch job {
            case .store(let key, let record): batch.append((key, record))
            case .lookUp(let peer, let hello):
                try commit(batch)
                batch = []
                try lookUp(peer, hello)
            }
            let left = deadline - currentTime().monotonic
            next = batch.count < commitPackets && left > 0 ? jobs.take(timeoutMilliseconds: Int(left)) : nil
        }
        try commit(batch)
    }

    private func commit(_ batch: [(key: SessionKey, record: ArchiveRecord)]) throws(ArchiveError) {
        guard !batch.isEmpty, let outcomes = try archive?.append(batch.map(\.record)) else { return }
        answer(
            .committed(
                zip(batch, outcomes).map { item, outcome in
                    let result: ReceiverMachine.Outcome =
                        switch outcome {
                        case .stored: .stored
                        case .duplicate: .duplicate
                        case .conflict: .conflict
                        }
                    return (item.key, item.record.number, result)
                }))
    }

    private func lookUp(_ peer: [UInt8], _ hello: LinkMessage.Hello) throws(ArchiveError) {
        let ranges = try archive?.state(station: hello.station.text, epoch: hello.epoch, from: hello.lowest).numbers ?? []
        // below `lowest` the station needs no word
        answer(.found(peer: peer, hello, SequenceSet(cumulative: hello.lowest - 1, ranges: ranges)))
    }
}
