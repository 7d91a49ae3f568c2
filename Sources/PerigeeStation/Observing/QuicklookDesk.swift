import Glibc
import PerigeeCodec
import PerigeeConcurrency
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeTransport

/// Makes small pictures of some frames, on a thread that only gets what nobody else wants: the frame's coarsest layer is decoded
/// again, so that the picture is what a receiver sees first.
final class QuicklookDesk: Sendable {
    private struct Job: Sendable {
        var stream: StreamDescription
        /// Up to the first that says anything: a frame that travels losslessly has empty ones before it.
        var layers: [[UInt8]]
        /// What the frame was predicted from.
        var reference: FrameReference?
        var label: String
        var frame: UInt64
    }

    private struct Entry: Sendable {
        var number: Int
        var time: Timestamp
        var label: String
        var frame: UInt64
        var picture: Quicklook
    }

    private struct State: Sendable {
        var considered: [String: Int] = [:]
        /// Newest first.
        var entries: [Entry] = []
        var last = 0
    }

    /// Pictures that are kept.
    private static let limit = 16
    /// Samples of a frame beyond which there is no picture: decoding needs the whole frame in memory.
    private static let sampleLimit = 1 << 26

    private let interval: Int
    private let jobs = BoundedQueue<Job>(itemLimit: 2, octetLimit: 1 << 24)
    private let state = Locked(State())
    private let thread: NamedThread?

    /// `interval`: of each so-manieth frame of a sensor; 0 of none.
    init(interval: Int, model: CodecModel) {
        self.interval = interval
        guard interval > 0 else {
            thread = nil
            return
        }
        let jobs = jobs, state = state
        thread = NamedThread("quicklook", stackSize: 16 << 20) {
            // of this thread alone, as Linux has it; a sandbox may forbid it
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
            while let job = jobs.take() { Self.make(job, model, state) }
        }
    }

    /// From a lane, which never waits here: where the desk is busy there is no picture.
    func offer(_ uplink: UplinkItem, stream: StreamDescription, reference: FrameReference?) {
        guard interval > 0, let coarsest = uplink.layers.firstIndex(where: { !$0.isEmpty }) else { return }
        let label = uplink.ticket.label
        let isDue = state.withLock { state in
            defer { state.considered[label, default: 0] += 1 }
            return state.considered[label, default: 0] % interval == 0
        }
        guard isDue, stream.bands.count * stream.rows * stream.columns <= Self.sampleLimit else { return }
        _ = jobs.offer(
            Job(
                stream: stream, layers: Array(uplink.layers[...coarsest]), reference: reference, label: label,
                frame: uplink.assignment.frame), size: uplink.layers[coarsest].count)
    }

    private static func make(_ job: Job, _ model: CodecModel, _ state: Locked<State>) {
        guard let decoder = try? FrameDecoder(model: model, stream: job.stream, lanes: 1),
            let samples = try? decoder.decode(layers: job.layers.map { $0[...] }, reference: job.reference)
        else { return }
        let picture = Quicklook(samples, stream: job.stream)
        let now = currentTime().utc
        state.withLock { state in
            state.last += 1
            state.entries.insert(
                Entry(number: state.last, time: now, label: job.label, frame: job.frame, picture: picture), at: 0)
            state.entries.removeLast(max(state.entries.count - limit, 0))
        }
    }

    /// Ends the thread; what waits is left undone.
    func stop() {
        jobs.close()
        thread?.join()
    }

    /// quicklooks.json.
    var json: JSONValue {
        let entries = state.withLock { $0.entries }
        return .object([
            "v": .integer(2), "every": .integer(interval),
            "quicklooks": .array(
                entries.map { entry in
                    .object([
                        "n": .integer(entry.number), "time": .string(entry.time.rfc3339),
                        "sensor": .string(entry.label), "frame": .integer(Int(clamping: entry.frame)),
                        "rows": .integer(entry.picture.rows), "columns": .integer(entry.picture.columns),
                        "bands": .strings(entry.picture.bands),
                    ])
                }),
        ])
    }

    /// The octets of picture `number`; nil where it is gone or never was.
    func octets(_ number: Int) -> [UInt8]? {
        state.withLock { state in state.entries.first { $0.number == number }?.picture.octets }
    }
}
