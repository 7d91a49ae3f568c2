import PerigeeCodec
import PerigeeCompression
import PerigeeConcurrency
import PerigeeCore
import PerigeeService

/// Why more layers of a frame cannot be made.
private enum RefineFailure: Error, CustomStringConvertible {
    case noDeclaration
    case otherLayers

    var description: String {
        switch self {
        case .noDeclaration: "its declaration cannot be read"
        case .otherLayers: "its layers come out otherwise than they were sent: another firmware, or damage"
        }
    }
}

extension EncoderLane {
    /// Encodes a raw frame as it was encoded before, and more of it; the spool's thread answers who wanted that.
    func refine(_ job: RefineJob) {
        var packets: [[[UInt8]]]?
        do {
            // delivering what is there goes before making more
            if !context.isStopping.current { packets = try layers(job) }
        } catch {
            context.log.write(
                .warning, "refine_failed", key: "once",
                ["epoch": job.epoch.text, "frame": "\(job.frame)", "detail": "\(error)"])
        }
        let size = min(packets?.joined().reduce(0) { $0 + $1.count } ?? 0, context.spoolQueue.octetLimit)
        _ = context.spoolQueue.append(.refined(job, packets), size: size, noting: progress)
    }

    /// Packets of the layers that are wanted.
    private func layers(_ job: RefineJob) throws -> [[[UInt8]]] {
        guard case .declaration(let stream) = try Packet(parsing: job.declaration[...]).body else {
            throw RefineFailure.noDeclaration
        }
        let plain = stream.withoutBases
        let encoder = try encoder(plain, key: StreamTable.key(plain))
        var reader = ByteReader(job.raw.metadata[...])
        let metadata = try FrameMetadata(parsing: &reader, declaration: stream)
        let layers = try encoder.encode(
            Self.samples(job.raw, encoder.stream), budgets: job.raw.budgets,
            reference: reference(job, metadata, stream), aimedLayer: job.raw.aimedLayer,
            bound: job.raw.hasResidual ? .lossless : nil
        ).layers
        guard RawFrame.checksum(of: layers.prefix(job.raw.budgets.count)) == job.raw.checksum else {
            throw RefineFailure.otherLayers
        }
        let all = Packet.parts(
            of: layers, metadata: metadata, frame: job.frame,
            declaration: job.raw.declaration, stream: stream)
        var wanted = [[[UInt8]]](repeating: [], count: min(job.end, layers.count) - job.first)
        for packet in all {
            guard case .part(let part) = packet.body, (job.first..<job.end).contains(part.layer) else { continue }
            wanted[part.layer - job.first].append(packet.packed())
        }
        return wanted
    }

    /// What the frame was predicted from; nil of a plain one.
    private func reference(
        _ job: RefineJob, _ metadata: FrameMetadata, _ stream: StreamDeclaration
    ) throws(HistoryFailure) -> FrameReference? {
        guard let names = metadata.references else { return nil }
        return try context.history.reference(
            named: names, by: job.frame, declaration: stream, metadata: metadata)
    }

    /// What the ring keeps of a frame's samples.
    static func samples(_ raw: RawFrame, _ stream: StreamDescription) throws -> Samples {
        let size = stream.sampleType.size * stream.bands.count * stream.rows * stream.columns
        var decompressor = try ZstdDecompressor()
        return try Samples(
            type: stream.sampleType, bands: stream.bands.count, rows: stream.rows, columns: stream.columns,
            bytes: try decompressor.decompress(raw.samples, limit: size))
    }
}
