import PerigeeCodec
import PerigeeConcurrency
import PerigeeConfig
import PerigeeCore
import PerigeeLink
import PerigeeMemory
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// What frames are predicted from: earlier frames of their places that the gateway has filed. Lanes ask, the spool's thread tells
/// what was delivered. Nothing here can fail a frame: without history it is coded by itself.
final class PlaceHistory: Sendable {
    /// A reference, and what names it.
    struct Known {
        let reference: FrameReference
        let names: FrameMetadata.References
        /// The same as memory calls them.
        let frames: [MemoryReference]
        /// Those frames as both ends have them, in the same order.
        let earlier: [EarlierLook]
    }

    /// What memory says before a frame is encoded.
    struct Outlook: Sendable {
        /// What the frame is sent at: finer than usual where its place is to have a key.
        var target: StationConfiguration.Target
        /// What it may be predicted from; nil for a key, and where memory does not answer.
        var candidates: MemoryCandidates?
        /// Memory takes the frame, so that it is worth measuring; it does so when it answers late, too.
        var isRemembered: Bool
    }

    /// A frame that memory is asked about.
    struct Query: Sendable {
        var sensor: String
        var declaration: StreamDeclaration
        var metadata: FrameMetadata
        var clearShare: Double
    }

    /// What memory measures a frame by.
    struct Worth {
        /// Octets of its samples.
        var rawSize: Int
        /// Of each layer that was encoded, but for a residual one.
        var ratios: [Double]
        var clearShare: Double
        /// Mean squared error after so many layers; nil of a predicted frame, which has cost enough time.
        var distortion: ((Int) throws -> Double)?
    }

    /// Octets of the samples of one frame that is decoded for history, at most.
    private static let sampleLimit = FrameDecoder.sampleLimit
    /// Share of clear pixels that a key has at least.
    private static let keyClearShare = 0.9
    /// Nil where nothing is remembered.
    private let memory: MemoryThread?
    /// Firmwares whose streams the one in use decodes.
    private let firmwares: Set<UInt32>
    private let profiles: [SensorProfile]
    private let model: CodecModel
    private let log: ServiceLog

    /// What the configuration wants to be remembered; without it, or with several gateways, of which each would know other frames,
    /// there is no history.
    init(
        _ configuration: StationConfiguration, epoch: Epoch, nextFrame: UInt64, firmwares: Set<UInt32>,
        profiles: [SensorProfile], model: CodecModel, log: ServiceLog
    ) {
        self.firmwares = firmwares
        self.profiles = profiles
        self.model = model
        self.log = log
        guard configuration.memory.size > 0 else {
            memory = nil
            return
        }
        guard configuration.fallbacks.isEmpty else {
            memory = nil
            log.write(
                .notice, "no_memory",
                [
                    "reason": "several gateways: what one of them has filed another may lack",
                    "remedy": "none needed: frames are coded each by itself",
                ])
            return
        }
        memory = MemoryThread(
            .init(
                path: configuration.spool.directory + "/memory.db", epoch: epoch, nextFrame: nextFrame,
                configuration: configuration.memory.settings, firmwares: firmwares), log: log)
    }

    /// The thread that owns memory, until `stop`; nil where there is nothing to do.
    func start(_ watchdog: Watchdog) -> NamedThread? {
        memory.map { memory in
            let progress = watchdog.loop("memory")
            return NamedThread("memory") { memory.run(progress) }
        }
    }

    /// Memory takes nothing more.
    func stop() { memory?.stop() }

    /// Goes by another configuration from now on.
    func take(_ configuration: StationConfiguration) { memory?.take(configuration.memory.settings) }

    /// What memory has, and what became of it; nil where there is none.
    var status: MemoryThread.Status? { memory?.status }

    // MARK: what lanes ask

    /// What to do with a frame: whether it is the clear one that becomes the key of its place and season, at `key` where that is finer
    /// than what is usual, and what it may be predicted from otherwise.
    func outlook(
        _ query: Query, usual: StationConfiguration.Target, key: StationConfiguration.Target
    ) -> Outlook {
        guard let memory else { return Outlook(target: usual, isRemembered: false) }
        let mayBeKey: Bool
        if case .ratio(let fine) = key, case .ratio(let own) = usual {
            mayBeKey = fine < own && query.clearShare >= Self.keyClearShare
        } else {
            mayBeKey = false
        }
        let answer = memory.ask { memory in
            let (sensor, declaration, metadata) = (query.sensor, query.declaration, query.metadata)
            // a key is plain: what is predicted from it stands at the first depth again
            if mayBeKey, memory.hasKey(sensor: sensor, declaration: declaration, metadata: metadata) == false {
                return Outlook(target: key, isRemembered: true)
            }
            let found = memory.candidates(sensor: sensor, declaration: declaration, metadata: metadata)
            return Outlook(target: usual, candidates: found, isRemembered: found.ineligible == nil)
        }
        return answer ?? Outlook(target: usual, isRemembered: true)
    }

    /// The reference of a frame, from what the gateway has of its place; nil where that is nothing.
    func reference(
        _ candidates: MemoryCandidates?, of samples: Samples, _ assignment: StreamTable.Assignment,
        _ metadata: FrameMetadata, encoder: FrameEncoder
    ) -> Known? {
        guard let found = candidates, !found.ranked.isEmpty else { return nil }
        var decoder = HistoryDecoder(found.frames, profiles: profiles, model: model, sampleLimit: Self.sampleLimit)
        do {
            let usable = found.ranked.filter { candidate in
                let name = candidate.reference
                return name.frame < assignment.frame
                    && found.frames[name.frame].map { firmwares.contains($0.declaration.firmware) } ?? false
            }
            return try decoder.best(usable, for: (assignment, metadata, samples), encoder: encoder)
        } catch {
            log.write(
                .warning, "history_unusable", key: "once",
                ["detail": "\(error)", "remedy": "none: the frame is coded by itself"])
            return nil
        }
    }

    /// The reference that a frame's metadata names, put together again.
    func reference(
        named names: FrameMetadata.References, by frame: UInt64, declaration: StreamDeclaration,
        metadata: FrameMetadata
    ) throws(HistoryFailure) -> FrameReference {
        guard let memory else { throw .absent }
        var wanted: [MemoryReference] = []
        for name in names.frames {
            guard name.back > 0, name.back <= frame else { throw .forgotten(frame) }
            wanted.append(MemoryReference(frame: frame - name.back, layers: name.layers))
        }
        let chains = memory.ask { [wanted] memory in wanted.map { memory.chain(of: $0.frame) } }
        guard let chains else { throw .late }
        var frames: [UInt64: RememberedFrame] = [:]
        for (name, chain) in zip(wanted, chains) {
            guard let chain, chain[name.frame]?.layers.count ?? 0 >= name.layers else { throw .forgotten(name.frame) }
            frames.merge(chain) { first, _ in first }
        }
        var decoder = HistoryDecoder(frames, profiles: profiles, model: model, sampleLimit: Self.sampleLimit)
        let made: FrameReference
        do { made = try decoder.reference(wanted, mix: names.mix, for: (declaration, metadata)) } catch {
            throw .undecodable("\(error)")
        }
        guard made.hash == names.hash else { throw .differs }
        return made
    }

    // MARK: what memory is told

    /// Remembers a frame that goes to the spool; it may be named when the gateway has filed it. Measured is a key, as it is sent at once:
    /// others, and one that somebody wants finer later, give way and take its place by age.
    func remember(_ item: UplinkItem, sensor: String, worth: Worth, references: [MemoryReference]) {
        guard let memory else { return }
        let encoded = Array((item.layers + item.finer).prefix(worth.ratios.count))
        let count = LayerLadder.rememberedCount(sizes: encoded.map(\.count), rawSize: worth.rawSize)
        let sent = min(item.layers.count, count)
        var layers = zip(encoded, worth.ratios).prefix(count).map { octets, ratio in
            MemoryFrame.Layer(octets: octets, ratio: max(Int(ratio.rounded()), 1))
        }
        do {
            if sent > 0, layers[sent - 1].ratio <= MemoryRatio.key, let distortion = worth.distortion {
                layers[sent - 1].distortion = Float(try distortion(sent))
            }
        } catch {
            log.write(
                .warning, "history_unmeasured", key: "once",
                ["detail": "\(error)", "remedy": "none: the frame gives way by age alone"])
        }
        let frame = MemoryFrame(
            frame: item.assignment.frame, sensor: sensor, declaration: item.assignment.stream, metadata: item.metadata,
            layers: layers, sentLayers: sent, references: references, clearShare: worth.clearShare)
        memory.tell(size: layers.reduce(0) { $0 + $1.octets.count }) { memory in
            _ = memory.remember(frame, now: currentTime().utc)
        }
    }

    /// What became of frames of the spool: those that were delivered may be named from now on.
    func settle(_ frames: [SettledFrame]) {
        guard let memory, !frames.isEmpty else { return }
        memory.tell { memory in
            // numbers of an older epoch that the spool still delivers mean other frames
            for frame in frames where frame.epoch == memory.epoch {
                switch frame.fate {
                case .delivered(thinned: false): memory.acknowledgeSent(frame.number)
                case .delivered(thinned: true): memory.acknowledge(frame.number, layers: [0])
                default: memory.forget(frame.number)
                }
            }
        }
    }

    /// Layers that somebody wanted later were delivered: they count in references from now on.
    func acknowledge(_ layers: Range<Int>, of frame: UInt64, in epoch: Epoch) {
        memory?.tell { memory in
            if memory.epoch == epoch { memory.acknowledge(frame, layers: Array(layers)) }
        }
    }

    /// The gateway cannot decode a frame: what it was predicted from, as its metadata has it, is not the same there, and goes.
    func distrust(_ frame: UInt64, _ references: FrameMetadata.References?, in epoch: Epoch) {
        memory?.tell { memory in
            guard memory.epoch == epoch else { return }
            memory.distrust(frame)
            // memory may know the frame no more, but still what it leans on
            for name in references?.frames ?? [] where (1...frame).contains(name.back) {
                memory.forget(frame - name.back)
            }
        }
    }

    /// Gives `reply` what memory has of a frame, on memory's thread, nil where nothing; false where it is not asked.
    func recall(
        _ frame: UInt64, in epoch: Epoch, reply: @escaping @Sendable (RememberedFrame?) -> Void
    ) -> Bool {
        guard let memory else { return false }
        return memory.tell { memory in
            reply(memory.epoch == epoch ? memory.chain(of: frame)?[frame] : nil)
        }
    }

    /// Whether streams of another firmware can be gone on with.
    func isCompatible(_ firmware: UInt32) -> Bool { firmwares.contains(firmware) }

    /// Another epoch began: earlier frames cannot be named in it.
    func begin(_ epoch: Epoch, nextFrame: UInt64) { memory?.begin(epoch, nextFrame: nextFrame) }
}

/// Why what a frame was predicted from cannot be put together again.
enum HistoryFailure: Error, Equatable, CustomStringConvertible {
    /// Nothing is remembered here.
    case absent
    case late
    /// This frame, or one that it leans on, is not in memory at the layers that are named.
    case forgotten(UInt64)
    case undecodable(String)
    case differs

    var description: String {
        switch self {
        case .absent: "nothing is remembered: [memory] bytes is 0, or there are several gateways"
        case .late: "memory did not answer in time: see the disk of the spool's folder"
        case .forgotten(let frame): "memory no longer has frame \(frame), which it was predicted from"
        case .undecodable(let detail): "what it was predicted from cannot be decoded: \(detail)"
        case .differs: "what it was predicted from comes out otherwise than then: another firmware, or damage"
        }
    }
}

extension StationConfiguration.Memory {
    var settings: PlaceMemory.Configuration {
        var settings = PlaceMemory.Configuration()
        settings.quota = size
        settings.keyDays = keyDays
        return settings
    }
}
