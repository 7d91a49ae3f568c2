import PerigeeCodec
import PerigeeConcurrency
import PerigeeCore
import PerigeeService

/// Why a frame cannot be encoded once more.
private enum PlainFailure: Error, CustomStringConvertible {
    case stopping
    case firmware(UInt32)
    case declarations

    var description: String {
        switch self {
        case .stopping: "the station stops"
        case .firmware(let id):
            "it was declared under firmware \(Hex.text(id)), which the one in use is not compatible with"
        case .declarations: "its epoch has no number for another declaration: restart the station"
        }
    }
}

extension EncoderLane {
    /// Encodes a frame once more without references; the spool's thread stores it as a new one and answers who wanted it. It is
    /// received once more, so that the ledger's sums hold.
    func encodePlain(_ job: PlainJob) {
        var item: UplinkItem?
        do {
            item = try plain(job)
            context.counters.withLock { counters in
                counters.received += 1
                counters.inWork += 1
            }
        } catch {
            context.log.write(
                .warning, "encode_again_failed", key: "once",
                ["epoch": job.epoch.text, "frame": "\(job.frame)", "detail": "\(error)"])
        }
        let size = item.map { $0.layers.joined().count + $0.finer.joined().count + ($0.raw?.count ?? 0) } ?? 0
        let answer = context.spoolQueue.append(
            .plain(job, item), size: min(size, context.spoolQueue.octetLimit), noting: progress)
        if answer != .accepted, let item { context.fail(.stopped, detail: "the station stops", ticket: item.ticket) }
    }

    private func plain(_ job: PlainJob) throws -> UplinkItem {
        guard !context.isStopping.current else { throw PlainFailure.stopping }
        guard context.history.isCompatible(job.stream.firmware) else {
            throw PlainFailure.firmware(job.stream.firmware)
        }
        var declaration = job.stream.withoutBases
        declaration.firmware = context.firmware
        let key = StreamTable.key(declaration)
        let encoder = try encoder(declaration, key: key)
        let samples = try Self.samples(job.raw, encoder.stream)
        var metadata = job.metadata
        metadata.references = nil
        let (frame, budgets) = try encode(job, samples, with: encoder)
        let assigned = context.streams.withLock {
            $0.assign(declaration, key: key, metadata: metadata, budget: budgets.last ?? 0)
        }
        guard let assigned else { throw PlainFailure.declarations }
        metadata.replaces =
            job.epoch == context.spoolStatus.current.epoch && job.frame < assigned.frame
            ? .earlier(back: assigned.frame - job.frame) : .other(job.epoch, frame: job.frame)
        var raw = job.raw
        var writer = ByteWriter()
        metadata.pack(into: &writer, declaration: assigned.stream)
        if budgets != raw.budgets { raw.ratios = Array(raw.ratios.suffix(1)) }
        (raw.declaration, raw.metadata, raw.budgets) = (assigned.number, writer.bytes, budgets)
        let transformed = frame.layers.prefix(budgets.count)
        raw.checksum = RawFrame.checksum(of: transformed)
        let count = min(max(job.layers, 1), frame.layers.count)
        let item = UplinkItem(
            assignment: assigned, metadata: metadata, layers: Array(frame.layers[..<count]),
            finer: Array(frame.layers[count...]), raw: raw.packed(), priority: job.priority, rawSize: 0, nativeSize: 0,
            ticket: FrameTicket(sensor: "", run: "", sequence: 0, label: job.label, origin: nil))
        let worth = PlaceHistory.Worth(
            rawSize: samples.bytes.count, ratios: raw.ratios.map(Double.init),
            clearShare: ClearGround.share(of: samples, stream: encoder.stream, nodata: encoder.stream.nodata)
        ) { try encoder.distortion(of: transformed.prefix($0), from: samples) }
        context.history.remember(item, sensor: encoder.stream.sensor, worth: worth, references: [])
        return item
    }

    private func encode(
        _ job: PlainJob, _ samples: Samples, with encoder: FrameEncoder
    ) throws(CodecError) -> (frame: EncodedFrame, budgets: [Int]) {
        let isWhole = job.raw.hasResidual && job.layers > job.raw.budgets.count
        func encode(_ budgets: [Int]) throws(CodecError) -> (frame: EncodedFrame, budgets: [Int]) {
            let frame = try encoder.encode(
                samples, budgets: budgets, bound: isWhole ? .lossless : nil, reservesResidual: job.raw.hasResidual)
            return (frame, budgets)
        }
        do { return try encode(job.raw.budgets) } catch {
            guard case .overBudget(_, let smallest) = error else { throw error }
            return try encode([smallest])
        }
    }
}
