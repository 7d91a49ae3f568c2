import PerigeeCodec
import PerigeeCompression
import PerigeeConcurrency
import PerigeeConfig
import PerigeeControl
import PerigeeCore
import PerigeeFrameFormat
import PerigeeMetrics
import PerigeeService

/// One thread that encodes frames, with the encoders of the streams it saw last.
final class EncoderLane: @unchecked Sendable {  // all `var`s belong to the one thread that calls `run`
    /// Encoders that are kept: each owns workspaces of the size of its frames.
    private static let encoderLimit = 2
    /// Octets of a frame that the baseline compresses at most.
    private static let baselineSize = 4 << 20

    let context: StationContext
    let progress: LoopProgress
    private var encoders: [(key: [UInt8], encoder: FrameEncoder)] = []

    init(context: StationContext, progress: LoopProgress) {
        self.context = context
        self.progress = progress
    }

    /// Works until the queue is closed and empty.
    func run() {
        while let job = context.intakeQueue.take(noting: progress) {
            progress.allow(seconds: Watchdog.slowSeconds) {
                switch job {
                case .frame(let item): encode(item)
                case .refine(let job): refine(job)
                case .plain(let job): encodePlain(job)
                }
            }
        }
        progress.allow(seconds: Watchdog.slowSeconds) { context.control.save() }
        progress.end()
    }

    private func encode(_ item: IntakeItem) {
        if context.isAbandoned.current {
            context.fail(.stopped, detail: "the station stops", ticket: item.ticket)
            return
        }
        do {
            let samples = try item.header.samples(decoding: item.samples)
            let started = monotonicNanoseconds()
            guard let uplink = try encode(item, samples) else { return }
            let seconds = Double(monotonicNanoseconds() - started) / 1e9
            context.counters.withLock { $0.encodeSeconds.add(seconds) }
            let size =
                uplink.layers.reduce(512) { $0 + $1.count } + uplink.finer.reduce(0) { $0 + $1.count }
                + (uplink.raw?.count ?? 0)
            if context.spoolQueue.append(.frame(uplink), size: size, noting: progress) != .accepted {
                context.fail(.stopped, detail: "the station stops", ticket: item.ticket)
            }
            sampleBaseline(samples, label: item.ticket.label)
            context.control.saveWhenDue()
        } catch let error as FrameFormatError {
            context.reject(error.rejection, field: error.field, detail: "\(error)", ticket: item.ticket)
        } catch let error as FormatError {
            let field = if case .unknown("bands", _, _) = error { "bands" } else { "header" }
            context.reject(
                field == "bands" ? .bands : .field, field: field, detail: "\(error)", ticket: item.ticket)
        } catch {
            context.fail(.encode, detail: "\(error)", ticket: item.ticket)
        }
    }

    /// Encodes a frame and decides what of it goes out now; nil where it failed and that was told.
    private func encode(_ item: IntakeItem, _ samples: Samples) throws -> UplinkItem? {
        let control = context.control
        let rules = context.rules.current
        let frameClass = control.frameClass(
            rules, topic: item.topic, description: item.header.description, rows: samples.rows, columns: samples.columns
        )
        let usual = rules.target(of: frameClass, sensor: item.header.sensor)
        var (declaration, metadata) = try declare(item, samples: samples, isLossless: usual == .lossless)
        let key = StreamTable.key(declaration)
        let encoder = try encoder(declaration, key: key)
        let clearShare = ClearGround.share(of: samples, stream: encoder.stream, nodata: encoder.stream.nodata)
        let query = PlaceHistory.Query(
            sensor: encoder.stream.sensor, declaration: declaration, metadata: metadata, clearShare: clearShare)
        let outlook = context.history.outlook(query, usual: usual, key: rules.configuration.memory.keyTarget)
        let settings = rules.configuration.control
        let planned = FrameTargets(target: outlook.target, novelty: .usual, settings, type: samples.type)
        let rawSize = samples.bytes.count
        let budget = FrameBudget.size(rawSize: rawSize, target: planned.wantedRatio)
        let assigned = context.streams.withLock {
            $0.assign(declaration, key: key, metadata: metadata, budget: budget)
        }
        guard let assigned else {
            context.fail(.declarations, detail: "restart the station: it takes a new epoch", ticket: item.ticket)
            return nil
        }
        let known = context.history.reference(outlook.candidates, of: samples, assigned, metadata, encoder: encoder)
        let novelty = control.novelty(
            samples, after: known?.earlier ?? [], stream: encoder.stream, metadata: metadata, label: item.ticket.label,
            threshold: settings.surprise)
        let targets = FrameTargets(target: outlook.target, novelty: novelty, settings, type: samples.type)
        // the budgets have room for what names the reference, used or not
        metadata.references = known?.names
        let budgets = FrameBudget.payloads(
            rawSize: rawSize, ratios: targets.ratios, assignment: assigned, metadata: metadata)
        let bound: ErrorBound? = targets.isLossless ? .lossless : nil
        let reserves = bound == nil && keepsRaw(declaration) && samples.type != .float32
        let (frame, used) = try encode(
            samples, with: encoder, budgets: budgets, reference: known?.reference, aimedLayer: targets.wanted - 1,
            bound: bound, reservesResidual: reserves, item: item)
        let layers = frame.layers
        if !frame.isPredicted { metadata.references = nil }
        if bound == nil { try countClipped(samples, encoder, item) }
        let priority = novelty == .surprising ? FrameClass.priorities.lowerBound : frameClass.priority
        // a residual layer has no ratio
        let ratios = used.count == targets.ratios.count ? targets.ratios : [targets.wantedRatio]
        let count = control.decide(layers, priority: priority, targets: targets)
        let uplink = UplinkItem(
            assignment: assigned, metadata: metadata, layers: Array(layers[..<count]), finer: Array(layers[count...]),
            raw: keepsRaw(declaration)
                ? try raw(
                    item, samples, assigned, metadata, Array(layers.prefix(used.count)), Array(zip(used, ratios)),
                    aimedLayer: targets.wanted - 1, hasResidual: reserves || bound != nil) : nil,
            priority: priority, rawSize: rawSize,
            nativeSize: encoder.stream.nativeSize(rawSize: rawSize, metadata: metadata), ticket: item.ticket)
        let reference = frame.isPredicted ? known?.reference : nil
        context.quicklooks.offer(uplink, stream: encoder.stream, reference: reference)
        if outlook.isRemembered {
            let measure = { try encoder.distortion(of: layers.prefix($0), from: samples) }
            let worth = PlaceHistory.Worth(
                rawSize: rawSize, ratios: ratios, clearShare: clearShare, distortion: frame.isPredicted ? nil : measure)
            let names = frame.isPredicted ? known?.frames ?? [] : []
            context.history.remember(uplink, sensor: encoder.stream.sensor, worth: worth, references: names)
        }
        context.counters.withLock { $0.sensor(item.ticket.label) { $0.predicted += frame.isPredicted ? 1 : 0 } }
        return uplink
    }

    /// A verbatim frame has no more layers to be made.
    private func keepsRaw(_ declaration: StreamDeclaration) -> Bool {
        context.configuration.spool.rawRing > 0 && declaration.coding == .tokens
    }

    /// What more layers can be made of: the samples as zstd, as they came or compressed quickly, and how they were encoded.
    private func raw(
        _ item: IntakeItem, _ samples: Samples, _ assigned: StreamTable.Assignment, _ metadata: FrameMetadata,
        _ layers: [[UInt8]], _ budgets: [(size: Int, ratio: Double)], aimedLayer: Int, hasResidual: Bool
    ) throws -> [UInt8] {
        var compressed = item.samples
        if item.header.encoding != .zstd {
            var compressor = try ZstdCompressor(level: 1)
            compressed = try compressor.compress(samples.bytes)
        }
        var writer = ByteWriter()
        metadata.pack(into: &writer, declaration: assigned.stream)
        return RawFrame(
            declaration: assigned.number, metadata: writer.bytes, budgets: budgets.map(\.size),
            ratios: budgets.map { max(Int($0.ratio.rounded()), 1) }, aimedLayer: aimedLayer,
            hasResidual: hasResidual, checksum: RawFrame.checksum(of: layers), samples: compressed
        ).packed()
    }

    private func declare(
        _ item: IntakeItem, samples: Samples, isLossless: Bool
    ) throws -> (declaration: StreamDeclaration, metadata: FrameMetadata) {
        let profileNodata = context.catalog[item.header.sensor]?.profile.nodata
        let description = item.header.description(profileNodata: profileNodata)
        let match = try context.catalog.match(description, type: samples.type)
        var (declaration, metadata) = try StreamDeclaration.declare(
            match.description, shape: samples, profile: match.profile, firmware: context.firmware,
            profiles: context.profiles)
        // the transform cannot bring singles back to the last bit: they travel as they are
        if isLossless, samples.type == .float32 { declaration.coding = .verbatim }
        if metadata.time == .unknown { metadata.time = .received(item.receivedAt) }
        return (declaration, metadata)
    }

    func encoder(_ declaration: StreamDeclaration, key: [UInt8]) throws -> FrameEncoder {
        if let index = encoders.firstIndex(where: { $0.key == key }) {
            let found = encoders.remove(at: index)
            encoders.append(found)
            return found.encoder
        }
        let stream = try StreamDescription(declaration, profiles: context.profiles)
        if encoders.count >= Self.encoderLimit { encoders.removeFirst() }
        let encoder = try FrameEncoder(model: context.model, stream: stream, lanes: 1)
        encoders.append((key, encoder))
        return encoder
    }

    /// Within the budgets, or else at the smallest size that says the frame at all; which budgets it was.
    private func encode(
        _ samples: Samples, with encoder: FrameEncoder, budgets: [Int], reference: FrameReference?,
        aimedLayer: Int, bound: ErrorBound?, reservesResidual: Bool, item: IntakeItem
    ) throws(CodecError) -> (frame: EncodedFrame, budgets: [Int]) {
        func encode(_ budgets: [Int]) throws(CodecError) -> (frame: EncodedFrame, budgets: [Int]) {
            let frame = try encoder.encode(
                samples, budgets: budgets, reference: reference, aimedLayer: aimedLayer, bound: bound,
                reservesResidual: reservesResidual)
            return (frame, budgets)
        }
        do { return try encode(budgets) } catch {
            guard case .overBudget(let budget, let smallest) = error else { throw error }
            context.counters.withLock { $0.sensor(item.ticket.label) { $0.overBudget += 1 } }
            context.log.write(
                .notice, "over_budget", key: item.ticket.label,
                ["sensor": item.header.sensor, "budget": "\(budget)", "smallest": "\(smallest)"])
            return try encode([smallest])
        }
    }

    private func countClipped(_ samples: Samples, _ encoder: FrameEncoder, _ item: IntakeItem) throws(CodecError) {
        let count = try encoder.clippedCount(samples)
        guard count > 0 else { return }
        context.counters.withLock { $0.sensor(item.ticket.label) { $0.clippedSamples += count } }
        context.log.write(
            .warning, "samples_clipped", key: item.ticket.label,
            [
                "sensor": item.header.sensor, "samples": "\(count)",
                "remedy": "send them in the units of the profile, or give the profile a larger peak",
            ])
    }

    /// Each so-manieth frame of a sensor, the first included. Of a large frame four pieces stand for the whole.
    private func sampleBaseline(_ samples: Samples, label: String) {
        let isStopping = context.isStopping.current
        let isDue = context.counters.withLock { counters in
            let considered = counters.sensors[label]?.baselineConsidered ?? 0
            counters.sensor(label) { $0.baselineConsidered += 1 }
            // delivering goes before measuring, but a first sample there must be
            if isStopping, considered > 0 { return false }
            return considered % context.configuration.baselineInterval == 0
        }
        guard isDue else { return }
        var octets = samples.bytes
        if octets.count > Self.baselineSize {
            let piece = Self.baselineSize / 4
            let stride = (octets.count - piece) / 3
            octets = (0..<4).flatMap { samples.bytes[$0 * stride..<$0 * stride + piece] }
        }
        guard var compressor = try? ZstdCompressor(level: 19), let compressed = try? compressor.compress(octets) else {
            return
        }
        let share = Double(samples.bytes.count) / Double(octets.count)
        let size = Int(Double(compressed.count) * share)
        context.counters.withLock { counters in
            counters.sensor(label) {
                $0.baselineRaw += samples.bytes.count
                $0.baselineCompressed += size
            }
            counters.saving.sensor(label) {
                $0.sampledRawSize += samples.bytes.count
                $0.sampledSize += size
            }
        }
    }
}
