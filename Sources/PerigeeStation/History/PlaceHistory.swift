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
    }

    private final class Holder: @unchecked Sendable {  // all access is under the lock of `memory`
        var memory: PlaceMemory

        init(_ memory: consuming PlaceMemory) { self.memory = memory }
    }

    /// Octets of the samples of one frame that is decoded for history, at most.
    private static let sampleLimit = FrameDecoder.sampleLimit
    /// Share of clear pixels that a key has at least.
    private static let keyClearShare = 0.9
    private let memory: Locked<Holder?>
    private let profiles: [SensorProfile]
    private let model: CodecModel
    private let log: ServiceLog

    /// Opens the file of the configuration; without one, or with several gateways, of which each would know other frames,
    /// there is no history.
    init(
        _ configuration: StationConfiguration, epoch: Epoch, nextFrame: UInt64, firmware: UInt32,
        profiles: [SensorProfile], model: CodecModel, log: ServiceLog
    ) {
        self.profiles = profiles
        self.model = model
        self.log = log
        guard configuration.memory.size > 0 else {
            memory = Locked(nil)
            return
        }
        guard configuration.fallbacks.isEmpty else {
            memory = Locked(nil)
            log.write(
                .notice, "no_memory",
                [
                    "reason": "several gateways: what one of them has filed another may lack",
                    "remedy": "none needed: frames are coded each by itself",
                ])
            return
        }
        var opened = PlaceMemory(
            path: configuration.spool.directory + "/memory.db", epoch: epoch, nextFrame: nextFrame,
            configuration: configuration.memory.settings)
        opened.keep(firmwares: [firmware])
        memory = Locked(Holder(opened))
        tellOpening()
    }

    private func tellOpening() {
        let event = memory.withLock { $0?.memory.event }
        switch event {
        case .setAside(let reason)?:
            log.write(.warning, "memory_set_aside", ["reason": reason, "remedy": "none: places are learned anew"])
        case .unavailable(let reason)?:
            log.write(
                .warning, "memory_unavailable",
                [
                    "reason": reason,
                    "remedy":
                        "make the spool's folder writable and see its disk; until then frames are coded each by itself",
                ])
        default: break
        }
    }

    /// Goes by another configuration from now on.
    func take(_ configuration: StationConfiguration) {
        memory.withLock { $0?.memory.configure(configuration.memory.settings) }
    }

    /// What memory has, and what became of it; nil where there is none.
    var status: PlaceMemory.Status? { memory.withLock { $0?.memory.status } }

    /// The reference of a frame, from what the gateway has of its place; nil where that is nothing.
    func reference(
        of samples: Samples, _ assignment: StreamTable.Assignment, _ metadata: FrameMetadata,
        encoder: FrameEncoder
    ) -> Known? {
        let found = memory.withLock {
            $0?.memory.candidates(
                sensor: encoder.stream.sensor, declaration: assignment.stream, metadata: metadata)
        }
        guard let found, !found.ranked.isEmpty else { return nil }
        var decoder = HistoryDecoder(found.frames, profiles: profiles, model: model, sampleLimit: Self.sampleLimit)
        do {
            let usable = found.ranked.map(\.reference).filter {
                $0.frame < assignment.frame
                    && found.frames[$0.frame]?.declaration.firmware == assignment.stream.firmware
            }
            return try decoder.best(usable, for: (assignment, metadata, samples), encoder: encoder)
        } catch {
            log.write(
                .warning, "history_unusable", key: "once",
                ["detail": "\(error)", "remedy": "none: the frame is coded by itself"])
            return nil
        }
    }

    /// The reference that a frame's metadata names; nil where memory lacks any of it, or has another.
    func reference(
        named names: FrameMetadata.References, by frame: UInt64, declaration: StreamDeclaration,
        metadata: FrameMetadata
    ) -> FrameReference? {
        var frames: [UInt64: RememberedFrame] = [:]
        var wanted: [MemoryReference] = []
        for name in names.frames {
            guard name.back > 0, name.back <= frame,
                let chain = memory.withLock({ $0?.memory.chain(of: frame - name.back) })
            else { return nil }
            frames.merge(chain) { first, _ in first }
            wanted.append(MemoryReference(frame: frame - name.back, layers: name.layers))
        }
        var decoder = HistoryDecoder(frames, profiles: profiles, model: model, sampleLimit: Self.sampleLimit)
        guard let made = try? decoder.reference(wanted, for: (declaration, metadata)), made.hash == names.hash else {
            return nil
        }
        return made
    }

    /// Remembers a frame that goes to the spool; it may be named when the gateway has filed it.
    func remember(
        _ item: UplinkItem, sensor: String, ratios: [Double], references: [MemoryReference], clearShare: Double
    ) {
        var layers: [MemoryFrame.Layer] = []
        for (layer, octets) in (item.layers + item.finer).enumerated() where layer < ratios.count {
            layers.append(MemoryFrame.Layer(octets: octets, ratio: max(Int(ratios[layer].rounded()), 1)))
        }
        let frame = MemoryFrame(
            frame: item.assignment.frame, sensor: sensor, declaration: item.assignment.stream, metadata: item.metadata,
            layers: layers, sentLayers: min(item.layers.count, layers.count), references: references,
            clearShare: clearShare)
        _ = memory.withLock { $0?.memory.remember(frame, now: currentTime().utc) }
    }

    /// The target of a frame: that of `key` where it is finer and the frame is a clear one of a place that has no key of this
    /// season yet, so that later frames have what to be predicted from.
    func target(
        _ target: StationConfiguration.Target, declaration: StreamDeclaration, _ metadata: FrameMetadata,
        sensor: String,
        clearShare: Double, key: StationConfiguration.Target
    ) -> StationConfiguration.Target {
        guard case .ratio(let fine) = key, case .ratio(let own) = target, fine < own, clearShare >= Self.keyClearShare,
            memory.withLock({
                $0?.memory.hasKey(sensor: sensor, declaration: declaration, metadata: metadata)
            }) == false
        else { return target }
        return .ratio(fine)
    }

    /// What became of frames of the spool: those that were delivered may be named from now on.
    func settle(_ frames: [SettledFrame]) {
        guard !frames.isEmpty else { return }
        memory.withLock { holder in
            guard let holder else { return }
            // numbers of an older epoch that the spool still delivers mean other frames
            for frame in frames where frame.epoch == holder.memory.epoch {
                switch frame.fate {
                case .delivered(thinned: false): holder.memory.acknowledgeSent(frame.number)
                case .delivered(thinned: true): holder.memory.acknowledge(frame.number, layers: [0])
                default: holder.memory.forget(frame.number)
                }
            }
        }
    }

    /// Another epoch began: earlier frames cannot be named in it.
    func begin(_ epoch: Epoch, nextFrame: UInt64) {
        memory.withLock { $0?.memory.begin(epoch, nextFrame: nextFrame) }
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
